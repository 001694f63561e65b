"""The files of a kernel tree that may define a call, with comments blanked out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from syscraft.errors import Finding
from syscraft.hints import Progress
from syscraft.tree.source import KernelTree

# What is no part of the kernel itself.
_ELSEWHERE = frozenset(("tools", "samples", "Documentation", "scripts", "usr", "LICENSES"))
# Calls that only some architectures define: the prototypes know the parameters.
_HEADERS = ("include/linux/syscalls.h", "include/asm-generic/syscalls.h")
_ARCH_HEADER = re.compile(r"arch/\w+/include/asm/syscalls\.h")

_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_DIRECTIVE = re.compile(r"^[ \t]*#[ \t]*(if|ifdef|ifndef|elif|else|endif)\b(.*)$", re.MULTILINE)
_CONFLICT = re.compile(r"^(?:<<<<<<<|=======|>>>>>>>|\|\|\|\|\|\|\|)(?: .*)?$", re.MULTILINE)


@dataclass(frozen=True)
class Source:
    """A file; ``text`` has blanks where comments were, so that places stay what they are."""

    path: str
    text: str = field(repr=False)

    def line(self, offset: int) -> int:
        return self.text.count("\n", 0, offset) + 1

    def conditions(self, offset: int) -> tuple[str, ...]:
        """The conditions under which a place is compiled; a negated one starts with ``!``."""
        stack: list[list[str]] = []
        for start, word, condition in self._directives:
            if start > offset:
                break
            if word in ("if", "ifdef", "ifndef"):
                stack.append([f"!{condition}" if word == "ifndef" else condition])
            elif not stack:
                continue  # half a file: its #if is gone
            elif word == "endif":
                stack.pop()
            else:
                stack[-1][-1] = f"!{stack[-1][-1]}"
                if word == "elif":
                    stack[-1].append(condition)
        return tuple(condition for level in stack for condition in level)

    @cached_property
    def _directives(self) -> tuple[tuple[int, str, str], ...]:
        return tuple((m.start(), m[1], m[2].strip()) for m in _DIRECTIVE.finditer(self.text))


def read_sources(tree: KernelTree, progress: Progress, findings: list[Finding]) -> Iterator[Source]:
    """Read every file that may define a call; what a merge left behind is a finding."""
    for count, path in enumerate(_paths(tree)):
        if count % 1000 == 0:
            progress(f"reading {tree.shown}: {count} files")
        data = tree.read_bytes(path)
        if data is None:
            continue
        in_arch = path.startswith(("arch/", "include/"))
        if b"SYSCALL" in data or (in_arch and (b"asmlinkage" in data or b"define sys_" in data)):
            yield _blank(tree, path, data.decode("utf-8", errors="replace"), findings)


def _paths(tree: KernelTree) -> list[str]:
    """All C files of the kernel, and the headers with prototypes of calls, in order."""
    return sorted(
        path
        for path in tree.walk(_is_kernel)
        if path.endswith(".c") or path in _HEADERS or _ARCH_HEADER.fullmatch(path)
    )


def _is_kernel(folder: str) -> bool:
    return folder not in _ELSEWHERE and not folder.rpartition("/")[2].startswith(".")


def _blank(tree: KernelTree, path: str, text: str, findings: list[Finding]) -> Source:
    blanked = _COMMENT.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)
    source = Source(path, blanked)
    for mark in _CONFLICT.finditer(blanked):
        if not mark[0].startswith("<"):
            continue
        findings.append(
            Finding(
                "unresolved merge conflict in this file",
                tree.where(path, source.line(mark.start())),
                "a finished merge",
                mark[0],
            )
        )
    return source


def conflict_lines(lines: list[str]) -> tuple[list[int], list[int]]:
    """Find conflicts: the indexes of their first lines, and of all lines in them."""
    first, inside = [], []
    open_since = None
    for index, line in enumerate(lines):
        if line.startswith("<<<<<<<"):
            open_since = index
            first.append(index)
        if open_since is not None:
            inside.append(index)
        if line.startswith(">>>>>>>"):
            open_since = None
    return first, inside
