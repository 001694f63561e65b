"""syscraft list: the ABIs, what is generated for them, and what was shown by running it."""

from __future__ import annotations

import click

from syscraft.cli.console import Console, table
from syscraft.errors import ExitStatus, UsageError


@click.command(name="list")
@click.option("--abis", is_flag=True, help="The ABIs, with the results of the last --run.")
@click.option("--abi", "keys", metavar="KEY", multiple=True, help="Only this ABI; repeatable.")
@click.option("--run", is_flag=True, help="First prove the wrappers with every compiler here.")
@click.option("--levels", is_flag=True, help="A line for each compiler and level.")
@click.option("--json", "as_json", is_flag=True, help="Print the list for machines.")
@click.pass_obj
def command(
    console: Console, abis: bool, keys: tuple[str, ...], run: bool, levels: bool, as_json: bool
) -> int:
    """List the ABIs that wrappers are generated for."""
    from syscraft.abi.registry import all_abis, find_abi
    from syscraft.lab.matrix import matrix
    from syscraft.lab.prove import last_proofs, plain, prove
    from syscraft.lab.verdict import Verdict

    if not (abis or keys):
        raise UsageError.of("nothing to list", expected="--abis", hint="syscraft list --abis")
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
