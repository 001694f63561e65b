"""Headers that hold call numbers by hand: a definition, an entry, and a count to raise.

Before tables, ``include/uapi/asm-generic/unistd.h`` was what the architectures without a table
of their own compiled; it still is exported and kept up to date. arm64 had another one for
its 32-bit programs. Nothing here knows their names: they are found by their form.

Source: include/uapi/asm-generic/unistd.h and arch/arm64/include/asm/unistd32.h, Linux 6.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from syscraft.errors import TreeError
from syscraft.lines import split_lines, whole_lines
from syscraft.tree.edit import Editor
from syscraft.tree.source import KernelTree

_Read = Callable[[str], str | None]

_PLACES = ("include/uapi/asm-generic/unistd.h", "arch/*/include/asm/unistd32.h")
_ENTRY = re.compile(
    r"^(?:__SYSCALL\(__NR_(?P<name>\w+), (?P<compat>compat_)?sys_(?P=name)"
    r"|__SC_COMP\(__NR_(?P<both>\w+), sys_(?P=both), compat_sys_(?P=both))\)$"
)
_HAS_BOTH = re.compile(r"^#define __SC_COMP\(")
_NUMBER = re.compile(r"^#define __NR_(?P<name>\w+) (?P<number>\d+)$")
_NUMBERS = re.compile(_NUMBER.pattern, re.MULTILINE)
_WORD = re.compile(r"\w+")
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
    found = [match["name"] or match["both"] for line in lines if (match := _ENTRY.match(line))]
    # Of those that were added, the last one need not have the highest number.
    last = max((numbers[name] for name in found if name in numbers), default=None)
    text = "".join(
        f"#define __NR_{entry.name} {entry.number}\n{_line(entry, lines)}\n"
        for entry in sorted(new)
    )
    editor.insert(path, entries[-1] + 1, text)
    highest = max(last or 0, *(entry.number for entry in new))
    # The count stands below the entries, or in the header that includes this one.
    for counted in (path, str(Path(path).with_name("unistd.h"))):
        for index, line in enumerate(editor.lines(counted)):
            count = _COUNT.match(line.rstrip("\n"))
            if count and last is not None and int(count["count"]) == last + 1:
                if highest > last:
                    editor.replace_line(counted, index, f"{count['head']}{highest + 1}\n")
                return
    raise TreeError.of(
        "the count of calls was not found",
        tree.where(path),
        expected=f"a definition of __NR_syscalls or __NR_compat_syscalls as {last}+1",
        hint="syscraft does not know the layout of this kernel tree",
    )


def is_count(old: str, new: str) -> bool:
    """Whether two lines are one count before and after it was raised."""
    before, after = _count(old), _count(new)
    return bool(before and after and before["head"] == after["head"])


def corrected_counts(paths: Iterable[str], before: _Read, after: _Read) -> dict[str, str]:
    """Let counts be right after a change of *paths* where they were right before it.

    Args:
        before, after: path -> text of the tree.

    Returns: path -> text of each file whose count has to be different.
    """
    found = {}
    names = ("unistd.h", "unistd32.h")
    headers = {str(Path(path).with_name("unistd.h")) for path in paths if Path(path).name in names}
    for path in sorted(headers):
        old = {m["head"]: line for line in whole_lines(before(path) or "") if (m := _count(line))}
        lines = whole_lines(after(path) or "")
        for index, line in enumerate(lines):
            count = _count(line)
            was = old.get(count["head"]) if count else None
            if was and was == _right_count(path, was, before):
                lines[index] = _right_count(path, line, after)
        if "".join(lines) != (after(path) or ""):
            found[path] = "".join(lines)
    return found


def _count(line: str) -> re.Match[str] | None:
    return _COUNT.match(line.rstrip("\n"))


def _right_count(path: str, line: str, read: _Read) -> str:
    """The count in *line* of *path* as the entries that it counts have it."""
    for counted in (path, str(Path(path).with_name("unistd32.h"))):
        lines = split_lines(read(counted) or "")
        entries = {m["name"] or m["both"] for text in lines if (m := _ENTRY.match(text))}
        defined = [match for text in lines if (match := _NUMBER.match(text))]
        numbers = [int(match["number"]) for match in defined if match["name"] in entries]
        if numbers and (count := _count(line)):
            return f"{count['head']}{max(numbers) + 1}\n"
    return line


def without_entries(tree: KernelTree, names: Iterable[str]) -> dict[str, bytes]:
    """The headers of a tree as they are without some calls, and their counts.

    Returns: path -> content of each header that has them or counts them.
    """
    wanted = {f"__NR_{name}" for name in names}
    files: dict[str, bytes] = {}
    for path in find_headers(tree):
        lines = whole_lines(tree.read(path) or "")
        left = [line for line in lines if wanted.isdisjoint(_WORD.findall(line))]
        if left == lines:
            continue
        files[path] = "".join(left).encode("utf-8", "surrogateescape")
    for path, text in corrected_counts(files, tree.read, tree.with_files(files).read).items():
        files[path] = text.encode("utf-8", "surrogateescape")
    return files


def _line(entry: Entry, lines: Sequence[str]) -> str:
    """What a header says of a call's function, as it does of others."""
    name = entry.name
    if entry.compat and any(map(_HAS_BOTH.match, lines)):
        return f"__SC_COMP(__NR_{name}, sys_{name}, compat_sys_{name})"
    if entry.compat and any(found["compat"] for found in map(_ENTRY.match, lines) if found):
        return f"__SYSCALL(__NR_{name}, compat_sys_{name})"
    return f"__SYSCALL(__NR_{name}, sys_{name})"
