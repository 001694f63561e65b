"""The mails that every series has, in the split that the kernel's own checklist asks for.

A piece that belongs to none of them brings its own. Source:
Documentation/process/adding-syscalls.rst, Linux 6.12.
"""

from __future__ import annotations

from syscraft.emit.ctext_layout import prose
from syscraft.model.call import Call, NumberPolicy
from syscraft.tree.pieces import Mail

_COLUMNS = 74


def why(call: Call) -> str:
    """What the call is for."""
    return prose([call.description or f"{call.summary}."], columns=_COLUMNS)


def about_wiring(call: Call, number: int) -> str:
    """How the number was chosen, and what a call that returns twice needs besides."""
    if call.number.policy is NumberPolicy.NEXT:
        how = f"The number {number} is the next one of the common sequence."
    else:
        how = (
            f"The number {number} is private: it is outside of what the kernel hands out, so that "
            "no program built for this call can reach another one on a newer kernel."
        )
    entries = (
        "A child inherits registers that an ordinary call does not save. Architectures that "
        "have entry code for clone() on that account have it for this call too."
    )
    return prose([how, entries if call.returns_twice else ""], columns=_COLUMNS)


CALL = Mail(
    10,
    "the call",
    "{name}: add the {name}() system call",
    lambda call, number: why(call),
)
WIRING = Mail(20, "wiring", "arch: wire up the {name}() system call", about_wiring)
SELFTEST = Mail(
    30,
    "selftest",
    "selftests/{name}: test the {name}() system call",
    lambda call, number: "Hold the call to what it promises: results, and errors.",
)
DOCUMENTATION = Mail(
    40,
    "documentation",
    "Documentation: describe the {name}() system call",
    lambda call, number: "Say what the call does, and when it fails.",
)
