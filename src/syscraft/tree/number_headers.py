"""Headers that hold call numbers by hand: a definition, an entry, and a count to raise.

Before tables, ``include/uapi/asm-generic/unistd.h`` was what the architectures without a table
of their own compiled; it still is exported and kept up to date. arm64 had another one for
its 32-bit programs. Nothing here knows their names: they are found by their form.

Source: include/uapi/asm-generic/unistd.h and arch/arm64/include/asm/unistd32.h, Linux 6.1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from syscraft.errors import TreeError
from syscraft.tree.edit import Editor
from syscraft.tree.source import KernelTree

_PLACES = ("include/uapi/asm-generic/unistd.h", "arch/*/include/asm/unistd32.h")
_ENTRY = re.compile(
    r"^(?:__SYSCALL\(__NR_(?P<name>\w+), (?P<compat>compat_)?sys_(?P=name)"
    r"|__SC_COMP\(__NR_(?P<both>\w+), sys_(?P=both), compat_sys_(?P=both))\)$"
)
_HAS_BOTH = re.compile(r"^#define __SC_COMP\(")
_NUMBER = re.compile(r"^#define __NR_(?P<name>\w+) (?P<number>\d+)$")
_NUMBERS = re.compile(_NUMBER.pattern, re.MULTILINE)
_COUNT = re.compile(r"^(?P<head>#define __NR_(?:compat_)?syscalls\s+)(?P<count>\d+)$")


def find_headers(tree: KernelTree) -> tuple[str, ...]:
    """The paths of the headers of a tree that have numbers."""
    found = {path for place in _PLACES for path in tree.glob(place)}
    return tuple(sorted(path for path in found if _NUMBERS.search(tree.read(path) or "")))


@dataclass(frozen=True, order=True)
class Entry:
    """A call to add; ``compat`` says whether programs of 32 bits have an entry of their own."""

    number: int
    name: str
    compat: bool


def add_entries(tree: KernelTree, editor: Editor, path: str, new: Sequence[Entry]) -> None:
    """Add calls to one header, and raise its count.

    Raises:
        TreeError: there is no entry to stand behind, or no count to raise.
    """
    lines = [line.rstrip("\n") for line in editor.lines(path)]
    entries = [index for index, line in enumerate(lines) if _ENTRY.match(line)]
    numbers = {
        match["name"]: int(match["number"]) for line in lines if (match := _NUMBER.match(line))
    }
    if not entries:
        raise TreeError.of(
            "the header has no ordinary entry",
            tree.where(path),
            expected="__SYSCALL(__NR_name, sys_name)",
            hint="syscraft does not know the layout of this kernel tree",
        )
    match = _ENTRY.match(lines[entries[-1]])
    assert match is not None
    last = numbers.get(match["name"] or match["both"])
    text = "".join(
        f"#define __NR_{entry.name} {entry.number}\n{_line(entry, lines)}\n"
        for entry in sorted(new)
    )
    editor.insert(path, entries[-1] + 1, text)
    highest = max(entry.number for entry in new)
    # The count stands below the entries, or in the header that includes this one.
    for counted in (path, str(Path(path).with_name("unistd.h"))):
        for index, line in enumerate(editor.lines(counted)):
            count = _COUNT.match(line.rstrip("\n"))
            if count and last is not None and int(count["count"]) == last + 1:
                editor.replace_line(counted, index, f"{count['head']}{highest + 1}\n")
                return
    raise TreeError.of(
        "the count of calls was not found",
        tree.where(path),
        expected=f"a definition of __NR_syscalls or __NR_compat_syscalls as {last}+1",
        hint="syscraft does not know the layout of this kernel tree",
    )


def _line(entry: Entry, lines: Sequence[str]) -> str:
    """What a header says of a call's function, as it does of others."""
    name = entry.name
    if entry.compat and any(map(_HAS_BOTH.match, lines)):
        return f"__SC_COMP(__NR_{name}, sys_{name}, compat_sys_{name})"
    if entry.compat and any(found["compat"] for found in map(_ENTRY.match, lines) if found):
        return f"__SYSCALL(__NR_{name}, compat_sys_{name})"
    return f"__SYSCALL(__NR_{name}, sys_{name})"
