"""Changes in a tree of the user's own: put in, recognised, and taken out byte for byte.

A record in the folder ``.syscraft`` of the tree says which lines are ours. It is written before
the first file is touched, so that whoever comes after a kill knows what may be half done. Lines
that somebody else adds to the same files stay. What the tree itself says counts more than a
record, for git knows nothing of records when it brings files back or switches branches.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from enum import Enum

from syscraft.errors import TreeError
from syscraft.files import FileLock, cache_root, digest, remove_file, write_atomic
from syscraft.model.call import NumberPolicy, Unit
from syscraft.tree.adding import KernelChange
from syscraft.tree.placing import (
    check_places,
    folders_of,
    remove_empty_folders,
    remove_leftovers,
    write_files,
)
from syscraft.tree.record import FOLDER, Record, read_record, record_of, record_path
from syscraft.tree.source import KernelTree
from syscraft.tree.standing import (
    Standing,
    files_not_as_declared,
    has_rows,
    presence_of,
    recognised,
)
from syscraft.tree.tables import read_tables, taken_numbers
from syscraft.tree.taking_out import TakenOut, differing, take_out
from syscraft.tree.wire import wired


class Done(Enum):
    """The result of apply or revert."""

    APPLIED = "applied"
    UPDATED = "updated"
    ALREADY = "already applied"
    REVERTED = "reverted"
    NOTHING = "not applied"


def apply(unit: Unit, tree: KernelTree) -> tuple[Done, tuple[str, ...]]:
    """Put the calls of *unit* into a tree, or bring them up to date.

    They keep their numbers while they are there.

    Returns: what was done, and the files that were written. A tree that has the calls by
    ``git am`` is brought up to date as well; work by hand stays as it is.

    Raises:
        TreeError: an anchor is missing, or our lines were changed by somebody.
        EnvironmentLacks: the tree cannot be written.
    """
    with _locked(tree):
        remove_leftovers(tree)
        record = read_record(tree, unit.name)
        if record and record.busy:
            _take_out(tree, take_out(tree, record))
            change = wired(unit, tree, numbers=_free(unit, record, tree))
            return Done.APPLIED, _put_in(tree, change)
        presence = presence_of(unit, tree)
        taken = presence.taken
        if presence.standing is Standing.EDITED and record:
            take_out(tree, record)  # says what was edited
        if taken is None or presence.standing is Standing.ABSENT:
            change = wired(unit, presence.clean if taken else tree)
            if not change.files and not change.removed:
                return Done.ALREADY, ()
            if taken:
                _take_out(tree, taken)
            return Done.APPLIED, _put_in(tree, change)
        change = wired(unit, presence.clean, numbers=_kept(unit, taken.record))
        left = differing(tree, taken, change)
        if not left.files and not left.removed:
            if record and presence.standing is Standing.BY_HAND:  # the record is of another time
                _write(tree, replace(record_of(presence.clean, change), busy=False))
            return Done.ALREADY, ()
        _take_out(tree, taken)
        return Done.UPDATED, _put_in(tree, change)


def _kept(unit: Unit, record: Record) -> dict[str, int]:
    """The numbers that calls keep: those in the record, unless the declaration pins them."""
    pinned = {call.number.fixed for call in unit.calls}
    return {
        call.name: record.numbers[call.name]
        for call in unit.calls
        if call.number.policy is not NumberPolicy.FIXED
        and record.numbers.get(call.name) not in (None, *pinned)
    }


def _free(unit: Unit, record: Record, tree: KernelTree) -> dict[str, int]:
    """Those of the numbers in a record that nobody has in *tree*."""
    taken = taken_numbers(read_tables(tree), tree)
    return {name: number for name, number in _kept(unit, record).items() if number not in taken}


def revert(unit: Unit, tree: KernelTree) -> tuple[Done, tuple[str, ...]]:
    """Take a declaration's change out of a tree, however it came there.

    Returns: what was done, and the files that were written or removed.

    Raises:
        TreeError: our lines were changed by somebody, or the calls were added by hand; nothing
            was written.
    """
    with _locked(tree):
        remove_leftovers(tree)
        record = read_record(tree, unit.name)
        paths: set[str] = set()
        if record:
            try:
                taken = take_out(tree, record)
            except TreeError:
                found = recognised(unit, tree)
                if not found or files_not_as_declared(unit, tree, found):
                    raise
                taken = found
            paths |= _take_out(tree, taken)
        elif not has_rows(unit.shared.call_names, tree):
            return Done.NOTHING, ()
        if has_rows(unit.shared.call_names, tree):
            paths |= _take_out(tree, _without_record(unit, tree))
        return Done.REVERTED, tuple(sorted(paths))


def _without_record(unit: Unit, tree: KernelTree) -> TakenOut:
    """What *tree* took by ``git am``.

    Raises:
        TreeError: it is not what the declaration makes.
    """
    taken = presence_of(unit, tree).taken
    different = sorted(files_not_as_declared(unit, tree, taken)) if taken else []
    if taken and not different:
        return taken
    raise TreeError.of(
        f"{unit.name} is in this tree without a record, and not as its declaration makes it",
        tree.where(different[0] if different else unit.shared.kernel_path),
        expected="what git am makes of this declaration's series",
        found="different text",
        hint="take it out as it came, with git revert or by hand; nothing was written",
    )


def _locked(tree: KernelTree) -> FileLock:
    """One at a time; the lock is not in the tree, which shall be as it was in the end."""
    return FileLock(cache_root() / "applied" / f"{digest(str(tree.root.resolve()))}.lock")


def _put_in(tree: KernelTree, change: KernelChange) -> tuple[str, ...]:
    record = record_of(tree, change)
    check_places(tree, record.paths)
    _write(tree, record)
    write_files(tree, {**change.files, **dict.fromkeys(change.removed)}, change.modes)
    remove_empty_folders(tree, folders_of(change.removed))
    _write(tree, replace(record, busy=False))
    return tuple(sorted({*change.files, *change.removed}))


def _take_out(tree: KernelTree, taken: TakenOut) -> set[str]:
    """Remove our lines and files; everything has been worked out before anything is written."""
    check_places(tree, taken.whole.paths, ours=taken.whole.created)
    _write(tree, replace(taken.whole, busy=True))
    for other in taken.others:
        _write(tree, other)
    changed = {
        path: data
        for path, data in taken.files.items()
        if data != tree.raw(path) or path in taken.modes
    }
    write_files(tree, changed, taken.modes)
    remove_empty_folders(tree, taken.whole.folders)
    remove_file(tree.root / record_path(taken.whole.name))
    remove_leftovers(tree)
    return set(changed)


def _write(tree: KernelTree, record: Record) -> None:
    # git shall not see the folder at all.
    write_atomic(tree.root / FOLDER / ".gitignore", b"*\n")
    text = json.dumps(asdict(record), indent=1)
    write_atomic(tree.root / record_path(record.name), text.encode())
