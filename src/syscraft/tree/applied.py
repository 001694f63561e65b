"""Changes in a tree of the user's own: put in, recognised, and taken out byte for byte.

A record in the folder ``.syscraft`` of the tree says which lines are ours. It is written before
the first file is touched, so that whoever comes after a kill knows what may be half done. Lines
that somebody else adds to the same files stay.
"""

from __future__ import annotations

import json
import stat
from dataclasses import asdict, replace
from enum import Enum

from syscraft.files import (
    FileLock,
    cache_root,
    digest,
    disk_errors,
    remove_file,
    remove_tree,
    write_atomic,
    write_if_changed,
)
from syscraft.model.call import NumberPolicy, Unit
from syscraft.tree.record import (
    FOLDER,
    Record,
    differing,
    read_record,
    record_of,
    record_path,
    seen_without,
    take_out,
)
from syscraft.tree.source import KernelTree
from syscraft.tree.standing import has_rows
from syscraft.tree.wire import KernelChange, wired


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

    Returns: what was done, and the files that were written. A tree that has the calls without a
    record, by ``git am`` or by hand, stays as it is.

    Raises:
        TreeError: an anchor is missing, or our lines were changed by somebody.
        EnvironmentLacks: the tree cannot be written.
    """
    with _locked(tree):
        old = read_record(tree, unit.name)
        gone = old is not None and not has_rows(old.numbers, tree)
        if old and (old.busy or gone):
            _take_out(tree, old, gone=gone)
            old = None
        if old is None:
            change = wired(unit, tree)
            if not change.files:
                return Done.ALREADY, ()
            _put_in(tree, unit.name, change)
            return Done.APPLIED, tuple(sorted(change.files))
        taken = take_out(tree, old)
        clean = seen_without(tree, taken)
        change = wired(unit, clean, numbers=_kept(unit, old))
        left = taken.record.created.keys() - change.files.keys()
        if not left and not differing(tree, taken, change.files, change.spans):
            return Done.ALREADY, ()
        _take_out(tree, old)
        _put_in(tree, unit.name, change)
        return Done.UPDATED, tuple(sorted(change.files))


def _kept(unit: Unit, record: Record) -> dict[str, int]:
    """The numbers that calls keep: those in the record, unless the declaration pins them."""
    pinned = {call.number.fixed for call in unit.calls}
    return {
        call.name: record.numbers[call.name]
        for call in unit.calls
        if call.number.policy is not NumberPolicy.FIXED
        and record.numbers.get(call.name) not in (None, *pinned)
    }


def revert(name: str, tree: KernelTree) -> tuple[Done, tuple[str, ...]]:
    """Take a declaration's change out of a tree.

    Returns: what was done, and the files that were written or removed.

    Raises:
        TreeError: our lines were changed by somebody; nothing was written.
    """
    with _locked(tree):
        record = read_record(tree, name)
        if record is None:
            return Done.NOTHING, ()
        paths = _take_out(tree, record, gone=not has_rows(record.numbers, tree))
        return Done.REVERTED, paths


def _locked(tree: KernelTree) -> FileLock:
    """One at a time; the lock is not in the tree, which shall be as it was in the end."""
    return FileLock(cache_root() / "applied" / f"{digest(str(tree.root.resolve()))}.lock")


def _put_in(tree: KernelTree, name: str, change: KernelChange) -> None:
    record = replace(
        record_of(tree, name, change.numbers, change.files, change.spans),
        patches=change.author_patches,
        shared=change.shared_lines,
    )
    _write(tree, record)
    for path in (*record.edited, *record.created):
        _store(tree, path, change.files[path])
    _write(tree, replace(record, busy=False))


def _store(tree: KernelTree, path: str, data: bytes) -> None:
    target = tree.root / path
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o644
    write_if_changed(target, data, mode=mode)


def _take_out(tree: KernelTree, record: Record, *, gone: bool = False) -> tuple[str, ...]:
    """Remove our lines and files; everything is worked out before anything is written."""
    taken = take_out(tree, record, gone=gone)
    _write(tree, replace(record, busy=True))
    for other in taken.others:
        _write(tree, other)
    for path, data in taken.files.items():
        if data is not None:
            _store(tree, path, data)
    for path in taken.record.created:
        remove_file(tree.root / path)
    for folder in reversed(record.folders):
        target = tree.root / folder
        if target.is_dir() and not any(target.iterdir()):
            with disk_errors(target):
                target.rmdir()
    remove_file(tree.root / record_path(record.name))
    records = tree.root / FOLDER
    if [path.name for path in records.iterdir()] == [".gitignore"]:
        remove_tree(records)
    return tuple(sorted(taken.files))


def _write(tree: KernelTree, record: Record) -> None:
    # git shall not see the folder at all.
    write_atomic(tree.root / FOLDER / ".gitignore", b"*\n")
    text = json.dumps(asdict(record), indent=1)
    write_atomic(tree.root / record_path(record.name), text.encode())
