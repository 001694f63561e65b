"""Which register of an ABI carries which parameter of a call."""

from __future__ import annotations

from collections.abc import Sequence

from syscraft.abi.abi import Abi
from syscraft.abi.layout import Pairs
from syscraft.calls.census import Parameter
from syscraft.runtime import call_table

PAIRS = {Pairs.WHOLE: "WHOLE", Pairs.CONSECUTIVE: "NEXT", Pairs.EVEN: "EVEN"}
"""How the running program's tables spell it."""

_PARTS = {"whole": "", "low": ":low", "high": ":high"}


def registers(abi: Abi, parameters: Sequence[Parameter]) -> tuple[tuple[str, str], ...]:
    """The registers that a program fills, in order: ``("r2", "offset:high")``.

    A register that stays 0 for the sake of an even pair has ``-``. Behind the registers that the
    ABI has for arguments come ``stack`` places; no ABI that has none takes such a call.
    """
    trap = abi.traps[-1][1] if abi.traps else None
    names = [register.name for register in trap.arguments] if trap else []
    if trap and trap.stacked:
        names[-len(trap.stacked) :] = trap.stacked
    wanted = tuple(
        call_table.Parameter(p.name, p.ctype.replace(" __user", ""), False) for p in parameters
    )
    width = call_table.Abi(abi.key, abi.long_bytes, PAIRS[abi.pairs])
    order = "little" if abi.elf[0].little_endian else "big"
    places = call_table.registers(width, wanted, order).places
    return tuple(
        (
            names[index] if index < len(names) else "stack",
            "-" if part == "pad" else parameters[which].name + _PARTS[part],
        )
        for index, (which, part) in enumerate(places)
    )
