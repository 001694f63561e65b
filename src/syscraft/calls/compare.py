"""What changed between the calls of two kernels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from syscraft.abi.abi import Abi
from syscraft.abi.discover import all_abis
from syscraft.calls.census import Census, Entry


class Kind(Enum):
    """What may happen to a call."""

    APPEARED = "appeared"
    GONE = "gone"
    MOVED = "moved"
    PARAMETERS = "parameters changed"
    RETIRED = "retired"
    REVIVED = "revived"


@dataclass(frozen=True)
class Change:
    """One thing that changed, on all ABIs where it did in the same way.

    ``before`` and ``after`` are numbers or parameters as C text, empty where there is none.
    """

    kind: Kind
    name: str
    before: str
    after: str
    abis: tuple[str, ...]


def compare(old: Census, new: Census) -> tuple[Change, ...]:
    """List the changes from *old* to *new*, kind by kind, in the order of names."""
    groups: dict[tuple[Kind, str, str, str], list[str]] = {}
    for abi in all_abis():
        if abi.key not in old.abis or abi.key not in new.abis:
            continue  # not a change of a call: one of the trees does not have the ABI at all
        for kind, name, before, after in _of_abi(old, new, abi):
            groups.setdefault((kind, name, before, after), []).append(abi.key)
    order = list(Kind)
    found = [Change(*what, tuple(abis)) for what, abis in groups.items()]
    return tuple(sorted(found, key=lambda c: (order.index(c.kind), c.name, c.before, c.abis)))


def _of_abi(old: Census, new: Census, abi: Abi) -> Iterator[tuple[Kind, str, str, str]]:
    before, after = old.on(abi), new.on(abi)
    for name in sorted(before.keys() | after.keys()):
        if name not in before:
            yield Kind.APPEARED, name, "", _number(after[name], abi)
        elif name not in after:
            yield Kind.GONE, name, _number(before[name], abi), ""
        else:
            yield from _of_call(before[name], after[name], abi)


def _of_call(old: Entry, new: Entry, abi: Abi) -> Iterator[tuple[Kind, str, str, str]]:
    if old.number != new.number:
        yield Kind.MOVED, old.name, _number(old, abi), _number(new, abi)
    if old.is_retired != new.is_retired:
        kind = Kind.RETIRED if new.is_retired else Kind.REVIVED
        yield kind, old.name, old.symbol or "", new.symbol or ""
    elif _text(old) != _text(new) and None not in (_text(old), _text(new)):
        yield Kind.PARAMETERS, old.name, _text(old) or "", _text(new) or ""


def _text(entry: Entry) -> str | None:
    """The parameters that code has; a prototype only says what a call would have."""
    definition = entry.definition
    return None if definition is None or definition.is_prototype else definition.user_text


def _number(entry: Entry, abi: Abi) -> str:
    """The number in the table, which ABIs share that differ in what programs add to it."""
    return str(entry.number - abi.number_offset)
