"""Recognises the calls of a declaration in a tree that took their series by ``git am``.

Nobody has written down what came with them, so it is worked out: the series is made anew for the
tree as it may have been before, and what it adds there is looked for in the tree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from syscraft.emit.kernel.source import kernel_source
from syscraft.errors import DeclarationError, TreeError
from syscraft.lines import whole_lines
from syscraft.model.call import Unit
from syscraft.tree.adding import KernelChange, added
from syscraft.tree.author_patches import patch_key, take_back_patches
from syscraft.tree.number_headers import without_entries
from syscraft.tree.pieces import all_pieces
from syscraft.tree.placing import folders_of
from syscraft.tree.record import Record, all_records, as_text, record_of
from syscraft.tree.source import KernelTree
from syscraft.tree.tables import read_tables
from syscraft.tree.taking_out import TakenOut, seen_without, take_out

_MAINTAINERS = "MAINTAINERS"
_OF_SYSCALLS_H = re.compile(r"SYSCALL_DEFINE|\bk?sys_\w+\(")


def recognise(unit: Unit, tree: KernelTree, numbers: Mapping[str, int]) -> TakenOut | None:
    """Work out what a tree is without the calls that it has, by *numbers*.

    New files may be of an older declaration, and may be missing.

    Returns: None if that cannot be told.
    """
    if not is_from_declaration(unit, tree):
        return None
    try:
        guess = _guessed(unit, tree)
        rough = _record(tree, guess, added(unit, guess, numbers))
        clean = seen_without(tree, take_out(tree, rough))
        clean = _without_patches(unit, clean)
        clean = _without_declarations(clean, added(unit, clean, numbers))
        taken = take_out(tree, _record(tree, clean, added(unit, clean, numbers)))
    except (TreeError, DeclarationError):
        return None
    if not read_tables(seen_without(tree, taken)).names.isdisjoint(unit.shared.call_names):
        return None
    return taken


def is_from_declaration(unit: Unit, tree: KernelTree) -> bool:
    """Whether the source in *tree* was generated, maybe of an older declaration, or is gone."""
    head = "".join(whole_lines(kernel_source(unit).text)[:2])
    found = tree.read(unit.shared.kernel_path)
    if found is None:
        return any(tree.mode(path) is not None for path in _new_files(unit))
    names = ", ".join(f"{name}()" for name in unit.shared.call_names)
    title = " ".join(found.removeprefix(head).replace("\n *", "").split())
    defined = all(f"do_{name}(" in found for name in unit.shared.call_names)
    return found.startswith(head) and title.startswith(f"* {names} - ") and defined


def files_not_as_declared(
    unit: Unit, tree: KernelTree, taken: TakenOut, numbers: Mapping[str, int]
) -> set[str]:
    """The new files of a change that are there, but not as the declaration makes them."""
    change = added(unit, seen_without(tree, taken), numbers)
    return {
        path
        for path in taken.record.created
        if tree.mode(path) is not None and tree.raw(path) != change.files.get(path)
    }


def _new_files(unit: Unit) -> set[str]:
    return {path for piece in all_pieces() for path in piece.new_files(unit)}


def _guessed(unit: Unit, tree: KernelTree) -> KernelTree:
    """The tree without those parts of the calls that would be in the way of adding them again."""
    names = unit.shared.call_names
    files: dict[str, bytes | None] = dict.fromkeys(_new_files(unit))
    for table in read_tables(tree).tables:
        rows = {row.index for row in table.rows if row.name in names}
        if rows:
            lines = whole_lines(tree.read(table.path) or "")
            left = "".join(line for i, line in enumerate(lines) if i not in rows)
            files[table.path] = left.encode("utf-8", "surrogateescape")
    files |= without_entries(tree, names)
    title = f"{unit.name.upper()} SYSTEM CALL{'S' if len(unit.calls) > 1 else ''}"
    entry = re.compile(rf"^{re.escape(title)}\n(?:.+\n)*\n?", re.MULTILINE)
    if (text := tree.read(_MAINTAINERS)) is not None:
        files[_MAINTAINERS] = entry.sub("", text).encode("utf-8", "surrogateescape")
    return tree.with_files(files)


def _record(tree: KernelTree, clean: KernelTree, change: KernelChange) -> Record:
    """What *change* does to *clean*, with the new files as *tree* has them."""
    record = record_of(clean, change)
    created = {path: tree.raw(path) for path in record.created}
    return replace(
        record,
        busy=False,
        created={p: as_text(data) for p, data in created.items() if data is not None},
        folders=tuple(sorted(folders_of(record.created), key=len)),
    )


def _without_patches(unit: Unit, tree: KernelTree) -> KernelTree:
    """Take the author's patches out, unless another call is known to need one of them."""
    needed = {key for record in all_records(tree) for key in record.patches}
    ours = [patch for patch in unit.shared.patches if patch_key(patch) not in needed]
    return take_back_patches(ours, tree).seen_in(tree)


def _without_declarations(tree: KernelTree, change: KernelChange) -> KernelTree:
    """Take shared lines out, of structs or headers, that nothing in their file is left to need."""
    files: dict[str, bytes | None] = {}
    for path, lines in change.shared_lines.items():
        text = tree.read(path) or ""
        for line in lines:
            if text.count(line) == 1 and not _needs(text.replace(line, ""), line):
                text = text.replace(line, "")
        files[path] = text.encode("utf-8", "surrogateescape")
    return tree.with_files(files)


def _needs(text: str, line: str) -> bool:
    """Whether a file has a use for a declaration, or for the header of system calls."""
    if line.startswith("#include"):
        return bool(_OF_SYSCALLS_H.search(text))
    return bool(re.search(rf"\b{re.escape(line.strip().rstrip(';'))}\b", text))
