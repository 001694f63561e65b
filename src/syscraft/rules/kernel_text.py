"""Reads from a kernel tree what rules want to know: functions, helpers, structs, constants.

Kernel style puts the braces of a function into the first column, so functions are found
without reading the macros in them. What cannot be read is left out.
"""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path

from syscraft.declaration import ctext
from syscraft.declaration.cfunctions import CFunction, end_of_block, find_functions
from syscraft.declaration.cstructs import parse_structs
from syscraft.declaration.ctext import without_comments
from syscraft.declaration.ctype import CType
from syscraft.errors import Where
from syscraft.rules.base import Item, StructView, Text
from syscraft.tree.source import KernelTree

_HEADERS = ("include/uapi", "include/linux/fcntl.h")

_FUNCTION = re.compile(r"^\{\n(?:.*\n)*?\}", re.MULTILINE)
_CALLED = re.compile(r"\b([a-z_]\w*)\s*\(")
_STRUCT = re.compile(r"^(?:typedef )?struct\s+(\w+)\s*\{", re.MULTILINE)
_CONSTANT = re.compile(r"^#\s*define\s+(\w+)\s+\(?(O_[A-Z]+)\)?\s*$", re.MULTILINE)
_SIZE = re.compile(r"^#\s*define\s+(\w+)_SIZE_VER\d+", re.MULTILINE)
_BITS = re.compile(r"^\s*(__[us]\d+|unsigned int|int)\s+(\w+)\s*:\s*\d", re.MULTILINE)


class SourceFile:
    """A C file of the kernel, cut into functions; ``path`` is how messages name it."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = without_comments(text)

    @cached_property
    def functions(self) -> dict[str, tuple[int, str]]:
        """Name -> offset and text of each function, its head with it."""
        found: dict[str, tuple[int, str]] = {}
        end = 0
        for match in _FUNCTION.finditer(self.text):
            head = self.text[end : match.start()]
            own = max(head.rfind("\n\n"), head.rfind(";\n"), head.rfind("}\n")) + 1
            names = [
                m for m in re.findall(r"(\w+)\s*\(", head[own:]) if m not in ("__attribute__",)
            ]
            if names and "SYSCALL" not in head[own:]:
                found.setdefault(names[0], (end + own, self.text[end + own : match.end()]))
            end = match.end()
        return found

    def offset(self, line: int) -> int:
        """Where a line starts."""
        return self._line_starts[line - 1]

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    def body_at(self, offset: int) -> tuple[int, str] | None:
        """The function whose head is at *offset*; several heads may share one body."""
        match = _FUNCTION.search(self.text, offset)
        return (offset, self.text[offset : match.end()]) if match else None

    def line(self, offset: int) -> int:
        return self.text.count("\n", 0, offset) + 1

    def with_helpers(self, pieces: list[tuple[int, str]], depth: int = 2) -> Text:
        """Put functions and what they call in this file together."""
        done: set[str] = set()
        level = pieces
        for _ in range(depth):
            names = {n for _, text in level for n in _CALLED.findall(text)} - done
            done |= names
            level = [self.functions[n] for n in sorted(names) if n in self.functions]
            pieces = pieces + [piece for piece in level if piece not in pieces]
        return self.put_together(pieces)

    def put_together(self, pieces: list[tuple[int, str]]) -> Text:
        text, starts = "", []
        for offset, piece in pieces:
            starts.append((len(text), self.line(offset)))
            text += piece + "\n"
        return Text(text, self.path, tuple(starts))


class AuthorFile(SourceFile):
    """The C file of one author, who may put braces anywhere; a parser finds its functions."""

    @cached_property
    def definitions(self) -> tuple[CFunction, ...]:
        """Every definition of a function: under #if there may be several of one name."""
        found = find_functions(self.text, lambda row, column: Where(self.path, row + 1, column + 1))
        # A macro with braces behind it may look like an old function.
        return tuple(f for f in found if "SYSCALL" not in f.prototype.name)

    @cached_property
    def functions(self) -> dict[str, tuple[int, str]]:
        return {f.prototype.name: self._piece(f) for f in reversed(self.definitions)}

    def all_of(self, name: str) -> list[tuple[int, str]]:
        """Every definition of a function."""
        return [self._piece(f) for f in self.definitions if f.prototype.name == name]

    def block_behind(self, offset: int) -> tuple[int, int] | None:
        """Where the block of the macro at *offset* starts and ends; None if it has none."""
        depth = 0
        for bracket in re.finditer(r"[()]", self.text[offset:]):
            depth += 1 if bracket[0] == "(" else -1
            if depth == 0:
                break
        else:
            return None
        brace = re.compile(r"\s*(?=\{)").match(self.text, offset + bracket.end())
        end = end_of_block(self.text, brace.end()) if brace else None
        return (brace.end(), end) if brace and end is not None else None

    def margin(self, end: int) -> str:
        """How far a function that ends at *end* is indented: as a last brace of its own is."""
        line = self.text[self.text.rfind("\n", 0, end) + 1 : end]
        return line[:-1] if line.strip() == "}" else ""

    def _piece(self, function: CFunction) -> tuple[int, str]:
        text = self.text[function.start : function.end]
        return function.start, at_margin(text, self.margin(function.end))


