"""syscraft patch: the kernel's side as a series for git am."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from syscraft.cli.console import Console
from syscraft.cli.path_type import PATH
from syscraft.defaults import DEFAULT_LINUX

if TYPE_CHECKING:
    from syscraft.tree.adding import KernelChange

# What git am, or somebody who sends the series, would take for a part of it.
_MAIL = re.compile(r"\d{4}-.*\.patch|0000-cover-letter.*\.txt")


@click.command(name="patch")
@click.argument("declarations", metavar="DECL...", nargs=-1, required=True)
@click.option("--linux", metavar="TREE", default=DEFAULT_LINUX, show_default=True,
              help="Kernel tree: deb:VERSION or a path; read-only without --apply.")  # fmt: skip
@click.option("-o", "--output", type=PATH, metavar="DIR",
              help="Write the series to this folder instead of printing it.")  # fmt: skip
@click.option("--force", is_flag=True,
              help="With -o: replace files that syscraft did not make.")  # fmt: skip
@click.option("--apply", "do_apply", is_flag=True,
              help="Edit the tree itself; again to update it.")  # fmt: skip
@click.option("--revert", "do_revert", is_flag=True, help="Remove the call from the tree.")
@click.pass_obj
def command(
    console: Console,
    declarations: tuple[str, ...],
    linux: str,
    output: str | None,
    force: bool,
    do_apply: bool,
    do_revert: bool,
) -> int:
    """Write the patch series that adds calls to a kernel tree, or edit the tree.

    Several declarations make one series, numbered through, to be applied in the order given.
    """
    import syscraft.api
    from syscraft.errors import UsageError
    from syscraft.output import check_folder

    if do_apply + do_revert + (output is not None) > 1:
        raise UsageError.of("--apply, --revert and --output are mutually exclusive")
    if do_apply or do_revert:
        loaded = [syscraft.api.load(path) for path in declarations]
        if do_apply and len(loaded) > 1:
            syscraft.api.check_together(loaded, linux)
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
    if output is not None:
        check_folder(Path(output))
    changes = syscraft.api.patch_together(declarations, linux, progress=console.progress)
    if output is not None:
        _write(console, dict(zip(declarations, changes, strict=True)), Path(output), force=force)
    for change in changes:
        for _, text in change.series if output is None else ():
            console.say(text.rstrip("\n"))
        if not change.series:
            numbers = ", ".join(f"{name}() as {n}" for name, n in change.numbers.items())
            console.note(f"{linux} has the call already: {numbers}")
            if different := sorted({*change.files, *change.removed}):
                console.note(
                    f"not as declared: {', '.join(different)}; --apply brings it up to date"
                )
    return 0


def _write(
    console: Console, changes: Mapping[str, KernelChange], folder: Path, *, force: bool
) -> None:
    """Write the series, and what goes with it, into *folder*.

    Args:
        changes: the declaration, as the user named it -> what adds it.
    """
    from syscraft.output import write_out

    files = {}
    for declaration, change in changes.items():
        for name, text in (*change.series, *change.extras):
            if len(changes) > 1 and name.startswith("0000-"):
                name = f"{name.removesuffix('.txt')}-{Path(declaration).stem}.txt"
            files[name] = text.encode("utf-8", "surrogateescape")
    for file in write_out(folder, files, force=force, old=lambda name: bool(_MAIL.fullmatch(name))):
        console.say(str(file.path))
