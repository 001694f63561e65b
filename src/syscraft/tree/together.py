"""Several calls in one kernel: each is added to the tree that the ones before made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from syscraft.errors import DeclarationError, Finding, Where, raise_all
from syscraft.model.call import Call
from syscraft.tree.number import numbers_of
from syscraft.tree.source import KernelTree
from syscraft.tree.standing import has_row
from syscraft.tree.wire import KernelChange, wired


def wired_together(calls: Sequence[Call], tree: KernelTree) -> tuple[KernelChange, ...]:
    """Work out one change for each of *calls*, to be applied in this order.

    A later change's files hold the earlier changes too. A patch that several declarations carry
    is in the first change alone.

    Raises:
        DeclarationError: two of the calls have one name, one pinned number or one option.
        TreeError: an anchor is missing, a name or number is taken, a patch does not apply.
    """
    check_apart(calls)
    numbers = numbers_of(calls, tree)
    # Calls that the tree has come first: what a record says is about the tree as it is.
    order = sorted(range(len(calls)), key=lambda i: not has_row(calls[i].name, tree))
    changes: dict[int, KernelChange] = {}
    new: set[str] = set()
    for index in order:
        change = wired(calls[index], tree, number=numbers[index])
        standing = tuple(line for line in change.standing_config if line not in new)
        change = replace(change, standing_config=standing)
        new.update(change.new_config)
        changes[index] = change
        tree = tree.with_files(change.files)
    in_order = [changes[index] for index in range(len(calls))]
    if order == sorted(order):
        return tuple(in_order)
    return tuple(
        replace(change, files={path: tree.read_bytes(path) or b"" for path in change.files})
        for change in in_order
    )


def check_apart(calls: Sequence[Call]) -> None:
    """Refuse declarations that cannot be in one kernel.

    Raises:
        DeclarationError: two of them have one name, one pinned number or one option.
    """
    findings = [
        *_doubled(calls, "name", lambda call: call.name, lambda call: call.where),
        *_doubled(calls, "number", lambda call: call.number.fixed, lambda c: c.number.where),
        *_doubled(
            calls, "option", lambda c: f"CONFIG_{c.kconfig.symbol}", lambda c: c.kconfig.where
        ),
    ]
    raise_all(DeclarationError, findings)


def _doubled(
    calls: Sequence[Call],
    what: str,
    value: Callable[[Call], object],
    where: Callable[[Call], Where],
) -> list[Finding]:
    first: dict[object, Call] = {}
    findings = []
    for call in calls:
        key = value(call)
        if key is None:
            continue
        if key not in first:
            first[key] = call
        # Two calls of one name have one option as well, which says nothing new.
        elif what == "name" or first[key].name != call.name:
            findings.append(
                Finding(
                    f"duplicate {what} {key} in two declarations",
                    where(call),
                    expected=f"a different {what} for each call in a kernel",
                    found=f"the same at {where(first[key])}",
                )
            )
    return findings
