"""syscraft show: an existing call, or who has a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syscraft.cli.abi_option import abi_option
from syscraft.cli.console import Console, table
from syscraft.errors import ExitStatus, UsageError

if TYPE_CHECKING:
    from syscraft.calls.kernels import Kernels
    from syscraft.calls.view import OnAbi, Shown


@click.command(name="show")
@click.argument("call", metavar="CALL|NUMBER")
@abi_option("keys")
@click.option("--data", metavar="DIR", help="Use data written by syscraft registry build.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, one row per ABI.")
@click.pass_obj
def command(
    console: Console,
    call: str,
    keys: tuple[str, ...],
    data: str | None,
    as_json: bool,
    as_csv: bool,
) -> int:
    """Show an existing call: numbers, parameters, registers; or the call that has a number.

    A number is what programs pass, or what the kernel's table has: 5435 and 435 are the same
    call on mips_n64.
    """
    from syscraft.abi.discover import find_abi
    from syscraft.calls.kernels import open_kernels
    from syscraft.calls.view import csv_text, plain, shown

    if as_json and as_csv:
        raise UsageError.of("--json and --csv are mutually exclusive")
    kernels = open_kernels(data)
    wanted = tuple(find_abi(key) for key in keys)
    number = _number(call)
    names = (call,) if number is None else _names(kernels, number, keys)
    calls = [shown(kernels, name, wanted) for name in names]
    if number is not None and not keys:
        calls = [_only(found, kernels, number) for found in calls]
    for found in calls:
        if not found.abis:
            raise UsageError.of(
                f"{found.name} is not a call of {', '.join(keys)}",
                expected="an ABI that has it: " + " ".join(shown(kernels, found.name).keys),
                found=", ".join(keys),
            )
    if as_json:
        console.json([plain(found) for found in calls])
    elif as_csv:
        console.say(csv_text(calls))
    else:
        console.say("\n\n".join(_text(found, kernels) for found in calls))
    return ExitStatus.OK


def _number(text: str) -> int | None:
    try:
        return int(text, 0)
    except ValueError:
        return int(text) if text.isdecimal() else None


def _names(kernels: Kernels, number: int, keys: tuple[str, ...]) -> tuple[str, ...]:
    """The calls that have a number on the ABIs asked for, or on any."""
    from syscraft.abi.discover import all_abis, find_abi

    abis = tuple(find_abi(key) for key in keys) or all_abis()
    found = [entry.name for abi in abis for entry in kernels.numbered(number, abi)]
    if not found:
        raise UsageError.of(
            f"no call has the number {number}" + (f" on {', '.join(keys)}" if keys else ""),
            expected="a number from a kernel's table, or the one that programs pass",
            found=str(number),
            hint="syscraft list --abi KEY lists the numbers of an ABI",
        )
    return tuple(dict.fromkeys(found))


def _only(call: Shown, kernels: Kernels, number: int) -> Shown:
    """The call on those ABIs where the number asked for is its."""
    from dataclasses import replace

    kept = tuple(on for on in call.abis if on.entry in kernels.numbered(number, on.abi))
    return replace(call, abis=kept)


def _text(call: Shown, kernels: Kernels) -> str:
    lines = [_head(call, kernels)]
    for definition, abis in call.groups():
        lines.append("")
        if definition is None:
            retired = all(on.entry.is_retired for on in abis)
            lines.append(
                "The number is reserved, but Linux no longer has the call."
                if retired
                else "The parameters are unknown."
            )
        else:
            lines.append(f"long {call.name}({definition.text or 'void'})")
            lines += [f"    {line}" for line in _facts(abis)]
        lines.append(table([_row(on) for on in abis]))
    return "\n".join(lines)


def _head(call: Shown, kernels: Kernels) -> str:
    oldest = kernels.censuses[0].version
    words = [f"Linux {call.census.release}"]
    words.append(f"in {oldest} or earlier" if call.since == oldest else f"new in {call.since}")
    if call.census is not kernels.newest:
        words.append(f"removed in {kernels.newest.version}")
    words += [call.manual] if call.manual else []
    return f"{call.name}: {', '.join(words)}"


def _facts(abis: tuple[OnAbi, ...]) -> list[str]:
    """Where the definitions are, and what they depend on; one line for each."""
    facts = []
    for on in abis:
        definition = on.entry.definition
        assert definition is not None
        words = [f"{definition.path}:{definition.line}"]
        if definition.is_prototype:
            words.append("only the prototype; a stub returns ENOSYS")
        if definition.assembly:
            words.append("in assembly")
        if definition.removed_by:
            words.append(f"if {' and '.join(definition.removed_by)}")
        elif definition.optional and not definition.is_prototype:
            words.append("a stub returns ENOSYS where it is left out")
        facts.append(", ".join(words))
    return list(dict.fromkeys(facts))


def _row(on: OnAbi) -> tuple[str, ...]:
    filled = " ".join(f"{register}={holds}" for register, holds in on.registers)
    remarks = [f"enters {on.special_entry}"] if on.special_entry else []
    if on.entry.compat and on.entry.compat != on.entry.symbol:
        remarks.append(f"32-bit programs: {on.entry.compat}")
    return (
        f"  {on.abi.key}", str(on.entry.number), filled or "-", on.error_rule, "; ".join(remarks),
    )  # fmt: skip
