"""The kernel's tables of system call numbers: found, read, and given a row each.

Nothing here knows an architecture. A new row looks like the newest row of the same table
that does not ask for anything special.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from pathlib import PurePosixPath

from syscraft.errors import TreeError, Where
from syscraft.lines import whole_lines
from syscraft.model.call import PRIVATE_NUMBERS, Call, NumberPolicy
from syscraft.tree.source import KernelTree

# Where tables are. A link is another table's second name; tools/ has copies that follow later.
# Source: arch/*/kernel/Makefile.syscalls and tools/include/uapi/README, Linux 6.12
_PLACES = (
    "scripts/syscall.tbl",
    "arch/*/entry/syscalls/*.tbl",
    "arch/*/kernel/syscalls/*.tbl",
    "arch/*/tools/*.tbl",
)

# Blanks, not tabs, separate the columns: real rows break the house style.
_ROW = re.compile(
    r"^(?P<number>\d+)(?P<gap>\s+)(?P<abi>\S+)(?P<gap2>\s+)(?P<name>\w+)"
    r"(?:\s+(?P<entry>[\w-]+))?(?:\s+(?P<compat>[\w-]+))?"
)
_TAB = 8
_LATEST = 8  # rows that show what is common now
_COMMON_END = 512  # x32's own block begins there


@dataclass(frozen=True)
class Row:
    index: int  # of the line, from 0
    number: int
    abi: str
    name: str
    line: str
    entry: str | None
    compat: str | None


@dataclass(frozen=True)
class Table:
    path: str
    rows: tuple[Row, ...]
    line_count: int

    def insertion_index(self, number: int) -> int:
        """Where a row for *number* goes: the generators want numbers in order."""
        larger = [row for row in self.rows if row.number > number]
        if not larger:
            return self.line_count
        smaller = [row for row in self.rows if row.index < larger[0].index]
        return smaller[-1].index + 1 if smaller else larger[0].index


class CompatPlace(Enum):
    """Where a table has the entry for programs of 32 bits."""

    NOWHERE = "the kernel of this table has no other programs"
    BESIDE = "in a column of its own"
    INSTEAD = "in the one column that there is, for the table is theirs"


@dataclass(frozen=True)
class Style:
    """How a table writes an ordinary new row.

    ``offset`` is what its numbers have over the common ones. ``own_block`` are numbers that only
    some ABI has: behind it, the count of that ABI's calls comes from its own rows, so that a call
    needs a row for each of ``own_words``. Source: unistd_64_x32.h in
    arch/x86/entry/syscalls/Makefile, Linux 6.12.
    """

    model: Row
    offset: int
    fork_word: str
    own_block: range
    own_words: tuple[str, ...]
    compat: CompatPlace

    def rows(
        self,
        common_number: int,
        name: str,
        *,
        returns_twice: bool,
        entry: str | None = None,
        compat: str | None = None,
    ) -> str:
        """Write the call's lines in the table's own columns.

        Args:
            entry: the function that the kernel enters, ``sys_NAME`` unless told.
            compat: the function for programs of 32 bits, if they have one of their own.
        """
        entry = entry or f"sys_{name}"
        columns = [entry, entry] if self.model.compat else [entry]
        if compat and self.compat is CompatPlace.BESIDE:
            columns = [entry, compat]
        elif compat and self.compat is CompatPlace.INSTEAD:
            columns = [compat]
        number = common_number + self.offset
        words: tuple[str, ...] = (self.fork_word if returns_twice else self.model.abi,)
        if self.own_block and number >= self.own_block.stop:
            words = self.own_words
        return "".join(self._row(number, word, name, columns) for word in words)

    def _row(self, number: int, word: str, name: str, cells: list[str]) -> str:
        match = _ROW.match(self.model.line)
        assert match is not None and self.model.entry is not None
        text = f"{number}{match['gap']}{word}{match['gap2']}{name}"
        # The second entry's column is the model's, or one that the first always leaves free.
        first = _width(self.model.line[: match.start("entry")])
        second = first + 4 * _TAB
        if self.model.compat:
            second = _width(self.model.line[: match.start("compat")])
        for column, cell in zip((first, second), cells, strict=False):
            text += "\t" * max(1, -(-(column - _width(text)) // _TAB)) + cell
        return text + "\n"


def _width(text: str) -> int:
    return len(text.expandtabs(_TAB))


def find_tables(tree: KernelTree) -> tuple[str, ...]:
    """The paths of every table of a tree, each once."""
    found = {path for place in _PLACES for path in tree.glob(place) if not tree.is_link(path)}
    return tuple(sorted(found))


def is_table(path: str) -> bool:
    """Whether a table of a tree would lie at *path*."""
    return any(PurePosixPath(path).match(place) for place in _PLACES)


@dataclass(frozen=True, eq=False)
class Tables:
    """All tables of a tree, and what they have in common."""

    tables: tuple[Table, ...]

    @cached_property
    def common(self) -> dict[str, int]:
        """The number of each call that most tables agree on."""
        return common_numbers(self.tables)

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of all rows."""
        return frozenset(row.name for table in self.tables for row in table.rows)

    @cached_property
    def _styles(self) -> dict[str, Style]:
        return {}

    def style(self, table: Table, tree: KernelTree) -> Style:
        """How one of the tables writes an ordinary new row; *tree* is whose they are.

        Raises:
            TreeError: the table has no row to imitate.
        """
        if table.path not in self._styles:
            self._styles[table.path] = style_of(table, self.common, tree.where(table.path))
        return self._styles[table.path]

    def rows(self, tree: KernelTree) -> Iterator[tuple[Table, Row, int]]:
        """Every row, with its table and its number in the common sequence."""
        for table in self.tables:
            offset = self.style(table, tree).offset
            for row in table.rows:
                yield table, row, row.number - offset


