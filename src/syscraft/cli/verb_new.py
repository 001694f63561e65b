"""syscraft new: a folder to start from."""

from __future__ import annotations

from pathlib import Path

import click

from syscraft.cli.console import Console
from syscraft.cli.path_type import PATH


@click.command(name="new")
@click.argument("name", metavar="NAME")
@click.option(
    "--like", metavar="CALL", help="The call to start from: clone, clone3, fork or vfork."
)
@click.option(
    "-C", "--directory", type=PATH, metavar="DIR", default=".", help="Where to create the folder."
)
@click.pass_obj
def command(console: Console, name: str, like: str | None, directory: str) -> int:
    """Create the folder NAME with a working declaration, body and test."""
    from syscraft.scaffold import scaffold

    for path in scaffold(name, like, Path(directory)):
        console.say(str(path))
    console.note(f"next: syscraft test {Path(directory) / name}")
    return 0
