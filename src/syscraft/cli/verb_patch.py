"""syscraft patch: the kernel's side as a series for git am."""

from __future__ import annotations

from pathlib import Path

import click

from syscraft.cli.console import Console


@click.command(name="patch")
@click.argument("declaration", metavar="DECL")
@click.option("--linux", metavar="TREE", default="deb:6.12", show_default=True,
              help="The kernel tree: deb:VERSION or a path. It is only read.")  # fmt: skip
@click.option("-o", "--output", metavar="DIR",
              help="Write the series here; without it, print it.")  # fmt: skip
@click.pass_obj
def command(console: Console, declaration: str, linux: str, output: str | None) -> int:
    """Write the patch series that adds a call to a kernel tree."""
    import syscraft.api
    from syscraft.files import write_if_changed

    change = syscraft.api.load(declaration).patch(linux, progress=console.progress)
    for name, text in change.series:
        if output is None:
            console.say(text.rstrip("\n"))
            continue
        path = Path(output) / name
        write_if_changed(path, text.encode("utf-8", "surrogateescape"))
        console.say(str(path))
    return 0
