"""syscraft import: a declaration from SYSCALL_DEFINE code written by hand."""

from __future__ import annotations

from pathlib import Path

import click

from syscraft.cli.console import Console
from syscraft.cli.path_type import PATH
from syscraft.errors import ExitStatus


@click.command(name="import")
@click.argument("file", metavar="FILE.c")
@click.option("--call", metavar="NAME", help="Only this call, if the file defines several.")
@click.option(
    "-C", "--directory", type=PATH, metavar="DIR", default=".", help="Where to create the folder."
)
@click.pass_obj
def command(console: Console, file: str, call: str | None, directory: str) -> int:
    """Create a declaration from a C file with SYSCALL_DEFINE.

    The functions become the body, with all else of the file; several calls become one declaration
    that shares it. With --call, one function and those that it uses. What the declaration
    still lacks is reported; the exit status is then 1.
    """
    from syscraft.scaffold.from_source import import_call

    made = import_call(Path(file), call, Path(directory))
    for path in made.files:
        console.say(str(path))
    for note in made.notes:
        console.note(note)
    for finding in made.findings:
        console.error(str(finding))
    folder = made.files[0].parent
    console.note(f"next: syscraft {'check' if made.findings else 'test'} {folder}")
    return ExitStatus.FINDINGS if made.findings else ExitStatus.OK
