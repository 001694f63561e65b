"""The mails that every series has, in the split that the kernel's own checklist asks for.

A piece that belongs to none of them brings its own. Source:
Documentation/process/adding-syscalls.rst, Linux 6.12.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from syscraft.emit.ctext_layout import prose
from syscraft.emit.kernel.wording import listed
from syscraft.model.call import NumberPolicy, Unit
from syscraft.tree.pieces import Mail

_COLUMNS = 74


def why(unit: Unit, numbers: Mapping[str, int]) -> str:
    """What the calls are for."""
    shared = unit.shared
    text = prose([shared.description or f"{shared.summary}."], columns=_COLUMNS)
    if len(unit.calls) == 1:
        return text
    lines = [prose([f"{c.name}(): {c.summary}."], columns=_COLUMNS) for c in unit.calls]
    return "\n".join([text, "", *lines])


def about_wiring(unit: Unit, numbers: Mapping[str, int]) -> str:
    """How the numbers were chosen, and what a call that returns twice needs besides."""
    is_next = {c.name: c.number.policy is NumberPolicy.NEXT for c in unit.calls}
    chosen = [
        _how([numbers[name] for name in is_next if is_next[name] is kind], is_next=kind)
        for kind in dict.fromkeys(is_next.values())
    ]
    entries = (
        "A child inherits registers that an ordinary call does not save. Architectures that "
        "have entry code for clone() on that account have it for this call too."
    )
    returns_twice = any(call.returns_twice for call in unit.calls)
    return prose([" ".join(chosen), entries if returns_twice else ""], columns=_COLUMNS)


def _how(numbers: Sequence[int], *, is_next: bool) -> str:
    if len(numbers) == 1:
        number, are, ones, they, these = "number", "is", "one", "it is", "this call"
    else:
        number, are, ones, they, these = "numbers", "are", "ones", "they are", "these calls"
    if is_next:
        return f"The {number} {listed(numbers)} {are} the next {ones} of the common sequence."
    return (
        f"The {number} {listed(numbers)} {are} private: {they} outside of what the kernel hands "
        f"out, so that no program built for {these} can reach another one on a newer kernel."
    )


CALL = Mail(10, "the call", "{name}: add {calls}", why)
WIRING = Mail(20, "wiring", "arch: wire up {calls}", about_wiring)
SELFTEST = Mail(
    30,
    "selftest",
    "selftests/{name}: test {calls}",
    lambda unit, numbers: (
        f"Hold the call{'s' if len(unit.calls) > 1 else ''} to what "
        f"{'they promise' if len(unit.calls) > 1 else 'it promises'}: results, and errors."
    ),
)
DOCUMENTATION = Mail(
    40,
    "documentation",
    "Documentation: describe {calls}",
    lambda unit, numbers: (
        "Say what the calls do, and when they fail."
        if len(unit.calls) > 1
        else "Say what the call does, and when it fails."
    ),
)
