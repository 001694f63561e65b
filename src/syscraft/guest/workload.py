"""What a guest is made ready for: the calls of some declarations, in one kernel tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from syscraft.model.call import Call, Unit
from syscraft.tree.adding import KernelChange
from syscraft.tree.number import numbers_of
from syscraft.tree.source import KernelTree
from syscraft.tree.together import wired_together


@dataclass(frozen=True)
class Workload:
    """Calls that one kernel shall have, in the order in which they are added to *tree*.

    The change is worked out when it is first asked for, and then kept.

    Raises:
        TreeError: from ``changes`` and all that needs them: the calls cannot be added.
    """

    units: tuple[Unit, ...]
    tree: KernelTree

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every call, in order."""
        return tuple(call for unit in self.units for call in unit.calls)

    @cached_property
    def changes(self) -> tuple[KernelChange, ...]:
        """One change for each declaration."""
        return wired_together(self.units, self.tree)

    @cached_property
    def change(self) -> KernelChange:
        """All of them as one."""
        return merged(self.changes)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The number of each call in the kernel's common table; it costs no change."""
        return numbers_of(self.calls, self.tree)


def merged(changes: Sequence[KernelChange]) -> KernelChange:
    """Make one change of several that build on each other."""
    quiet: set[str] = set()
    loud: set[str] = set()
    for change in changes:
        quiet |= change.quiet
        loud |= (change.files.keys() | change.removed) - change.quiet
    files: dict[str, bytes] = {}
    removed: set[str] = set()
    modes: dict[str, int] = {}
    for change in changes:
        for path in change.removed:
            files.pop(path, None)
            modes.pop(path, None)
        files |= change.files
        modes |= change.modes
        removed = (removed | change.removed) - change.files.keys()
    return KernelChange(
        numbers={name: n for change in changes for name, n in change.numbers.items()},
        files=files,
        removed=frozenset(removed),
        modes=modes,
        series=tuple(mail for change in changes for mail in change.series),
        extras=tuple(extra for change in changes for extra in change.extras),
        config=tuple(dict.fromkeys(line for change in changes for line in change.config)),
        quiet=frozenset(quiet - loud),
        body_line_maps=tuple(m for change in changes for m in change.body_line_maps),
        standing_config=tuple(
            dict.fromkeys(line for change in changes for line in change.standing_config)
        ),
    )
