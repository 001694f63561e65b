"""syscraft generate: headers, a Python module and tests."""

from __future__ import annotations

from pathlib import Path

import click

from syscraft.cli.abi_option import abi_option
from syscraft.cli.console import Console


@click.command(name="generate")
@click.argument("declaration", metavar="DECL")
@click.option(
    "-o", "--output", metavar="DIR", help="Output folder; default: generated/ in DECL's folder."
)
@click.option("--only", metavar="NAME", multiple=True, help="Only this emitter; repeatable.")
@abi_option("abis")
@click.option("--linux", metavar="TREE", help="Choose the number for this kernel tree.")
@click.pass_obj
def command(
    console: Console,
    declaration: str,
    output: str | None,
    only: tuple[str, ...],
    abis: tuple[str, ...],
    linux: str | None,
) -> int:
    """Generate the user-space side of a call: headers, a Python module, tests."""
    import syscraft.api
    from syscraft.files import write_if_changed

    loaded = syscraft.api.load(declaration)
    folder = Path(output) if output else Path(declaration_folder(declaration)) / "generated"
    files = loaded.generate(linux, only=only, abis=abis, progress=console.progress)
    for name, text in files.items():
        changed = write_if_changed(folder / name, text.encode())
        console.say(f"{folder / name}{'' if changed else '  (unchanged)'}")
    return 0


def declaration_folder(declaration: str) -> Path:
    """The folder of a declaration, as the user named it."""
    path = Path(declaration)
    return path if path.is_dir() else path.parent
