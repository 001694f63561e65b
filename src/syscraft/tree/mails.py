"""The mails that every series has, in the split that the kernel's own checklist asks for.

A piece that belongs to none of them brings its own. Source:
Documentation/process/adding-syscalls.rst, Linux 6.12.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from syscraft.emit.ctext_layout import prose
from syscraft.emit.kernel.wording import listed
from syscraft.model.call import PRIVATE_NUMBERS, NumberPolicy, Unit
from syscraft.tree.pieces import Mail

_COLUMNS = 74


def why(unit: Unit, numbers: Mapping[str, int]) -> str:
    """What the calls are for."""
    shared = unit.shared
    summary = f"{shared.summary[0].upper()}{shared.summary[1:]}."
    text = prose([shared.description or summary], columns=_COLUMNS)
    if len(unit.calls) == 1:
        return text
    lines = [prose([f"{c.name}(): {c.summary}."], columns=_COLUMNS) for c in unit.calls]
    return "\n".join([text, "", *lines])


def about_wiring(unit: Unit, numbers: Mapping[str, int]) -> str:
    """How the numbers were chosen, and what a call that returns twice needs besides."""
    kinds: dict[str, list[int]] = {}
    for call in unit.calls:
        number = numbers[call.name]
        if call.number.policy is NumberPolicy.NEXT:
            kind = "next"
        else:
            kind = "private" if number in PRIVATE_NUMBERS else "chosen"
        kinds.setdefault(kind, []).append(number)
    chosen = [_how(kind, numbers) for kind, numbers in kinds.items()]
    entries = (
        "The child inherits registers that ordinary system calls do not save. Architectures with "
        "special entry code for clone() get the same for this call."
    )
    returns_twice = any(call.returns_twice for call in unit.calls)
    return prose([" ".join(chosen), entries if returns_twice else ""], columns=_COLUMNS)


def _how(kind: str, numbers: Sequence[int]) -> str:
    many = len(numbers) > 1
    subject = f"The number{'s' if many else ''} {listed(numbers)} {'are' if many else 'is'}"
    if kind == "next":
        return f"{subject} the next free one{'s' if many else ''} of the common sequence."
    if kind == "private":
        return (
            f"{subject} private: {'they are' if many else 'it is'} outside the range that mainline "
            f"allocates, so a program built for {'these calls' if many else 'this call'} cannot "
            "invoke a different one on a newer kernel."
        )
    chosen = (
        "were chosen by hand; no table uses them"
        if many
        else "was chosen by hand; no table uses it"
    )
    return f"The number{'s' if many else ''} {listed(numbers)} {chosen}."


CALL = Mail(10, "the call", "{name}: add {calls}", why)
WIRING = Mail(20, "wiring", "arch: wire up {calls}", about_wiring)
SELFTEST = Mail(
    30,
    "selftest",
    "selftests/{name}: test {calls}",
    lambda unit, numbers: "Add a kselftest that checks return values and errors.",
)
DOCUMENTATION = Mail(
    40,
    "documentation",
    "Documentation: describe {calls}",
    lambda unit, numbers: (
        "Document the calls and their errors."
        if len(unit.calls) > 1
        else "Document the call and its errors."
    ),
)
