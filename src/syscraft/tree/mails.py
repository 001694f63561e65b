"""The mails that every series has, in the split that the kernel's own checklist asks for.

A piece that belongs to none of them brings its own. Source:
Documentation/process/adding-syscalls.rst, Linux 6.12.
"""

from __future__ import annotations

from syscraft.emit.ctext_layout import prose
from syscraft.model.call import PRIVATE_NUMBERS, Call, NumberPolicy
from syscraft.tree.pieces import Mail

_COLUMNS = 74


def why(call: Call) -> str:
    """What the call is for."""
    summary = f"{call.summary[0].upper()}{call.summary[1:]}."
    return prose([call.description or summary], columns=_COLUMNS)


def about_wiring(call: Call, number: int) -> str:
    """How the number was chosen, and what a call that returns twice needs besides."""
    if call.number.policy is NumberPolicy.NEXT:
        how = f"The number {number} is the next free one of the common sequence."
    elif number in PRIVATE_NUMBERS:
        how = (
            f"The number {number} is private: it is outside the range that mainline allocates, so "
            "a program built for this call cannot invoke a different one on a newer kernel."
        )
    else:
        how = f"The number {number} was chosen by hand; no table uses it."
    entries = (
        "The child inherits registers that ordinary system calls do not save. Architectures with "
        "special entry code for clone() get the same for this call."
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
    lambda call, number: "Add a kselftest that checks return values and errors.",
)
DOCUMENTATION = Mail(
    40,
    "documentation",
    "Documentation: describe the {name}() system call",
    lambda call, number: "Document the call and its errors.",
)
