"""The numbers of calls in a tree: worked out from the tables alone."""

from __future__ import annotations

from syscraft.model.call import NumberPolicy, Unit
from syscraft.tree.source import KernelTree
from syscraft.tree.tables import choose_number, common_numbers, read_tables


def numbers_of(unit: Unit, tree: KernelTree) -> dict[str, int]:
    """The numbers that the calls get in *tree*, by name in the order of the calls.

    Raises:
        TreeError: a name or a pinned number is taken, or no private one is free.
    """
    tables = read_tables(tree)
    common = common_numbers(tables)
    chosen: dict[str, int] = {}
    # What is pinned is not to be given away.
    for call in sorted(unit.calls, key=lambda call: call.number.policy is not NumberPolicy.FIXED):
        chosen[call.name] = choose_number(
            call, tables, common, tree.where("arch"), frozenset(chosen.values())
        )
    return {call.name: chosen[call.name] for call in unit.calls}
