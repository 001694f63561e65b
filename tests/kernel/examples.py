"""The kernels that most tests share: the one of the README's table, and one for other calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from conftest import REPOSITORY

import syscraft as library
from syscraft.abi.discover import all_abis
from syscraft.emit.discover import generate_all
from syscraft.guest.workload import Workload
from syscraft.tree.source import open_tree

# In the order of the README's table, for another order would be another kernel.
EXAMPLES = tuple(sorted(path.parent for path in REPOSITORY.glob("examples/*/*.toml")))
PAIR = REPOSITORY / "tests" / "kernel" / "clone_pair"
FORK_LIKE = REPOSITORY / "tests" / "kernel" / "forklike"

Row = dict[str, object]


def write_headers(example: Path, together: Sequence[Path], folder: Path) -> None:
    """Write what is generated for one of the declarations of a kernel: numbers are of all."""
    work = Workload(tuple(library.load(path).unit for path in together), open_tree("deb:6.12"))
    which = together.index(example)
    folder.mkdir()
    numbers = dict(zip((call.name for call in work.calls), work.numbers, strict=True))
    for name, text in generate_all(work.units[which], numbers, all_abis()).items():
        (folder / name).write_text(text)


def times(folders: Iterable[Path]) -> dict[Path, int]:
    """When each file in *folders* changed."""
    paths = (path for folder in folders for path in folder.rglob("*"))
    return {path: path.stat().st_mtime_ns for path in paths}


class Others:
    """Calls that are no examples, in one more kernel; and what their files were before it."""

    def __init__(self, folders: tuple[Path, ...]) -> None:
        self.folders = folders
        self.before = self.now()

    def now(self) -> dict[Path, int]:
        return times(self.folders)
