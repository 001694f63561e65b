"""syscraft doctor: what is missing on this machine, and what installs it."""

from __future__ import annotations

import click

from syscraft.cli.console import Console, table
from syscraft.errors import ExitStatus


@click.command(name="doctor")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@click.option("--guests", is_flag=True, help="Also check what the guests in QEMU need.")
@click.pass_obj
def command(console: Console, as_json: bool, guests: bool) -> int:
    """List what syscraft needs and what is missing."""
    from syscraft.doctor import examine

    checks = examine(guests=guests)
    missing = [check for check in checks if not check.present]
    if as_json:
        console.json([vars(check) for check in checks])
    else:
        console.say(
            table(
                [
                    ("ok" if check.present else "MISSING", check.what, check.detail)
                    for check in checks
                ]
            )
        )
        packages = sorted({p for check in missing for p in (check.package or "").split()})
        if packages:
            console.say(f"\napt-get install {' '.join(packages)}")
    return ExitStatus.ENVIRONMENT if missing else ExitStatus.OK
