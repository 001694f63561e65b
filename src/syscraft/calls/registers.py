"""Which register of an ABI carries which parameter of a call."""

from __future__ import annotations

from collections.abc import Sequence

from syscraft.abi import layout
from syscraft.abi.abi import Abi
from syscraft.calls.census import Parameter


def registers(abi: Abi, parameters: Sequence[Parameter]) -> tuple[tuple[str, str], ...]:
    """The registers that a program fills, in order: ``("r2", "offset:high")``.

    A register that stays unused before a pair has ``-``. The order of halves is that of the first
    of the ABI's byte orders. The ABI has no place for an argument that has ``?``.
    """
    names = layout.names(abi.traps[-1][1]) if abi.traps else ()
    laid_out = layout.places(abi.pairs, [parameter.is_wide for parameter in parameters])
    return tuple(
        (
            names[number] if number < len(names) else "?",
            _holds(parameters[place.argument].name, place.part, abi),
        )
        for number, place in enumerate(laid_out)
    )


def _holds(name: str, part: layout.Part, abi: Abi) -> str:
    if part is layout.Part.UNUSED:
        return "-"
    half = part.half(little_endian=abi.elf[0].little_endian)
    return f"{name}:{half}" if half else name
