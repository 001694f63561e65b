"""Inline assembly as text: values bound to an ABI's registers, instructions, clobbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from syscraft.abi.abi import Abi
from syscraft.abi.trap import Trap
from syscraft.emit.ctext_layout import WIDTH, width
from syscraft.lines import split_lines

# The operands of a statement stand below its first instruction.
_COLUMN = "\t\t\t  "
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
    before: str = "",
    cfi: str = "",
    inputs: str = "",
    clobbers: str = "",
    more: str = "",
) -> str:
    """Write an ``__asm__`` statement: the trap, what comes *before* and *after* it, a line each.

    A percent sign is the assembler's, unless an operand's name in brackets follows. Behind
    `` | `` stands what a compiler takes that writes Intel's syntax (-masm=intel). Lines
    that start with ``.cfi_`` go through the macro *cfi*, which knows whether the compiler
    writes such directives; *more* is a macro that may add a clobber.
    """
    lines = [*_lines(before), *bound.instructions, *_lines(after)]
    text = [_line(line, cfi, last=index == len(lines) - 1) for index, line in enumerate(lines)]
    lost = [*bound.clobbers, *_split(clobbers)]
    operands = [_listed(bound.outputs), _listed([*bound.inputs, *_split(inputs)])]
    operands.append(_listed(lost, more))
    body = f"\n{_COLUMN}".join([*text, *(f": {listed}".rstrip() for listed in operands)])
    return f"\t__asm__ volatile ({body});"


def _lines(text: str) -> list[str]:
    return [line.strip() for line in split_lines(text) if line.strip()]


def _line(line: str, cfi: str, *, last: bool) -> str:
    """Write one instruction, label or directive as a string; its remark as a comment behind."""
    code, _, remark = line.partition(" // ")
    code = re.sub(r"%(?!\[)", "%%", code.rstrip()).replace('"', '\\"')
    # Labels and directives start a line; an instruction is set off from its operands.
    syntaxes = [re.sub(r"^([a-z][\w.,+]*) +(?!=)", r"\1\t", text) for text in code.split(" | ")]
    code = f"{{{'|'.join(syntaxes)}}}" if len(syntaxes) > 1 else syntaxes[0]
    if code.startswith(".cfi_"):
        return f'{cfi}("{code.replace(chr(9), " ")}")'
    text = f'"{code}"' if last else f'"{code}\\n\\t"'
    if not remark:
        return text
    for gap in ("\t\t", "\t"):
        if width(f"{_COLUMN}{text}{gap}/* {remark} */") <= WIDTH:
            return f"{text}{gap}/* {remark} */"
    return f"/* {remark} */\n{_COLUMN}{text}"


def _split(operands: str) -> list[str]:
    return [operand.strip() for operand in operands.split(", ") if operand.strip()]


def _listed(operands: Sequence[str], more: str = "") -> str:
    """Lay an operand list out behind its colon; *more* is a macro that brings its own comma."""
    words = [operand + ("," if i < len(operands) - 1 else "") for i, operand in enumerate(operands)]
    words += [more] if more else []
    lines = [""]
    for index, word in enumerate(words):
        end = 2 if index == len(words) - 1 else 0  # the statement's own
        if lines[-1] and _COLUMN_WIDTH + 2 + len(lines[-1]) + 1 + len(word) + end > WIDTH:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + word
    return f"\n{_COLUMN}  ".join(lines)
