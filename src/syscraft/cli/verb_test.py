"""syscraft test: build, boot, run the tests, give verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from syscraft.cli.console import Console, colour, table
from syscraft.cli.kernel_options import Seconds, kernel_options, names, unsafe_option
from syscraft.cli.path_type import PATH
from syscraft.defaults import DEFAULT_GUEST, DEFAULT_KERNEL, DEFAULT_LINUX
from syscraft.errors import ExitStatus

if TYPE_CHECKING:
    from syscraft.lab.cells import Cell, Matrix


@click.command(name="test")
@click.argument("declarations", metavar="DECL...", nargs=-1, required=True)
@click.option("--on", "guests", metavar="GUEST,...", default=DEFAULT_GUEST, show_default=True,
              help="Guests to boot, or 'all'; see syscraft list --guests.")  # fmt: skip
@click.option("--linux", metavar="TREE,...", default=DEFAULT_LINUX, show_default=True,
              help="The kernel trees: deb:VERSION or a path.")  # fmt: skip
@click.option("--kernel", "kernels", metavar="FLAVOUR,...", default=DEFAULT_KERNEL,
              show_default=True,
              help="Kernel flavours, such as debug, kasan or debug+kasan.")  # fmt: skip
@kernel_options
@click.option("--timeout", metavar="SECONDS", type=Seconds(), default=60.0,
              show_default=True, help="How long one test program may take.")  # fmt: skip
@unsafe_option
@click.option("--again", is_flag=True, help="Ignore cached verdicts.")
@click.option("--json", "as_json", is_flag=True, help="Print verdicts as JSON.")
@click.option(
    "--junit", type=PATH, metavar="FILE", help="Write verdicts as JUnit XML, for CI systems."
)
@click.pass_obj
def command(
    console: Console,
    declarations: tuple[str, ...],
    guests: str,
    linux: str,
    kernels: str,
    kconfig: tuple[str, ...],
    kconfig_files: tuple[str, ...],
    timeout: float,
    unsafe: bool,
    again: bool,
    as_json: bool,
    junit: str | None,
) -> int:
    """Build a kernel that has all the calls, boot it, and run the calls' tests there.

    One kernel is built per guest, tree and flavour. Tests in C are compiled for every ABI that
    the guest runs, at each of their optimization levels.
    """
    import syscraft.api
    from syscraft.files import check_target

    if junit:
        check_target(Path(junit))
    matrix = syscraft.api.test_on(
        declarations,
        names(guests, "--on"),
        names(linux, "--linux"),
        names(kernels, "--kernel"),
        kconfig=kconfig,
        kconfig_files=kconfig_files,
        deadline_s=timeout,
        again=again,
        unsafe=unsafe,
        progress=console.progress,
    )
    _show(console, matrix, as_json=as_json)
    if junit:
        from syscraft.files import write_atomic
        from syscraft.lab.report import junit as junit_text

        write_atomic(Path(junit), junit_text(matrix).encode())
    return matrix_status(matrix)


def _show(console: Console, matrix: Matrix, *, as_json: bool) -> None:
    from syscraft.lab.report import guest_rows, plain, problems, rows, summary

    for warning in dict.fromkeys(text for guest in matrix.guests for text in guest.warnings):
        console.error(warning)
    for detail, cells in problems(matrix):
        for cell in cells:
            console.error(_headline(cell))
        console.error("\n".join(f"    {line}" for line in detail.splitlines()))
        for repeat in dict.fromkeys(cell.repeat for cell in cells):
            console.error(f"    repeat it: {repeat}")
    if as_json:
        console.json(plain(matrix))
        return
    many = len(matrix.guests) > 1
    listed = rows(matrix.cells) if many else [row[3:] for row in rows(matrix.cells)]
    for line in table(listed).splitlines():
        head, _, verdict = line.rpartition("  ")
        console.say(f"{head}  {colour(verdict)}")
    console.say()
    console.say(table(guest_rows(matrix.guests)))
    console.say()
    console.say(summary(matrix))


def _headline(cell: Cell) -> str:
    place = " ".join((*cell.job, cell.abi))
    return f"{cell.verdict.name} {cell.call}: {cell.shown_test} on {place}"


def matrix_status(matrix: Matrix) -> ExitStatus:
    """3 if the environment failed, else 1 if a test did, else 0.

    No test at all is a finding: nothing was shown.
    """
    from syscraft.lab.verdict import Verdict

    if any(cell.verdict is Verdict.INFRA for cell in matrix.cells):
        return ExitStatus.ENVIRONMENT
    if not matrix.cells or not all(cell.good for cell in matrix.cells):
        return ExitStatus.FINDINGS
    return ExitStatus.OK
