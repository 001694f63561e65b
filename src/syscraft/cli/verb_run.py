"""syscraft run: any command of this machine, on the new kernel."""

from __future__ import annotations

import sys

import click

from syscraft.cli.console import Console
from syscraft.cli.verb_test import check_guest


@click.command(name="run")
@click.option("--on", "guest", metavar="GUEST", default="uml", show_default=True,
              help="The guest to boot.")  # fmt: skip
@click.option("--linux", metavar="TREE", default="deb:6.12", show_default=True,
              help="The kernel tree: deb:VERSION or a path.")  # fmt: skip
@click.option("--timeout", metavar="SECONDS", type=click.FloatRange(min=0.1),
              help="Kill the guest after this time.")  # fmt: skip
@click.argument("declaration", metavar="DECL")
@click.argument("argv", metavar="-- COMMAND...", nargs=-1, type=click.UNPROCESSED, required=True)
@click.pass_obj
def command(
    console: Console,
    declaration: str,
    argv: tuple[str, ...],
    guest: str,
    linux: str,
    timeout: float | None,
) -> int:
    """Boot a kernel that has the call and run COMMAND there, as root.

    The guest sees this machine's files; what it writes stays in its memory. Standard
    input, output, error and the exit status are COMMAND's; generated headers and the
    Python module are on its PYTHONPATH.
    """
    import syscraft.api

    check_guest(guest)
    if argv and argv[0] == "--":
        argv = argv[1:]
    if not argv:
        raise click.UsageError("Missing argument '-- COMMAND...'.")
    loaded = syscraft.api.load(declaration)
    kernel = loaded.build(linux, progress=console.progress)
    console.done()
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    return loaded.run(kernel, argv, linux=linux, terminal=terminal, deadline_s=timeout)
