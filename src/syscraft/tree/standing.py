"""What a tree has of a call already: nothing, what ``--apply`` put there, or work by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from syscraft.errors import Finding, TreeError
from syscraft.model.call import Call, Unit
from syscraft.tree import recognising
from syscraft.tree.definition import Found, definitions_of, has_parameters_of
from syscraft.tree.options import has_option
from syscraft.tree.pieces import all_pieces
from syscraft.tree.recognising import recognise
from syscraft.tree.record import read_record
from syscraft.tree.source import KernelTree
from syscraft.tree.tables import Tables, read_tables
from syscraft.tree.taking_out import TakenOut, seen_without, take_out


class Standing(Enum):
    """How a call stands in a tree."""

    ABSENT = "not in this tree"
    APPLIED = "applied"
    EDITED = "applied, and edited since"
    BY_HAND = "in this tree without a record"


@dataclass(frozen=True)
class Presence:
    """What a tree has of a call.

    Args:
        clean: the tree as it would be without it, or as it is where that cannot be told.
        taken: what the difference is, if there is a record of it, or it can be told without.
    """

    standing: Standing
    clean: KernelTree
    taken: TakenOut | None = None

    @property
    def is_there(self) -> bool:
        return self.standing is not Standing.ABSENT


def presence_of(unit: Unit, tree: KernelTree) -> Presence:
    """Tell what *tree* has of the calls of a declaration.

    A record is a hint: where the tree says something else, the tree is right.

    Raises:
        TreeError: the tree has another call of such a name, only a part of them, or a version
            that was changed both here and in the declaration.
    """
    names = unit.shared.call_names
    record = read_record(tree, unit.name)
    if record is None:
        if not has_rows(names, tree):
            return Presence(Standing.ABSENT, tree)
        found = recognised(unit, tree)
        if not found or not has_lost_source(unit.calls[0], tree):
            _check_definitions(unit, tree)
        return _by_hand(tree, found)
    try:
        taken = take_out(tree, record)
    except TreeError as edited:
        if not has_rows(record.numbers, tree):
            raise
        found = recognised(unit, tree)
        if found and not files_not_as_declared(unit, tree, found):
            return _by_hand(tree, found)
        _check_declaration_is_old(unit, record.created, edited.findings[0])
        return Presence(Standing.EDITED, tree)
    clean = seen_without(tree, taken)
    if not has_rows(record.numbers, tree):
        # Put back with git, which leaves files that it does not know, and the record.
        return Presence(Standing.ABSENT, clean, taken)
    if has_rows(names, clean):
        return _by_hand(tree, recognised(unit, tree))
    return Presence(Standing.APPLIED, clean, taken)


def _by_hand(tree: KernelTree, found: TakenOut | None) -> Presence:
    clean = seen_without(tree, found) if found else tree
    return Presence(Standing.BY_HAND, clean, found)


def recognised(unit: Unit, tree: KernelTree) -> TakenOut | None:
    """What *tree* took by ``git am``, if that can be told."""
    numbers = _numbers(unit, tree)
    return recognise(unit, tree, numbers) if numbers else None


def files_not_as_declared(unit: Unit, tree: KernelTree, taken: TakenOut) -> set[str]:
    """The new files of what :func:`recognised` found that the declaration makes differently."""
    return recognising.files_not_as_declared(unit, tree, taken, taken.record.numbers)


def _numbers(unit: Unit, tree: KernelTree) -> dict[str, int] | None:
    tables = read_tables(tree)
    try:
        found = {call.name: number_in(call, tables, tree) for call in unit.calls}
    except TreeError:
        return None  # a call of the kernel's own may have a number for each architecture
    numbers = {name: number for name, number in found.items() if number is not None}
    return numbers if len(numbers) == len(found) else None


def has_rows(names: Iterable[str], tree: KernelTree) -> bool:
    """Whether a table of *tree* has a row for one of the calls *names*."""
    return not read_tables(tree).names.isdisjoint(names)


def _check_definitions(unit: Unit, tree: KernelTree) -> None:
    """Tell calls that are there from others of their names; all are, or none.

    Raises:
        TreeError: there is another one, or some are missing.
    """
    names = read_tables(tree).names
    there = [call for call in unit.calls if call.name in names]
    for call in there:
        check_definition(call, tree)
    if missing := [name for name in unit.shared.call_names if name not in names]:
        raise TreeError.of(
            f"this tree has only a part of the {unit.name} system calls",
            tree.where(*_row_of(there[0], tree)),
            expected="all of " + ", ".join(unit.shared.call_names),
            found="nothing of " + ", ".join(missing),
            hint="take the others out of the tree first",
        )


def number_in(call: Call, tables: Tables, tree: KernelTree) -> int | None:
    """The common number that the tables have for *call*; None if they do not have it.

    Raises:
        TreeError: they do not agree.
    """
    if call.name not in tables.names:
        return None
    places: dict[int, str] = {}
    votes: Counter[int] = Counter()
    for table, row, number in tables.rows(tree):
        if row.name == call.name:
            votes[number] += 1
            places.setdefault(number, f"{number} in {table.path}:{row.index + 1}")
    number, count = votes.most_common(1)[0]
    if 2 * count <= votes.total():
        raise TreeError.of(
            f"the tables of this tree disagree on the number of {call.name}()",
            tree.where("arch"),
            expected="the same number in all of them",
            found=", ".join(places.values()),
        )
    return number


def has_lost_source(call: Call, tree: KernelTree) -> bool:
    """Whether a tree has the option of a call, but not the file that it is in."""
    shared = call.shared
    return tree.mode(shared.kernel_path) is None and has_option(shared.kconfig.symbol, tree)


def check_definition(call: Call, tree: KernelTree) -> None:
    """Tell a call that is there from another one of its name, and from a lone row.

    Raises:
        TreeError: it is one of those.
    """
    found = definitions_of(call.name, tree)
    if any(one.is_macro and has_parameters_of(one, call) for one in found):
        return
    raise TreeError.of(
        f"the kernel already has a call named '{call.name}'",
        tree.where(found[0].path, found[0].line) if found else tree.where(*_row_of(call, tree)),
        expected="a new name, or a SYSCALL_DEFINE with the declared parameters",
        found=found[0].text if found else f"a row for {call.name}, but no SYSCALL_DEFINE of it",
        hint=_hint(found),
    )


def _hint(found: tuple[Found, ...]) -> str | None:
    if found and not found[0].is_macro:
        return "without SYSCALL_DEFINE the arguments are whatever the registers contain"
    return None


def _row_of(call: Call, tree: KernelTree) -> tuple[str, int]:
    rows = read_tables(tree).rows(tree)
    return next((table.path, row.index + 1) for table, row, _ in rows if row.name == call.name)


def _check_declaration_is_old(unit: Unit, created: Mapping[str, str], edited: Finding) -> None:
    """Whoever edits a call in the tree and in its declaration has to choose."""
    subject = f"{unit.name}() was" if len(unit.calls) == 1 else f"the {unit.name} calls were"
    for piece in all_pieces():
        for path, text in piece.new_files(unit).items():
            if path in created and created[path] != text:
                raise TreeError.of(
                    f"{subject} changed both in this tree and in its declaration",
                    edited.where,
                    expected=f"a change to one of them; {path} would now be different",
                    found=edited.found,
                    hint="undo one of the two changes",
                )
