"""syscraft patch: the kernel's side as a series for git am."""

from __future__ import annotations

from pathlib import Path

import click

from syscraft.cli.console import Console


@click.command(name="patch")
@click.argument("declaration", metavar="DECL")
@click.option("--linux", metavar="TREE", default="deb:6.12", show_default=True,
              help="Kernel tree: deb:VERSION or a path; read-only without --apply.")  # fmt: skip
@click.option("-o", "--output", metavar="DIR",
              help="Write the series to this folder instead of printing it.")  # fmt: skip
@click.option("--apply", "do_apply", is_flag=True,
              help="Edit the tree itself; again to update it.")  # fmt: skip
@click.option("--revert", "do_revert", is_flag=True, help="Remove the call from the tree.")
@click.pass_obj
def command(
    console: Console,
    declaration: str,
    linux: str,
    output: str | None,
    do_apply: bool,
    do_revert: bool,
) -> int:
    """Write the patch series that adds a call to a kernel tree, or edit the tree."""
    import syscraft.api
    from syscraft.errors import UsageError
    from syscraft.files import write_if_changed

    if do_apply + do_revert + (output is not None) > 1:
        raise UsageError.of("--apply, --revert and --output are mutually exclusive")
    if do_apply or do_revert:
        loaded = syscraft.api.load(declaration)
        done, paths = (
            loaded.apply(linux, progress=console.progress) if do_apply else loaded.revert(linux)
        )
        for name in paths:
            console.say(name)
        console.note(f"{loaded.call.name}: {done.value}")
        return 0
    change = syscraft.api.load(declaration).patch(linux, progress=console.progress)
    for name, text in (*change.series, *(change.extras if output else ())):
        if output is None:
            console.say(text.rstrip("\n"))
            continue
        path = Path(output) / name
        write_if_changed(path, text.encode("utf-8", "surrogateescape"))
        console.say(str(path))
    return 0
