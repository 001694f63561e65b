"""Inline assembly as text: values bound to an ABI's registers, instructions, clobbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from syscraft.abi.base import Abi, Trap

# The operands of a statement stand below its first instruction.
_COLUMN = "\t\t\t  "
_WIDTH = 80
_COLUMN_WIDTH = 26


@dataclass(frozen=True)
class Bound:
    """A trap with its values.

    ``declarations`` bind registers; ``outputs``, ``inputs`` and ``clobbers`` are operand lists;
    ``result`` is a C expression of type long for the value or -errno.
    """

    instructions: tuple[str, ...]
    declarations: tuple[str, ...]
    outputs: tuple[str, ...]
    inputs: tuple[str, ...]
    clobbers: tuple[str, ...]
    result: str


def bind(abi: Abi, trap: Trap, number: str, values: Sequence[str]) -> Bound:
    """Bind the values of a call to the registers that *trap* wants them in.

    Args:
        number: C expression of the call's number.
        values: C expressions of the arguments, at most six.
    """
    used = trap.arguments[: len(values)]
    given = {trap.number: number, **dict(zip(used, values, strict=True))}
    written = {register for register in (trap.result, trap.failed) if register}
    if not trap.number_survives:
        written.add(trap.number)
    dying = trap.temporaries if trap.arguments_survive else trap.arguments
    written.update(r for r in used if r in dying)
    lost = [r for r in dying if r not in written]
    named = list(dict.fromkeys([*given, *sorted(written, key=lambda r: r.name)]))
    return Bound(
        instructions=tuple(trap.by_arity.get(len(values), trap.instruction).split("; ")),
        declarations=tuple(
            f'register {abi.register_type} {r.name} __asm__("{r.spelling}")'
            + (f" = {given[r]};" if r in given else ";")
            for r in named
        ),
        outputs=tuple(f'"{"+" if r in given else "="}r" ({r.name})' for r in named if r in written),
        inputs=tuple(f'"r" ({r.name})' for r in named if r not in written),
        clobbers=(*(f'"{r.spelling}"' for r in lost), *trap.clobbers.split(", ")),
        result=_result(abi, trap),
    )


def _result(abi: Abi, trap: Trap) -> str:
    value = trap.result.name
    if trap.failed:
        value = f"{trap.failed.name} ? -{value} : {value}"
    if abi.register_type == "long":
        return value
    return f"(long)({value})" if trap.failed else f"(long){value}"


def statement(
    bound: Bound,
    after: str = "",
    *,
    cfi: str = "",
    inputs: str = "",
    clobbers: str = "",
    more: str = "",
) -> str:
    """Write an ``__asm__`` statement: the trap, and what comes *after* it, a line each.

    A percent sign is the assembler's, unless an operand's name in brackets follows. Lines
    that start with ``.cfi_`` go through the macro *cfi*, which knows whether the compiler
    writes such directives; *more* is a macro that may add a clobber.
    """
    lines = [*bound.instructions, *(line.strip() for line in after.splitlines() if line.strip())]
    text = []
    for index, line in enumerate(lines):
        end = "" if index == len(lines) - 1 else "\\n\\t"
        code, _, remark = line.partition(" // ")
        code = re.sub(r"%(?!\[)", "%%", code.rstrip())
        # Labels and directives start a line; an instruction is set off from its operands.
        code = re.sub(r"^([a-z][\w.,+]*) +(?!=)", r"\1\t", code)
        if code.startswith(".cfi_"):
            text.append(f'{cfi}("{code.replace(chr(9), " ")}")')
        else:
            text.append(f'"{code}{end}"' + (f"\t\t/* {remark} */" if remark else ""))
    operands = [
        _listed([*bound.outputs]),
        _listed([*bound.inputs, *_split(inputs)]),
        _listed([*bound.clobbers, *_split(clobbers)]),
    ]
    body = f"\n{_COLUMN}".join([*text, *(f": {listed}".rstrip() for listed in operands)])
    return f"\t__asm__ volatile ({body}{more});"


def _split(operands: str) -> list[str]:
    return [operand.strip() for operand in operands.split(", ") if operand.strip()]


def _listed(operands: list[str]) -> str:
    """Lay an operand list out behind its colon."""
    lines = [""]
    for index, operand in enumerate(operands):
        text = operand + ("," if index < len(operands) - 1 else "")
        if lines[-1] and _COLUMN_WIDTH + 2 + len(lines[-1]) + 1 + len(text) > _WIDTH:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + text
    return f"\n{_COLUMN}  ".join(lines)
