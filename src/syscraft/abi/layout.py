"""Where the arguments of a call go: the one place that says how they are laid out.

Generated Python modules and :mod:`syscraft.runtime`, which cannot import this, have copies that
tests hold to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from syscraft.abi.trap import Trap

# Registers that a kernel looks at. Source: SYSCALL_DEFINE_MAXARGS, include/linux/syscalls.h, 6.12
MAX_ARGUMENTS = 6


class Pairs(Enum):
    """Where the two halves of a 64-bit argument go.

    On big-endian ABIs the high half is in the first register, on others the low one.
    """

    WHOLE = "one register holds it"
    NEXT = "the next two registers hold it"
    EVEN = "an even-numbered register and the next one hold it; one may stay unused before"


class Part(Enum):
    """What a register carries of an argument; ``UNUSED`` is one left out before a pair."""

    WHOLE = "whole"
    FIRST = "first"
    SECOND = "second"
    UNUSED = "unused"

    def half(self, *, little_endian: bool) -> str:
        """``low`` or ``high`` for a part that is a half, else an empty string."""
        if self not in (Part.FIRST, Part.SECOND):
            return ""
        return "low" if (self is Part.FIRST) is little_endian else "high"


@dataclass(frozen=True)
class Place:
    """One register: the index of the argument that it is for, and what it carries of it."""

    argument: int
    part: Part


def places(pairs: Pairs, wide: Sequence[bool]) -> tuple[Place, ...]:
    """Lay the arguments of a call out over registers, in order.

    Args:
        pairs: how the ABI passes 64-bit arguments.
        wide: for each argument whether it has 64 bits on every ABI.

    Source: Documentation/process/adding-syscalls.rst, "Compatibility System Calls", Linux 6.12
    """
    found: list[Place] = []
    for index, is_wide in enumerate(wide):
        if pairs is Pairs.WHOLE or not is_wide:
            found.append(Place(index, Part.WHOLE))
            continue
        if pairs is Pairs.EVEN and len(found) % 2:
            found.append(Place(index, Part.UNUSED))
        found += [Place(index, Part.FIRST), Place(index, Part.SECOND)]
    return tuple(found)


def names(trap: Trap) -> tuple[str, ...]:
    """What the places of arguments are called: registers, or memory where a kernel looks there."""
    registers = tuple(register.name for register in trap.arguments[: trap.in_registers])
    return registers + trap.stacked
