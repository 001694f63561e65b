"""Several declarations in one kernel: each is added to the tree that the ones before made."""

from __future__ import annotations

from collections.abc import Sequence

from syscraft.model.call import Unit
from syscraft.tree.source import KernelTree
from syscraft.tree.wire import KernelChange, wired


def wired_together(units: Sequence[Unit], tree: KernelTree) -> tuple[KernelChange, ...]:
    """Work out one change for each of *units*, to be applied in this order.

    A later change's files hold the earlier changes too. The numbers are those that the calls
    get when their patches are applied one after the other.

    Raises:
        TreeError: an anchor is missing, a name or number is taken, a patch does not apply.
    """
    changes = []
    for unit in units:
        change = wired(unit, tree)
        changes.append(change)
        tree = tree.with_files(change.files)
    return tuple(changes)
