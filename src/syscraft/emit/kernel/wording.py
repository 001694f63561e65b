"""How texts of the kernel's side speak of the calls of a declaration."""

from __future__ import annotations

from collections.abc import Sequence

from syscraft.model.call import Unit


def the_calls(unit: Unit) -> str:
    """``the splork() system call``, or ``the ring system calls``."""
    if len(unit.calls) == 1:
        return f"the {unit.name}() system call"
    return f"the {unit.name} system calls"


def listed(words: Sequence[object]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *most, last = map(str, words)
    return f"{', '.join(most)} and {last}" if most else last
