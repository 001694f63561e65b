"""Spares a new call the rebuild of everything that sees a table of numbers.

A new row changes the generated headers of numbers, and a third of User Mode Linux
includes them; but only what uses the *count* of calls, or the dispatch table, compiles
to something else. So the headers are made first, and if nothing but names of numbers
was added they get their old times back; what uses the count is removed and built anew.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from syscraft.lines import split_lines

_NUMBERS_ONLY = re.compile(r"^#define __NR_(?P<name>\w+)\s+.+$")
_DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(?P<name>\w+)[ \t]+(?P<value>.*)$", re.MULTILINE)
_NO_USE = re.compile(r"^[ \t]*#[ \t]*(?:define|undef)\b.*$", re.MULTILINE)
_WORD = re.compile(r"\w+")

# Where files that could use the count are; drivers and file systems never do.
_COUNT_USERS = (
    "arch/um", "arch/x86/um", "arch/x86/include", "kernel", "include/linux", "include/asm-generic",
    "include/uapi/asm-generic",
)  # fmt: skip


def pin(
    source: Path,
    objects: Path,
    pristine: Path,
    quiet: frozenset[str],
    make_headers: Callable[[], None],
    *,
    image: str,
    generated: tuple[str, ...],
) -> None:
    """Give the *quiet* files and what is generated from them their old times back."""
    if not (objects / image).exists():
        return  # everything is built anyway
    before = _headers(objects, generated)
    make_headers()
    after = _headers(objects, generated)
    changed_names: set[str] = set()
    restore = []
    for path, (text, _) in after.items():
        old = before.get(path)
        if old is None:
            continue
        # The generators write a header anew even if it comes out the same.
        names = _changed_numbers(old[0], text)
        if names is not None:
            changed_names |= names
            restore.append((path, old[1]))
    users = _objects_using(source, objects, changed_names)
    for path in users:
        path.unlink(missing_ok=True)
    for path, mtime_ns in restore:
        os.utime(path, ns=(mtime_ns, mtime_ns))
    for name in quiet:
        stat = (pristine / name).stat()
        os.utime(source / name, ns=(stat.st_mtime_ns, stat.st_mtime_ns))


def _headers(objects: Path, generated: tuple[str, ...]) -> dict[Path, tuple[str, int]]:
    found = {}
    for folder in generated:
        for path in sorted((objects / folder).rglob("unistd*.h")):
            found[path] = (path.read_text(), path.stat().st_mtime_ns)
    return found


def _changed_numbers(old: str, new: str) -> set[str] | None:
    """The names whose numbers differ; None if anything else does."""
    difference = set(split_lines(old)) ^ set(split_lines(new))
    names = set()
    for line in difference:
        match = _NUMBERS_ONLY.match(line)
        if not match:
            return None
        names.add(match["name"])
    return names


def _objects_using(source: Path, objects: Path, names: set[str]) -> list[Path]:
    """Objects that depend on a file which mentions the count or one of *names*."""
    if not names:
        return []
    texts = dict(_texts(source))
    words = {"__NR_syscalls", "NR_syscalls", *(f"__NR_{name}" for name in names)}
    # A macro that stands for one of the words is one itself; two rounds reach
    # __NR_syscalls -> NR_syscalls -> SECCOMP_ARCH_NATIVE_NR.
    for _ in range(2):
        for text in texts.values():
            for match in _DEFINE.finditer(text):
                if not words.isdisjoint(_WORD.findall(match["value"])):
                    words.add(match["name"])
    pattern = re.compile(r"\b(?:" + "|".join(sorted(words)) + r")\b")
    mention = {path for path, text in texts.items() if pattern.search(_NO_USE.sub("", text))}
    found = []
    for command in objects.rglob(".*.o.cmd"):
        text = command.read_text(errors="replace")
        if any(f"/{path}" in text for path in mention):
            found.append(command.with_name(command.name[1:].removesuffix(".cmd")))
    return found


def _texts(source: Path) -> Iterator[tuple[str, str]]:
    """The files that have a system call's number in them."""
    for folder in _COUNT_USERS:
        for root, _, files in os.walk(source / folder):
            for name in files:
                if name.endswith((".c", ".h", ".S")):
                    path = os.path.join(root, name)
                    with contextlib.suppress(OSError, UnicodeDecodeError):
                        text = Path(path).read_text()
                        if "NR" in text:
                            yield os.path.relpath(path, source), text
