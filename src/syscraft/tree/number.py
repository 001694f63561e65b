"""Numbers of calls in a tree: worked out from the tables alone, without making a change."""

from __future__ import annotations

from collections.abc import Sequence

from syscraft.errors import TreeError
from syscraft.model.call import Call, NumberPolicy
from syscraft.tree.author_patches import apply_patches, touched_by
from syscraft.tree.record import read_record
from syscraft.tree.source import KernelTree
from syscraft.tree.standing import check_definition, has_lost_source, number_in
from syscraft.tree.tables import (
    choose_number,
    is_table,
    read_tables,
    taken_numbers,
)


def numbers_of(calls: Sequence[Call], tree: KernelTree) -> tuple[int, ...]:
    """The number of each call, as if those before it were in the tree.

    A number that one of them pins is given to no other.

    Raises:
        TreeError: a name or a pinned number is taken, or no private one is free.
    """
    given = {
        call.number.fixed: (call.name, str(call.number.where))
        for call in calls
        if call.number.fixed is not None
    }
    numbers = []
    for call in calls:
        tree = _with_patched_tables(call, tree)
        others = {number: row for number, row in given.items() if row[0] != call.name}
        number = _number(call, tree, others)
        given[number] = (call.name, str(call.where))
        numbers.append(number)
    return tuple(numbers)


def _number(call: Call, tree: KernelTree, given: dict[int, tuple[str, str]]) -> int:
    tables = read_tables(tree)
    taken = {**taken_numbers(tables, tree), **given}
    there = number_in(call, tables, tree)
    if there is None:
        return choose_number(call, taken, tree.where("arch"))
    others = {number: row for number, row in taken.items() if row[0] != call.name}
    is_recorded = read_record(tree, call.shared.name) is not None
    if not is_recorded and not has_lost_source(call, tree):
        check_definition(call, tree)
    if call.number.policy is NumberPolicy.FIXED and call.number.fixed != there:
        if is_recorded:  # --apply brings it up to date
            return choose_number(call, others, tree.where("arch"))
        raise TreeError.of(
            f"this tree has {call.name}() under a different number",
            call.number.where,
            expected=f"number = {there}, as in the tables of {tree.shown}",
            found=f"number = {call.number.fixed}",
        )
    return there


def _with_patched_tables(call: Call, tree: KernelTree) -> KernelTree:
    """The tree with the author's patches, if they are about numbers at all."""
    if any(is_table(path) for patch in call.shared.patches for path in touched_by(patch)):
        return apply_patches(call.shared.patches, tree).seen_in(tree)
    return tree
