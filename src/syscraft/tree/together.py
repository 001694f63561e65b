"""Several declarations in one kernel: each is added to the tree that the ones before made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from syscraft.errors import DeclarationError, Finding, Where, raise_all
from syscraft.model.call import Unit
from syscraft.tree.adding import KernelChange
from syscraft.tree.number import numbers_of
from syscraft.tree.record import read_record
from syscraft.tree.source import KernelTree
from syscraft.tree.standing import has_rows
from syscraft.tree.wire import wired


def wired_together(units: Sequence[Unit], tree: KernelTree) -> tuple[KernelChange, ...]:
    """Work out one change for each of *units*, to be applied in this order.

    A later change's files hold the earlier changes too. A patch that several declarations carry
    is in the first change alone.

    Raises:
        DeclarationError: two of them have one name, one pinned number or one option.
        TreeError: an anchor is missing, a name or number is taken, a patch does not apply.
    """
    check_apart(units)
    calls = [call for unit in units for call in unit.calls]
    names = [call.name for call in calls]
    numbers = dict(zip(names, numbers_of(calls, tree), strict=True))
    # Calls that the tree has come first: what a record says is about the tree as it is.
    order = sorted(range(len(units)), key=lambda i: not has_rows(units[i].shared.call_names, tree))
    changes: dict[int, KernelChange] = {}
    new: set[str] = set()
    for index in order:
        change = wired(units[index], tree, numbers=numbers)
        standing = tuple(line for line in change.standing_config if line not in new)
        change = replace(change, standing_config=standing)
        new.update(change.new_config)
        changes[index] = change
        tree = change.seen_in(tree)
    in_order = [changes[index] for index in range(len(units))]
    if order == sorted(order):
        return tuple(in_order)
    return tuple(_as_in(tree, change) for change in in_order)


def check_addable(units: Sequence[Unit], tree: KernelTree) -> None:
    """Find out whether those of *units* that *tree* does not have yet can all be added.

    Raises:
        DeclarationError: two of them have one name, one pinned number or one option.
        TreeError: one of them cannot be added.
    """
    records = {unit.name: read_record(tree, unit.name) for unit in units}
    if any(record and record.busy for record in records.values()):
        return  # half done: the tree is not yet what it will be
    standing = [has_rows(unit.shared.call_names, tree) for unit in units]
    new = [
        u for u, stands in zip(units, standing, strict=True) if not stands and not records[u.name]
    ]
    wired_together(new, tree)


def _as_in(tree: KernelTree, change: KernelChange) -> KernelChange:
    """A change whose files are as they are in the end."""
    paths = change.files.keys() | change.removed
    left = {path: tree.raw(path) for path in paths}
    return replace(
        change,
        files={path: data for path, data in left.items() if data is not None},
        removed=frozenset(path for path, data in left.items() if data is None),
        modes={path: tree.modes[path] for path in paths & tree.modes.keys()},
    )


def check_apart(units: Sequence[Unit]) -> None:
    """Refuse declarations that cannot be in one kernel.

    Raises:
        DeclarationError: two of them have one name, one pinned number or one option.
    """
    raise_all(
        DeclarationError,
        [*_doubled(units, "name", _names), *_doubled(units, "number", _numbers),
         *_doubled(units, "option", _options)],
    )  # fmt: skip


_Values = Mapping[object, Where]


def _names(unit: Unit) -> _Values:
    """The name of the declaration, which files bear, and those of its calls."""
    return {unit.name: unit.shared.where, **{call.name: call.where for call in unit.calls}}


def _numbers(unit: Unit) -> _Values:
    fixed = {call.number.fixed: call.number.where for call in unit.calls}
    return {number: where for number, where in fixed.items() if number is not None}


def _options(unit: Unit) -> _Values:
    kconfig = unit.shared.kconfig
    return {f"CONFIG_{kconfig.symbol}": kconfig.where}


def _doubled(units: Sequence[Unit], what: str, values: Callable[[Unit], _Values]) -> list[Finding]:
    first: dict[object, tuple[Unit, Where]] = {}
    findings = []
    for unit in units:
        for value, where in values(unit).items():
            if value not in first:
                first[value] = (unit, where)
            # Two of one name have one option as well, which says nothing new.
            elif what == "name" or first[value][0].name != unit.name:
                findings.append(
                    Finding(
                        f"duplicate {what} {value} in two declarations",
                        where,
                        expected=f"a different {what} for each call in a kernel",
                        found=f"the same at {first[value][1]}",
                    )
                )
    return findings
