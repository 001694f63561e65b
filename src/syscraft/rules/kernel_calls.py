"""Every call of a kernel tree as rules see it."""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from syscraft.calls.census import Definition
from syscraft.declaration import ctext
from syscraft.errors import Finding, Where
from syscraft.hints import Progress
from syscraft.lines import split_lines
from syscraft.rules.base import Item, Subject, Variant
from syscraft.rules.kernel_text import Headers, SourceFile, in_own_place
from syscraft.scan.definitions import read_definitions
from syscraft.scan.read import read_calls
from syscraft.tree.source import KernelTree
from syscraft.tree.tables import find_tables, read_table

_DEFINE = re.compile(r"[ \t]*(?:COMPAT_)?SYSCALL(?:32)?_DEFINE[0-6]\b")
_RESERVED = re.compile(r"^#\s*\d+\s+reserved for (\w+)", re.MULTILINE)
_BIT = re.compile(r"\b[A-Z]\w+_(?:CLOEXEC|NONBLOCK|THREAD)\b")


@dataclass(frozen=True)
class KernelSubjects:
    """The calls of a kernel, in the order of their names, and what of it cannot be read."""

    release: str
    subjects: tuple[Subject, ...]
    unread: tuple[Finding, ...]


@dataclass(frozen=True)
class _Found:
    """A SYSCALL_DEFINE, and the file that it stands in."""

    definition: Definition
    source: SourceFile
    offset: int
    where: Where
    parameters: tuple[Item, ...]

    @property
    def is_split(self) -> bool:
        """Whether it takes the halves of a value of 64 bits."""
        return self.source.text.startswith("SYSCALL32_DEFINE", self.offset)


def read_kernel(tree: KernelTree, progress: Progress) -> KernelSubjects:
    """Read all calls of a tree, whatever architecture has them."""
    definitions = read_definitions(tree, progress)
    calls = read_calls(tree, progress, definitions)
    headers = Headers(tree)

    @functools.cache
    def source(path: str) -> SourceFile:
        data = tree.read_bytes(path) or b""
        return SourceFile(str(tree.where(path).path), data.decode("utf-8", errors="replace"))

    found: dict[str, list[_Found]] = defaultdict(list)
    compat: dict[str, list[_Found]] = defaultdict(list)
    for symbol, group in definitions.found.items():
        macros = [m for d in group if (m := _macro(tree, source, d))]
        if symbol.startswith("compat_sys_"):
            compat[symbol.removeprefix("compat_sys_")] += macros
        else:
            found[symbol.removeprefix("sys_")] += macros
    # The common ones first.
    plain = {
        name: sorted(group, key=lambda f: in_own_place(f.definition.path))
        for name, group in sorted(found.items())
        if group
    }
    rows = _read_tables(tree)
    siblings = tuple((name, tuple(p.name for p in g[0].parameters)) for name, g in plain.items())
    progress("looking at the calls")
    subjects = (
        _subject(name, group, compat[name], headers, siblings, rows)
        for name, group in plain.items()
    )
    return KernelSubjects(calls.census.release, tuple(subjects), calls.findings)


def _macro(
    tree: KernelTree, source: Callable[[str], SourceFile], definition: Definition
) -> _Found | None:
    """A definition by macro; None for prototypes, and what is entered in another way."""
    if definition.is_prototype or definition.assembly:
        return None
    file = source(definition.path)
    offset = file.offset(definition.line)
    if not _DEFINE.match(file.text, offset):
        return None
    where = Where(file.path, definition.line)
    parsed = ctext.parse_parameters(definition.text, lambda row, column: where)
    items = tuple(Item(p.name, p.ctype, where) for p in parsed)
    return _Found(definition, file, offset, where, items)


def _has_compat(
    name: str, group: list[_Found], compat: list[_Found], with_compat: set[str]
) -> bool | None:
    """Whether 32-bit programs have an entry; None where the code tells them apart itself."""
    if name in with_compat or compat:
        return True
    if in_own_place(group[0].definition.path) or "in_compat_syscall" in group[0].source.text:
        return None
    return False


@dataclass(frozen=True)
class _Tables:
    """Rows by call, the calls with a comment instead of a row, those with a compat entry."""

    paths: tuple[str, ...]
    rows: dict[str, list[tuple[str, str, int, str]]]
    reserved: dict[str, list[str]]
    with_compat: set[str]


def _read_tables(tree: KernelTree) -> _Tables:
    tables = _Tables(find_tables(tree), defaultdict(list), defaultdict(list), set())
    for path in tables.paths:
        text = tree.read(path) or ""
        for row in read_table(path, split_lines(text)).rows:
            tables.rows[row.name].append((path, row.abi, row.number, row.entry or ""))
            if (row.compat or row.entry or "").startswith("compat_sys_"):
                tables.with_compat.add(row.name)
        for name in _RESERVED.findall(text):
            tables.reserved[name].append(path)
    return tables


def _subject(
    name: str,
    group: list[_Found],
    compat: list[_Found],
    headers: Headers,
    siblings: tuple[tuple[str, tuple[str, ...]], ...],
    tables: _Tables,
) -> Subject:
    first = group[0]
    piece = first.source.body_at(first.offset)
    body = code = None
    bits: dict[str, None] = {}
    if piece is not None:
        body = first.source.put_together([piece])
        split = [
            other
            for f in compat
            if f.source is first.source and f.is_split and (other := f.source.body_at(f.offset))
        ]
        code = first.source.with_helpers([piece, *split])
        bits = dict.fromkeys(_BIT.findall(first.source.with_helpers([piece], depth=1).text))
    structs = {
        p.ctype.base: struct
        for p in first.parameters
        if p.ctype.is_pointer and (struct := headers.struct(p.ctype.base))
    }
    return Subject(
        name=name,
        where=first.where,
        parameters=first.parameters,
        variants=tuple(Variant(f.parameters, f.where) for f in group),
        structs=tuple(structs.items()),
        body=body,
        code=code,
        constants=tuple((bit, *headers.constants[bit]) for bit in bits if bit in headers.constants),
        siblings=siblings,
        compat=_has_compat(name, group, compat, tables.with_compat),
        rows=tuple(tables.rows.get(name, ())),
        tables=tables.paths,
        reserved=tuple(tables.reserved.get(name, ())),
    )
