"""syscraft generate: headers, a Python module and tests."""

from __future__ import annotations

from pathlib import Path

import click

from syscraft.cli.abi_option import abi_option
from syscraft.cli.console import Console
from syscraft.cli.path_type import PATH


@click.command(name="generate")
@click.argument("declaration", metavar="DECL")
@click.option("-o", "--output", type=PATH, metavar="DIR",
              help="Output folder; default: generated/ in DECL's folder.")  # fmt: skip
@click.option("--force", is_flag=True, help="Replace files that syscraft did not make.")
@click.option("--only", metavar="NAME", multiple=True, help="Only this emitter; repeatable.")
@abi_option("abis")
@click.option("--linux", metavar="TREE", help="Choose the number for this kernel tree.")
@click.pass_obj
def command(
    console: Console,
    declaration: str,
    output: str | None,
    force: bool,
    only: tuple[str, ...],
    abis: tuple[str, ...],
    linux: str | None,
) -> int:
    """Generate the user-space side of a call: headers, a Python module, tests."""
    import syscraft.api
    from syscraft.output import check_folder, write_out

    loaded = syscraft.api.load(declaration)
    folder = Path(output) if output else Path(declaration_folder(declaration)) / "generated"
    check_folder(folder)
    files = loaded.generate(linux, only=only, abis=abis, progress=console.progress)
    encoded = {name: text.encode() for name, text in files.items()}
    for file in write_out(folder, encoded, force=force):
        console.say(f"{file.path}{'' if file.changed else '  (unchanged)'}")
    return 0


def declaration_folder(declaration: str) -> Path:
    """The folder of a declaration, as the user named it."""
    path = Path(declaration)
    return path if path.is_dir() else path.parent
