"""syscraft test: build, boot, run the tests, give verdicts."""

from __future__ import annotations

import click

from syscraft.cli.console import Console, colour, table
from syscraft.errors import ExitStatus, UsageError


@click.command(name="test")
@click.argument("declarations", metavar="DECL...", nargs=-1, required=True)
@click.option("--on", "guest", metavar="GUEST", default="uml", show_default=True,
              help="The guest to boot.")  # fmt: skip
@click.option("--linux", metavar="TREE", default="deb:6.12", show_default=True,
              help="The kernel tree: deb:VERSION or a path.")  # fmt: skip
@click.option("--timeout", metavar="SECONDS", type=click.FloatRange(min=0.1), default=60.0,
              show_default=True, help="How long one test program may take.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print verdicts for machines.")
@click.pass_obj
def command(
    console: Console,
    declarations: tuple[str, ...],
    guest: str,
    linux: str,
    timeout: float,
    as_json: bool,
) -> int:
    """Build a kernel with each call, boot it, and run the call's tests there."""
    import syscraft.api
    from syscraft.lab.host import host_abi

    check_guest(guest)
    loaded = [syscraft.api.load(path) for path in declarations]
    rows = []
    for declaration in loaded:
        name = declaration.call.name
        kernel = declaration.build(linux, progress=console.progress)
        for outcome in declaration.test(
            kernel, linux=linux, deadline_s=timeout, progress=console.progress
        ):
            rows.append((name, outcome))
            if outcome.verdict.name not in ("PASS", "SKIP"):
                console.error(f"{outcome.verdict.name} {name}: {outcome.name}")
                console.error("\n".join(f"    {line}" for line in outcome.detail.splitlines()))
    if as_json:
        console.json(
            [
                {
                    "call": name,
                    "test": outcome.name,
                    "guest": guest,
                    "abi": host_abi().key,
                    "linux": linux,
                    "verdict": outcome.verdict.name,
                    "seconds": round(outcome.seconds, 3),
                    "detail": outcome.detail,
                }
                for name, outcome in rows
            ]
        )
    elif rows:
        text = table(
            [("call", "test", "seconds", "verdict")]
            + [(name, o.name, f"{o.seconds:7.2f}", o.verdict.name) for name, o in rows]
        )
        for line in text.splitlines():
            head, _, verdict = line.rpartition("  ")
            console.say(f"{head}  {colour(verdict)}")
    return verdict_status([outcome.verdict.name for _, outcome in rows])


def check_guest(guest: str) -> None:
    """Refuse guests that do not exist."""
    if guest != "uml":
        raise UsageError.of(f"unknown guest '{guest}'", expected="uml")


def verdict_status(verdicts: list[str]) -> ExitStatus:
    """3 if the environment failed, else 1 if a test did, else 0.

    No test at all is a finding: nothing was shown.
    """
    if "INFRA" in verdicts:
        return ExitStatus.ENVIRONMENT
    if not verdicts or any(verdict not in ("PASS", "SKIP") for verdict in verdicts):
        return ExitStatus.FINDINGS
    return ExitStatus.OK
