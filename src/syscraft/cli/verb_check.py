"""syscraft check: is the declaration valid?"""

from __future__ import annotations

import click

from syscraft.cli.console import Console
from syscraft.errors import ExitStatus, SyscraftError


@click.command(name="check")
@click.argument("declarations", metavar="DECL...", nargs=-1, required=True)
@click.option("--linux", metavar="TREE", help="Also wire the call into this kernel tree.")
@click.option("--json", "as_json", is_flag=True, help="Print findings for machines.")
@click.pass_obj
def command(
    console: Console, declarations: tuple[str, ...], linux: str | None, as_json: bool
) -> int:
    """Check declarations; all findings of a phase are shown at once."""
    import syscraft.api

    status = ExitStatus.OK
    listed = []
    for path in declarations:
        try:
            declaration = syscraft.api.load(path)
            if linux:
                declaration.patch(linux, progress=console.progress)
        except SyscraftError as error:
            status = max(status, error.exit_status)
            listed += [(path, finding) for finding in error.findings]
            if not as_json:
                console.error(str(error))
            continue
        if not as_json:
            console.say(f"{path}: {declaration.call.name}: no findings")
    if as_json:
        console.json(
            [
                {
                    "declaration": path,
                    "message": finding.message,
                    "path": finding.where.path if finding.where else None,
                    "line": finding.where.line if finding.where else None,
                    "column": finding.where.column if finding.where else None,
                    "expected": finding.expected,
                    "found": finding.found,
                    "hint": finding.hint,
                }
                for path, finding in listed
            ]
        )
    return status
