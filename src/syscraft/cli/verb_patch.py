"""syscraft patch: the kernel's side as a series for git am."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from syscraft.cli.console import Console
from syscraft.defaults import DEFAULT_LINUX

if TYPE_CHECKING:
    from syscraft.tree.wire import KernelChange


@click.command(name="patch")
@click.argument("declarations", metavar="DECL...", nargs=-1, required=True)
@click.option("--linux", metavar="TREE", default=DEFAULT_LINUX, show_default=True,
              help="Kernel tree: deb:VERSION or a path; read-only without --apply.")  # fmt: skip
@click.option("-o", "--output", metavar="DIR",
              help="Write the series to this folder instead of printing it.")  # fmt: skip
@click.option("--apply", "do_apply", is_flag=True,
              help="Edit the tree itself; again to update it.")  # fmt: skip
@click.option("--revert", "do_revert", is_flag=True, help="Remove the call from the tree.")
@click.pass_obj
def command(
    console: Console,
    declarations: tuple[str, ...],
    linux: str,
    output: str | None,
    do_apply: bool,
    do_revert: bool,
) -> int:
    """Write the patch series that adds calls to a kernel tree, or edit the tree.

    Several declarations make one series, numbered through, to be applied in the order given.
    """
    import syscraft.api
    from syscraft.errors import UsageError

    if do_apply + do_revert + (output is not None) > 1:
        raise UsageError.of("--apply, --revert and --output are mutually exclusive")
    if do_apply or do_revert:
        loaded = [syscraft.api.load(path) for path in declarations]
        for declaration in loaded if do_apply else reversed(loaded):
            done, paths = (
                declaration.apply(linux, progress=console.progress)
                if do_apply
                else declaration.revert(linux)
            )
            for name in paths:
                console.say(name)
            console.note(f"{declaration.unit.name}: {done.value}")
        return 0
    changes = syscraft.api.patch_together(declarations, linux, progress=console.progress)
    for path, change in zip(declarations, changes, strict=True):
        _show(console, change, output, path if len(changes) > 1 else "")
        if not change.series:
            numbers = ", ".join(f"{name}() as {n}" for name, n in change.numbers.items())
            console.note(f"{linux} has the call already: {numbers}")
    return 0


def _show(console: Console, change: KernelChange, output: str | None, of: str) -> None:
    """Print a series, or write it and what goes with it.

    Args:
        of: the declaration that it is of, where there are several.
    """
    from syscraft.files import write_if_changed

    for name, text in (*change.series, *(change.extras if output else ())):
        if output is None:
            console.say(text.rstrip("\n"))
            continue
        if of and name.startswith("0000-"):
            name = f"{name.removesuffix('.txt')}-{Path(of).stem}.txt"
        path = Path(output) / name
        write_if_changed(path, text.encode("utf-8", "surrogateescape"))
        console.say(str(path))