def read_tables(tree: KernelTree) -> Tables:
    """Read every table of a tree.

    Raises:
        TreeError: there is none.
    """
    tables = _parsed(tuple((path, tree.read(path) or "") for path in find_tables(tree)))
    if not tables.tables:
        raise TreeError.of(
            "the tree has no table of system call numbers",
            tree.where("arch"),
            expected="arch/*/entry/syscalls/*.tbl, arch/*/kernel/syscalls/*.tbl or the like",
            hint="syscraft does not know the layout of this kernel tree",
        )
    return tables


@functools.lru_cache(maxsize=8)
def _parsed(texts: tuple[tuple[str, str], ...]) -> Tables:
    return Tables(tuple(read_table(path, whole_lines(text)) for path, text in texts))


def read_table(path: str, lines: Sequence[str]) -> Table:
    """Read the rows of a table; comments and blank lines are skipped."""
    rows = []
    for index, line in enumerate(lines):
        if match := _ROW.match(line):
            rows.append(
                Row(index, int(match["number"]), match["abi"], match["name"], line,
                    match["entry"], match["compat"])
            )  # fmt: skip
    return Table(path, tuple(rows), len(lines))


def common_numbers(tables: Sequence[Table]) -> dict[str, int]:
    """The number of each call that more than half of the tables which have it agree on."""
    votes: dict[str, Counter[int]] = {}
    for table in tables:
        for row in table.rows:
            votes.setdefault(row.name, Counter())[row.number] += 1
    return {
        name: number
        for name, counter in votes.items()
        for number, count in counter.most_common(1)
        if 2 * count > counter.total()
    }


def style_of(table: Table, common: dict[str, int], where: Where) -> Style:
    """Work out how *table* writes an ordinary new row.

    Raises:
        TreeError: the table has no row to imitate.
    """
    ordinary = [
        row
        for row in table.rows
        if row.entry == f"sys_{row.name}"
        and row.compat in (None, row.entry)
        and common.get(row.name, _COMMON_END) < _COMMON_END
    ]
    ordinary.sort(key=lambda row: common[row.name])
    latest = ordinary[-_LATEST:]
    if not latest:
        raise TreeError.of(
            "the table has no ordinary row",
            where,
            expected="rows with number, ABI, name and sys_name",
            hint="syscraft does not know the layout of this kernel tree",
        )
    word = Counter(row.abi for row in latest).most_common(1)[0][0]
    model = [row for row in latest if row.abi == word][-1]
    offset = Counter(row.number - common[row.name] for row in latest).most_common(1)[0][0]
    # powerpc keeps fork-like calls from its coprocessors.
    forks = [row.abi for row in table.rows if row.name in ("clone", "clone3")]
    fork_word = forks[-1] if len(set(forks)) == 1 else word
    block = [
        row.number
        for row in table.rows
        if _COMMON_END <= row.number < PRIVATE_NUMBERS[0] and row.abi != word
    ]
    own_block = range(min(block), max(block) + 1) if block else range(0)
    own_words = tuple(sorted({row.abi for row in table.rows} - {word}))
    return Style(model, offset, fork_word, own_block, own_words, _compat_place(table, word))


def _compat_place(table: Table, word: str) -> CompatPlace:
    """See where ordinary rows have ``compat_sys_NAME``."""
    rows = [row for row in table.rows if row.abi == word and row.number < _COMMON_END]
    if any((row.compat or "").startswith("compat_sys_") for row in rows):
        return CompatPlace.BESIDE
    if any(row.entry == f"compat_sys_{row.name}" for row in rows):
        return CompatPlace.INSTEAD
    return CompatPlace.NOWHERE


def taken_numbers(tables: Tables, tree: KernelTree) -> dict[int, tuple[str, str]]:
    """Common number -> the name and the table of the first row that has it."""
    taken: dict[int, tuple[str, str]] = {}
    for table, row, number in tables.rows(tree):
        taken.setdefault(number, (row.name, table.path))
    return taken


def choose_number(call: Call, taken: Mapping[int, tuple[str, str]], where: Where) -> int:
    """Give *call* a common number that is free.

    Raises:
        TreeError: the pinned number is taken, or no private one is free.
    """
    if call.number.policy is NumberPolicy.FIXED:
        number = call.number.fixed
        assert number is not None
        if number in taken:
            name, path = taken[number]
            raise TreeError.of(
                f"number {number} is already in use",
                call.number.where,
                expected="a number that is free in every table of this kernel",
                found=f"{name} in {path}",
                hint='number = "private" picks a free one from 900 up',
            )
        return number
    if call.number.policy is NumberPolicy.NEXT:
        # x32's own block (512 to 547) and private numbers are not part of the sequence.
        return max(n for n in taken if n < _COMMON_END) + 1
    for number in PRIVATE_NUMBERS:
        if number not in taken:
            return number
    raise TreeError.of(
        "all private numbers are in use",
        where,
        expected=f"a free number from {PRIVATE_NUMBERS[0]} to {PRIVATE_NUMBERS[-1]}",
        hint="pin one with number = N",
    )
