"""The kernels whose calls are known, and questions that go to all of them."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path

from syscraft.abi.abi import Abi
from syscraft.calls.census import Census, Entry, from_text
from syscraft.errors import UsageError, Where
from syscraft.hints import near

_DATA = Path(__file__).parent / "data"


class Kernels:
    """Censuses, the oldest kernel first."""

    def __init__(self, censuses: Iterable[Census]) -> None:
        self.censuses = tuple(sorted(censuses, key=lambda census: census.order))

    @property
    def newest(self) -> Census:
        return self.censuses[-1]

    def find(self, name: str) -> Census:
        """The newest kernel that has a call.

        Raises:
            UsageError: none has it.
        """
        for census in reversed(self.censuses):
            if census.has(name):
                return census
        raise UsageError.of(
            f"no known kernel has a call '{name}'",
            expected="the name of a call in a kernel's table, or a number",
            found=name,
            hint=(
                near(name, self.newest.names, at_most=3)
                or f"syscraft list --grep {name[:3]} finds names; "
                "syscraft registry build TREE reads another kernel"
            ),
        )

    def since(self, name: str, abi: str | None = None) -> str:
        """The first kernel in the data that has the call (on *abi*), such as ``6.1``."""
        for census in self.censuses:
            if census.has(name, abi):
                return census.version
        return self.newest.version

    def numbered(self, number: int, abi: Abi) -> tuple[Entry, ...]:
        """The calls that have a number on an ABI, as programs pass it or as its table has it."""
        for census in reversed(self.censuses):
            calls = census.on(abi).values()
            for wanted in dict.fromkeys((number, abi.number(number), number + abi.number_offset)):
                if found := tuple(entry for entry in calls if entry.number == wanted):
                    return found
        return ()


@functools.cache
def shipped(folder: Path = _DATA) -> Kernels:
    """Read the censuses of a folder; the ones that come with the package unless told.

    Raises:
        UsageError: there is none.
        TreeError: a file is none.
    """
    paths = sorted(folder.glob("*.json"))
    paths = [path for path in paths if path.stem[:1].isdigit()]
    if not paths:
        raise UsageError.of(
            "this folder has no data of kernels",
            Where(str(folder)),
            expected="files such as 6.12.json",
            found="none",
            hint=f"syscraft registry build TREE -o {folder}",
        )
    return Kernels(read_file(path) for path in paths)


def open_kernels(folder: str | None) -> Kernels:
    """The data of a folder, or those that come with the package if it is None."""
    return shipped() if folder is None else shipped(Path(folder))


def read_file(path: Path) -> Census:
    """Read one census.

    Raises:
        UsageError: there is no such file.
        TreeError: it is something else.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError.of(
            "this file cannot be read", Where(str(path)), found=str(error)
        ) from error
    return from_text(text, Where(str(path)))
