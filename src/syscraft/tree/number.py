"""A call's number in a tree: worked out from the tables alone."""

from __future__ import annotations

from syscraft.model.call import Call
from syscraft.tree.source import KernelTree
from syscraft.tree.tables import choose_number, common_numbers, read_tables


def number_of(call: Call, tree: KernelTree) -> int:
    """The number that *call* gets in *tree*.

    Raises:
        TreeError: the name or the pinned number is taken, or no private one is free.
    """
    tables = read_tables(tree)
    return choose_number(call, tables, common_numbers(tables), tree.where("arch"))
