"""syscraft registry: read the calls of kernel trees, and compare two kernels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from syscraft.cli.console import Console, table
from syscraft.cli.path_type import PATH
from syscraft.errors import ExitStatus, Finding


@click.group(name="registry")
def command() -> None:
    """Read the system calls of kernel trees, and compare two kernels.

    TREE is a path, or deb:6.12. A and B may also be a version whose data come with syscraft,
    such as 6.1, or a file written by "build".
    """


@command.command(name="build")
@click.argument("trees", metavar="TREE...", nargs=-1, required=True)
@click.option(
    "-o", "folder", type=PATH, default=".", metavar="DIR", help="Where to write VERSION.json."
)
@click.option("--json", "as_json", is_flag=True, help="Print what could not be parsed as JSON.")
@click.pass_obj
def build(console: Console, trees: tuple[str, ...], folder: str, as_json: bool) -> int:
    """Read every system call of kernel trees, and write one file per tree.

    Anything that cannot be parsed is reported with file and line; the exit status is then 1.
    """
    import syscraft.api
    from syscraft.cli.findings import plain_finding
    from syscraft.output import check_folder
    from syscraft.scan.read import write_calls

    check_folder(Path(folder))
    kernels = [syscraft.api.read_kernel(tree, progress=console.progress) for tree in trees]
    found: list[Finding] = []
    for read, path in zip(kernels, write_calls(kernels, folder), strict=True):
        found += read.findings
        if not as_json:
            for finding in read.findings:
                console.error(str(finding))
            console.say(f"{path}: {len(read.census.names)} calls of {read.census.release}")
    if as_json:
        console.json([plain_finding(finding) for finding in found])
    return ExitStatus.FINDINGS if found else ExitStatus.OK


@command.command(name="diff")
@click.argument("old", metavar="A")
@click.argument("new", metavar="B")
@click.option("--json", "as_json", is_flag=True, help="Print the changes as JSON.")
@click.pass_obj
def diff(console: Console, old: str, new: str, as_json: bool) -> int:
    """List calls that were added, removed, renumbered or changed from A to B."""
    import syscraft.api
    from syscraft.calls.compare import compare

    before = syscraft.api.known_kernel(old, progress=console.progress)
    after = syscraft.api.known_kernel(new, progress=console.progress)
    changes = compare(before, after)
    common = [key for key in before.abis if key in after.abis]
    if as_json:
        console.json(
            [
                {
                    "change": change.kind.value,
                    "name": change.name,
                    "before": change.before,
                    "after": change.after,
                    "abis": list(change.abis),
                }
                for change in changes
            ]
        )
        return ExitStatus.OK
    console.say(f"{before.release} to {after.release}: {len(changes)} changes")
    rows = []
    for change in changes:
        what = " -> ".join(text for text in (change.before, change.after) if text)
        rows.append((f"  {change.kind.value}", change.name, what, _where(change.abis, common)))
    if rows:
        console.say(table(rows))
    for key in dict.fromkeys((*before.abis, *after.abis)):
        if key not in common:
            where = before.release if key in before.abis else after.release
            console.say(f"  only {where} has the ABI {key}")
    return ExitStatus.OK


def _where(abis: Sequence[str], common: Sequence[str]) -> str:
    """The ABIs, or those that are missing where that is shorter."""
    missing = [key for key in common if key not in abis]
    if not missing:
        return "all ABIs"
    return f"all but {' '.join(missing)}" if len(missing) < len(abis) else " ".join(abis)
