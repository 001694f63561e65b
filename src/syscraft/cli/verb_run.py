"""syscraft run: any command of this machine, on the new kernel."""

from __future__ import annotations

import sys

import click

from syscraft.cli.console import Console
from syscraft.cli.kernel_options import (
    COMMAND,
    Seconds,
    WithCommand,
    kernel_options,
    unsafe_option,
)
from syscraft.defaults import DEFAULT_GUEST, DEFAULT_KERNEL, DEFAULT_LINUX


@click.command(name="run", cls=WithCommand)
@click.option("--on", "guest", metavar="GUEST", default=DEFAULT_GUEST, show_default=True,
              help="The guest to boot; see syscraft list --guests.")  # fmt: skip
@click.option("--linux", metavar="TREE", default=DEFAULT_LINUX, show_default=True,
              help="The kernel tree: deb:VERSION or a path.")  # fmt: skip
@click.option("--kernel", metavar="FLAVOUR", default=DEFAULT_KERNEL, show_default=True,
              help="Kernel flavour, such as debug, kasan or debug+kasan.")  # fmt: skip
@kernel_options
@click.option("--timeout", metavar="SECONDS", type=Seconds(),
              help="Kill the guest after this long.")  # fmt: skip
@click.option("--rw", metavar="FOLDER", multiple=True,
              help="Let COMMAND change the files in FOLDER; repeatable.")  # fmt: skip
@unsafe_option
@click.argument("declarations", metavar="DECL...", nargs=-1, required=True)
@click.pass_context
def command(
    context: click.Context,
    declarations: tuple[str, ...],
    guest: str,
    linux: str,
    kernel: str,
    kconfig: tuple[str, ...],
    kconfig_files: tuple[str, ...],
    timeout: float | None,
    rw: tuple[str, ...],
    unsafe: bool,
) -> int:
    """Boot a kernel that has the calls and run COMMAND there, as root.

    A guest of this machine's own architecture sees this machine's files; what it writes stays in
    memory, except in the folders given with --rw. For any other guest, COMMAND is the path of a
    static program built for it. Standard input, output, error and the exit status are COMMAND's;
    generated headers and Python modules are on its search paths.
    """
    import syscraft.api

    console: Console = context.obj
    argv: tuple[str, ...] = context.meta[COMMAND]
    if not argv:
        raise click.UsageError("Missing argument '-- COMMAND...'.")
    return syscraft.api.run_in(
        declarations, argv, guest, linux, kernel,
        kconfig=kconfig, kconfig_files=kconfig_files,
        terminal=sys.stdin.isatty() and sys.stdout.isatty(),
        deadline_s=timeout, rw=rw, unsafe=unsafe,
        progress=console.progress, ready_to_run=console.done,
    )  # fmt: skip
