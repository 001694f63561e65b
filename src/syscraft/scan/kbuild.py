"""Which Kconfig symbols a file is built under, as the Makefiles say.

Source: Documentation/kbuild/makefiles.rst, Linux 6.12
"""

from __future__ import annotations

import functools
import re
from pathlib import PurePosixPath

from syscraft.tree.source import KernelTree

# obj-$(CONFIG_FHANDLE) += fhandle.o, also over lines that end in a backslash.
_ADDED = re.compile(r"^([\w.-]+-(?:\$\(\w+\)|[ym]|objs))[ \t]*[:+]?=[ \t]*(.*)$", re.MULTILINE)
_SYMBOL = re.compile(r"\$\((CONFIG_\w+)\)")


class Kbuild:
    """The Makefiles of a tree."""

    def __init__(self, tree: KernelTree) -> None:
        self._tree = tree
        self._of_folder = functools.cache(self._read)

    def options(self, path: str) -> tuple[str, ...]:
        """The symbols that have to be set for *path* to be compiled."""
        place = PurePosixPath(path)
        if place.suffix != ".c":
            return ()
        found = self._symbols(str(place.parent), place.stem + ".o", frozenset())
        folder = place.parent
        while folder.name:
            found = (*self._symbols(str(folder.parent), folder.name + "/", frozenset()), *found)
            folder = folder.parent
        return tuple(dict.fromkeys(found))

    def _symbols(self, folder: str, wanted: str, seen: frozenset[str]) -> tuple[str, ...]:
        """The symbols of the one line that adds *wanted*; nothing if several do."""
        groups = []
        for left, objects in self._of_folder(folder):
            if wanted not in objects or wanted in seen:
                continue
            symbols = tuple(_SYMBOL.findall(left))
            base = left.partition("-")[0] if not left.startswith("obj-") else ""
            if base and f"{base}.o" != wanted:  # a part of another object: foo-y += part.o
                composite = left.rpartition("-")[0]
                symbols += self._symbols(folder, f"{composite}.o", seen | {wanted})
            groups.append(symbols)
        return groups[0] if len(set(groups)) == 1 else ()

    def _read(self, folder: str) -> tuple[tuple[str, frozenset[str]], ...]:
        base = "" if folder == "." else f"{folder}/"
        text = self._tree.read(f"{base}Kbuild") or self._tree.read(f"{base}Makefile") or ""
        text = re.sub(r"\\\n", " ", re.sub(r"#.*", "", text))
        return tuple((left, frozenset(right.split())) for left, right in _ADDED.findall(text))