def at_margin(text: str, margin: str) -> str:
    """Move a function to the first column, where its labels and its last brace belong."""
    first, *rest = text.split("\n")
    return "\n".join([first, *(line.removeprefix(margin) for line in rest)])


class Headers:
    """Structs and constants of the kernel's interface."""

    def __init__(self, tree: KernelTree) -> None:
        self._texts: dict[str, tuple[str, str, int, str]] = {}
        self.constants: dict[str, tuple[str, Where]] = {}
        self._sizes: dict[str, tuple[str, ...]] = {}
        self._read: dict[str, StructView] = {}
        for path in list_sources(tree, _HEADERS, ".h"):
            self._index(tree, path)

    def _index(self, tree: KernelTree, path: str) -> None:
        raw = tree.read(path) or ""
        if "struct" not in raw and "O_" not in raw:
            return
        text, shown = without_comments(raw), str(tree.where(path).path)
        for match in _CONSTANT.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            self.constants.setdefault(match[1], (match[2], Where(shown, line)))
        for match in _SIZE.finditer(text):
            name = match[0].split()[-1]
            self._sizes[match[1]] = tuple(dict.fromkeys((*self._sizes.get(match[1], ()), name)))
        for match in _STRUCT.finditer(text):
            end = text.find("\n}", match.end())
            if end > 0:
                tail = text[end + 2 : text.find(";", end) + 1]
                line = text.count("\n", 0, match.start()) + 1
                entry = (shown, text[match.start() : end + 2], line, tail)
                self._texts.setdefault(f"struct {match[1]}", entry)

    def struct(self, base: str) -> StructView | None:
        """The struct that *base* names, if a header of the interface defines it."""
        if base not in self._texts:
            return None
        if base not in self._read:
            self._read[base] = self._view(base, *self._texts[base])
        return self._read[base]

    def _view(self, base: str, path: str, text: str, line: int, tail: str) -> StructView:
        name = base.removeprefix("struct ")
        where = Where(path, line)
        try:
            (parsed,) = parse_structs(
                text.removeprefix("typedef ") + ";",
                lambda row, _: Where(path, line + row),
                strict=False,
            )
            fields = tuple(Item(f.name, f.ctype, f.where) for f in parsed.fields)
        except (ctext.CTextError, ValueError):
            fields = tuple(
                Item(m[2], CType(m[1]), Where(path, line + text.count("\n", 0, m.start(1))), True)
                for m in _BITS.finditer(text)
            )
            if re.search(r"^\s*__u32\s+size;", text, re.MULTILINE):
                fields = (Item("size", CType("__u32"), where), *fields)
        return StructView(
            name, fields, where, "PACKED" in tail or "packed" in tail,
            self._sizes.get(name.upper(), ()),
        )  # fmt: skip


def list_sources(tree: KernelTree, places: tuple[str, ...], suffix: str) -> list[str]:
    """The paths of the files below *places*, in order."""
    found: set[str] = set()
    for place in places:
        found.update(tree.glob(place))
        found.update(tree.glob(f"{place}/**/*{suffix}"))
    return sorted(found)


def in_own_place(path: str) -> bool:
    """Whether a definition belongs to one architecture."""
    return "arch" in Path(path).parts
