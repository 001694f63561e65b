"""syscraft list: existing calls; or the ABIs, and what was shown of their wrappers by running."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syscraft.cli.abi_option import abi_option
from syscraft.cli.console import Console, table
from syscraft.errors import ExitStatus, UsageError

if TYPE_CHECKING:
    from syscraft.calls.kernels import Kernels
    from syscraft.calls.view import Shown


@click.command(name="list")
@abi_option("keys")
@click.option("--since", metavar="VERSION", help="Only calls added in this kernel or later.")
@click.option(
    "--grep", default="", metavar="TEXT", help="Only calls with this text in their name or types."
)
@click.option("--data", metavar="DIR", help="Use data written by syscraft registry build.")
@click.option(
    "--abis", is_flag=True, help="List ABIs instead of calls, with the results of the last --run."
)
@click.option(
    "--run", is_flag=True, help="ABIs: first run the wrappers, built with every compiler here."
)
@click.option("--guests", is_flag=True, help="List guests and kernel flavours instead of calls.")
@click.option("--levels", is_flag=True, help="ABIs: one line per compiler and optimization level.")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Calls: print CSV, one row per call and ABI.")
@click.pass_obj
def command(
    console: Console,
    keys: tuple[str, ...],
    since: str | None,
    grep: str,
    data: str | None,
    abis: bool,
    guests: bool,
    run: bool,
    levels: bool,
    as_json: bool,
    as_csv: bool,
) -> int:
    """List existing calls, or the ABIs that wrappers are generated for."""
    of_abis, of_calls = abis or run or levels, bool(since or grep or data or as_csv)
    if (of_abis and of_calls) or (guests and (of_abis or of_calls or keys)):
        raise UsageError.of(
            "these options cannot be combined",
            expected="--abis, --run, --levels for ABIs; --since, --grep, --data, --csv for calls; "
            "--guests",
        )
    if as_json and as_csv:
        raise UsageError.of("--json and --csv are mutually exclusive")
    if guests:
        return _list_guests(console, as_json=as_json)
    if of_abis:
        return _list_abis(console, keys, run=run, levels=levels, as_json=as_json)
    return _list_calls(console, keys, since, grep, data, as_json=as_json, as_csv=as_csv)


def _list_calls(
    console: Console,
    keys: tuple[str, ...],
    since: str | None,
    grep: str,
    data: str | None,
    *,
    as_json: bool,
    as_csv: bool,
) -> int:
    from syscraft.abi.discover import find_abi
    from syscraft.calls.kernels import open_kernels
    from syscraft.calls.view import csv_text, listed, plain

    kernels = open_kernels(data)
    calls = listed(kernels, tuple(find_abi(key) for key in keys), since, grep)
    if as_json:
        console.json([plain(call) for call in calls])
    elif as_csv:
        console.say(csv_text(calls))
    elif calls:
        console.say(table([_row(call, kernels, one=len(keys) == 1) for call in calls]))
    if not calls:
        console.note("no call matches")
    return ExitStatus.OK


def _list_guests(console: Console, *, as_json: bool) -> int:
    from syscraft.build.flavour import all_flavours
    from syscraft.guest.discover import all_guests

    if as_json:
        console.json(
            {
                "guests": [
                    {
                        "guest": guest.key,
                        "machine": guest.machine,
                        "abis": list(guest.abis),
                        "host_files": guest.has.host_files,
                        "python": guest.has.python,
                        "cpus": guest.has.cpus,
                    }
                    for guest in all_guests()
                ],
                "kernels": [{"kernel": f.key, "summary": f.summary} for f in all_flavours()],
            }
        )
        return ExitStatus.OK
    rows = [("guest", "programs of", "has", "machine")]
    for guest in all_guests():
        has = "this machine's files" if guest.has.host_files else "-"
        rows.append((guest.key, ", ".join(guest.abis), has, guest.machine))
    console.say(table(rows))
    console.say()
    console.say(table([("kernel", "what for"), *((f.key, f.summary) for f in all_flavours())]))
    return ExitStatus.OK


def _row(call: Shown, kernels: Kernels, *, one: bool) -> tuple[str, ...]:
    numbers = sorted({on.entry.number - on.abi.number_offset for on in call.abis})
    shown = str(call.abis[0].entry.number) if one else " ".join(map(str, numbers[:3]))
    definition, abis = call.groups()[0]
    text = "removed"
    if definition is not None:
        text = f"({definition.user_text or 'void'})"
    elif not abis[0].entry.is_retired:
        text = "parameters unknown"
    gone = "" if call.census is kernels.newest else f", removed in {kernels.newest.version}"
    return shown + (" ..." if len(numbers) > 3 and not one else ""), call.name, (
        f"{call.since}{gone}"
    ), text  # fmt: skip


def _list_abis(
    console: Console, keys: tuple[str, ...], *, run: bool, levels: bool, as_json: bool
) -> int:
    from syscraft.abi.discover import all_abis, find_abi
    from syscraft.lab.verdict import Verdict
    from syscraft.proof.prove import last_proofs, plain, prove
    from syscraft.proof.table import matrix

    chosen = tuple(find_abi(key) for key in keys) or all_abis()
    proofs = prove(chosen, console.progress) if run else last_proofs(chosen)
    bad = [p for p in proofs if p.verdict not in (None, Verdict.PASS)]
    if as_json:
        console.json([plain(proof) for proof in proofs])
    else:
        console.say(table(matrix(chosen, proofs, levels=levels)))
        for proof in bad:
            console.say(f"\n{proof.abi}, {proof.toolchain} {proof.level}\n{proof.detail}")
        packages = sorted({package for proof in proofs for package in proof.missing})
        if packages:
            console.say(f"\napt-get install {' '.join(packages)}")
    return ExitStatus.FINDINGS if bad else ExitStatus.OK
