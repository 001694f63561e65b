"""Entry code of architectures for calls that return in a child too.

What an architecture needs is described in its ABI's place; here it is found in the tree at hand,
by its form, and imitated for the new call.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from syscraft.abi.abi import GENERIC_TABLE, Abi
from syscraft.abi.discover import all_abis
from syscraft.abi.fork_entry import ForkEntry, Imitation
from syscraft.emit.kernel.fork_entry import addition_text
from syscraft.errors import TreeError
from syscraft.model.call import Call
from syscraft.tree.edit import Editor
from syscraft.tree.source import KernelTree


def fork_rows(name: str) -> dict[str, str]:
    """Path of a table -> the entry that its row has for the fork-like call *name*."""
    return {
        table.path: abi.fork_entry.row.format(name=name)
        for abi in all_abis()
        if abi.fork_entry and abi.table != GENERIC_TABLE
        for table in (abi.table, *abi.compat_tables)
    }


def add_fork_entries(call: Call, tree: KernelTree, editor: Editor) -> tuple[str, ...]:
    """Add the entry code of every architecture that the tree has.

    Returns: the files that were edited.

    Raises:
        TreeError: the tree has the architecture but nothing to imitate.
    """
    edited: list[str] = []
    for abi, entry in _entries():
        folder = _folder(entry)
        if not tree.has_folder(folder):
            continue  # a tree without this architecture has no table for it either
        for imitation in entry.imitations:
            edited += _imitate(imitation, call.name, tree, editor)
        for addition in entry.additions:
            lines = editor.lines(addition.path)
            if addition.unless and (there := _find(lines, addition.unless, None)):
                editor.share(addition.path, lines[there[0]])
                continue
            place = _find(lines, addition.first, addition.last)
            if place is None:
                raise _nothing_to_imitate(tree, addition.path, addition.first)
            text = addition_text(abi, entry, addition, call)
            editor.insert(addition.path, place[1] + 1, text)
            if addition.unless:
                editor.share(addition.path, text)
            edited.append(addition.path)
    return tuple(dict.fromkeys(edited))


def _entries() -> Iterator[tuple[Abi, ForkEntry]]:
    """Each architecture's entry code once, with the ABI in whose place its templates are."""
    seen: list[ForkEntry] = []
    for abi in all_abis():
        entry = abi.fork_entry
        if entry and entry not in seen and _has_templates(abi, entry):
            seen.append(entry)
            yield abi, entry


def _has_templates(abi: Abi, entry: ForkEntry) -> bool:
    return all(abi.template(addition.template) is not None for addition in entry.additions)


def _folder(entry: ForkEntry) -> str:
    """``arch/NAME``, of the first file that the entry code is in."""
    path = entry.imitations[0].paths[0] if entry.imitations else entry.additions[0].path
    return "/".join(path.split("/")[:2])


def _imitate(imitation: Imitation, name: str, tree: KernelTree, editor: Editor) -> list[str]:
    for path in imitation.paths:
        if tree.read(path) is None:
            continue
        lines = editor.lines(path)
        place = _find(lines, imitation.first, imitation.last)
        if place is None:
            continue
        first, last = place
        block = "".join(lines[first : last + 1])
        text = re.sub(rf"(?<![a-z])(?:{imitation.words})(?![a-z0-9])", name, block)
        editor.insert(path, last + 1, text if first == last else f"\n{text}")
        return [path]
    if imitation.optional:
        return []
    raise _nothing_to_imitate(tree, imitation.paths[0], imitation.first)


def _find(lines: tuple[str, ...], first: str, last: str | None) -> tuple[int, int] | None:
    """The last place from a line that matches *first* to the next that matches *last*."""
    begins = [i for i, line in enumerate(lines) if re.fullmatch(first, line.rstrip("\n"))]
    if not begins:
        return None
    if last is None:
        return begins[-1], begins[-1]
    for index in range(begins[-1], len(lines)):
        if re.fullmatch(last, lines[index].rstrip("\n")):
            return begins[-1], index
    return None


def _nothing_to_imitate(tree: KernelTree, path: str, pattern: str) -> TreeError:
    return TreeError.of(
        "the entry code of a fork-like call is not where it should be",
        tree.where(path),
        expected=f"a line like {pattern}",
        found="nothing like it",
        hint="this kernel tree is laid out in a way that syscraft does not know",
    )
