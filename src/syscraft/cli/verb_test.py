"""syscraft test: build, boot, run the tests, give verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from syscraft.cli.console import Console, colour, table
from syscraft.errors import ExitStatus, UsageError

if TYPE_CHECKING:
    from syscraft.api import Declaration
    from syscraft.lab.cells import Matrix


@click.command(name="test")
@click.argument("declarations", metavar="DECL...", nargs=-1, required=True)
@click.option("--on", "guests", metavar="GUEST,...", default="uml", show_default=True,
              help="The guests to boot; 'all' is every one.")  # fmt: skip
@click.option("--linux", metavar="TREE,...", default="deb:6.12", show_default=True,
              help="The kernel trees: deb:VERSION or a path.")  # fmt: skip
@click.option("--timeout", metavar="SECONDS", type=click.FloatRange(min=0.1), default=60.0,
              show_default=True, help="How long one test program may take.")  # fmt: skip
@click.option("--again", is_flag=True, help="Run tests whose verdict is kept, too.")
@click.option("--json", "as_json", is_flag=True, help="Print verdicts for machines.")
@click.option("--junit", metavar="FILE", help="Write verdicts for CI systems.")
@click.pass_obj
def command(
    console: Console,
    declarations: tuple[str, ...],
    guests: str,
    linux: str,
    timeout: float,
    again: bool,
    as_json: bool,
    junit: str | None,
) -> int:
    """Build a kernel with each call, boot it, and run the call's tests there.

    On User Mode Linux every call has a kernel of its own; a machine of QEMU boots one kernel
    with all of them.
    """
    import syscraft.api

    chosen = _names(guests, "--on")
    trees = _names(linux, "--linux")
    if "all" in chosen:
        chosen = syscraft.api.all_guests()
    loaded = [syscraft.api.load(path) for path in declarations]
    if chosen == ("uml",) and len(trees) == 1:
        matrix = _on_uml(console, loaded, trees[0], timeout)
    else:
        matrix = syscraft.api.test_on(
            loaded, chosen, trees, deadline_s=timeout, again=again, progress=console.progress
        )
    _show(console, matrix, as_json=as_json)
    if junit:
        from syscraft.files import write_atomic
        from syscraft.lab.report import junit as junit_text

        write_atomic(Path(junit), junit_text(matrix).encode())
    return verdict_status([cell.verdict.name for cell in matrix.cells])


def _names(text: str, option: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name for name in text.split(",") if name))
    if not names:
        raise UsageError.of(f"{option} names nothing", expected="names, separated by commas")
    return names


def _on_uml(
    console: Console, declarations: list[Declaration], linux: str, timeout: float
) -> Matrix:
    """As in the matrix, but what the author has to repair ends it at once."""
    import syscraft.api
    from syscraft.lab.cells import Matrix

    for declaration in declarations:
        declaration.build(linux, progress=console.progress)
    state, cells = syscraft.api.test_on_uml(declarations, linux, timeout, console.progress)
    return Matrix((state,), cells)


def _show(console: Console, matrix: Matrix, *, as_json: bool) -> None:
    from syscraft.lab.report import guest_rows, plain, rows, summary

    many = [state.guest for state in matrix.guests] != ["uml"]
    for cell in matrix.cells:
        if not cell.good:
            place = f" on {cell.guest} {cell.linux} {cell.abi}" if many else ""
            console.error(f"{cell.verdict.name} {cell.call}: {cell.test}{place}")
            console.error("\n".join(f"    {line}" for line in cell.detail.splitlines()))
            if many:
                console.error(f"    repeat it: {cell.repeat}")
    if as_json:
        console.json(plain(matrix))
        return
    if not matrix.cells:
        return
    listed = rows(matrix.cells) if many else [row[3:] for row in rows(matrix.cells)]
    for line in table(listed).splitlines():
        head, _, verdict = line.rpartition("  ")
        console.say(f"{head}  {colour(verdict)}")
    if many:
        console.say()
        console.say(table(guest_rows(matrix.guests)))
        console.say()
        console.say(summary(matrix))


def check_guest(guest: str) -> None:
    """Refuse guests that cannot run commands of this machine."""
    if guest != "uml":
        raise UsageError.of(
            f"no command of this machine runs on the guest '{guest}'", expected="uml"
        )


def verdict_status(verdicts: list[str]) -> ExitStatus:
    """3 if the environment failed, else 1 if a test did, else 0.

    No test at all is a finding: nothing was shown.
    """
    if "INFRA" in verdicts:
        return ExitStatus.ENVIRONMENT
    if not verdicts or any(verdict not in ("PASS", "SKIP") for verdict in verdicts):
        return ExitStatus.FINDINGS
    return ExitStatus.OK
