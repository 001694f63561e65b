"""The kernel's tables of system call numbers: rows, free numbers, insertion points."""

from __future__ import annotations

import re
from dataclasses import dataclass

from syscraft.errors import TreeError, Where
from syscraft.model.call import PRIVATE_NUMBERS, Call, NumberPolicy

# Blanks, not tabs, separate the columns: real rows break the house style.
_ROW = re.compile(r"^(?P<number>\d+)\s+(?P<abi>\S+)\s+(?P<name>\w+)(?:\s+(?P<entry>\S+))?")


@dataclass(frozen=True)
class Row:
    index: int  # of the line, from 0
    number: int
    abi: str
    name: str


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


def read_table(path: str, lines: tuple[str, ...]) -> Table:
    """Read the rows of a table; comments and blank lines are skipped."""
    rows = []
    for index, line in enumerate(lines):
        if match := _ROW.match(line):
            rows.append(Row(index, int(match["number"]), match["abi"], match["name"]))
    return Table(path, tuple(rows), len(lines))


def format_row(number: int, abi_word: str, name: str, style: Table) -> str:
    """Write a row in the house style: tabs, the entry in the table's own column."""
    columns = 3 if style.path.startswith("scripts/") else 2
    padding = "\t" * max(1, columns + 1 - len(name) // 8 - 1)
    return f"{number}\t{abi_word}\t{name}{padding}sys_{name}\n"


def choose_number(call: Call, tables: tuple[Table, ...], where: Where) -> int:
    """Give *call* a number that is free in every one of *tables*.

    Raises:
        TreeError: the name or the pinned number is taken, or no private one is free.
    """
    taken = {row.number: row.name for table in tables for row in table.rows}
    if call.name in taken.values():
        raise TreeError.of(
            f"the kernel already has a call named '{call.name}'",
            where,
            expected="a new name",
            found=next(f"number {n}" for n, name in taken.items() if name == call.name),
        )
    if call.number.policy is NumberPolicy.FIXED:
        number = call.number.fixed
        assert number is not None
        if number in taken:
            raise TreeError.of(
                f"the number {number} is taken",
                call.number.where,
                expected="a number that no table of this kernel has",
                found=f"{taken[number]} in {where.path}",
                hint='number = "private" takes a free one from 900 on',
            )
        return number
    if call.number.policy is NumberPolicy.NEXT:
        # x32's own block (512 to 547) and private numbers are not part of the sequence.
        return max(n for n in taken if n < 512) + 1
    for number in PRIVATE_NUMBERS:
        if number not in taken:
            return number
    raise TreeError.of(
        "no private number is free",
        where,
        expected=f"a free number from {PRIVATE_NUMBERS[0]} to {PRIVATE_NUMBERS[-1]}",
        hint="pin one with number = N",
    )
