"""Changes in a tree of the user's own: put in, recognised, and taken out byte for byte.

A record in the folder ``.syscraft`` of the tree says which lines are ours. It is written before
the first file is touched, so that whoever comes after a kill knows what may be half done. Lines
that somebody else adds to the same files stay.
"""

from __future__ import annotations

import difflib
import json
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import Enum
from pathlib import Path

from syscraft.errors import EnvironmentLacks, TreeError
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
from syscraft.tree.source import KernelTree
from syscraft.tree.wire import KernelChange

FOLDER = ".syscraft"
_CONTEXT_LINES = 3


class Done(Enum):
    """What became of a wish."""

    APPLIED = "applied"
    UPDATED = "applied anew"
    ALREADY = "already applied"
    REVERTED = "reverted"
    NOTHING = "not applied"


@dataclass(frozen=True)
class Hunk:
    """Lines that are ours, and those that they replaced.

    ``index`` is the first one's place (from 0) in the file that has them; ``before`` and
    ``after`` are the lines around them.
    """

    index: int
    removed: tuple[str, ...]
    added: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True)
class Record:
    """What is in a tree because of one declaration.

    Args:
        numbers: name of a call -> its number.
        busy: whether the tree may hold only a part of it.
        created: path -> text of every new file.
        edited: path -> the hunks of every edited file, in order.
        folders: those that had to be made.
    """

    name: str
    numbers: Mapping[str, int]
    busy: bool
    created: Mapping[str, str]
    edited: Mapping[str, tuple[Hunk, ...]]
    folders: tuple[str, ...]


def apply(
    name: str,
    tree: KernelTree,
    work_out: Callable[[KernelTree, Mapping[str, int]], KernelChange],
) -> tuple[Done, tuple[str, ...]]:
    """Put a declaration's change into a tree, or bring it up to date.

    Args:
        work_out: makes the change for a tree that does not have it; the numbers are those that
            calls have there already, by name.

    Returns: what was done, and the files that were written.

    Raises:
        TreeError: an anchor is missing, or our lines were changed by somebody.
        EnvironmentLacks: the tree cannot be written.
    """
    with _locked(tree):
        old = _read(tree, name)
        if old and old.busy:
            _take_out(tree, old)
            old = None
        clean = _without(tree, old) if old else tree
        change = work_out(clean, old.numbers if old else {})
        new = _record(clean, name, change)
        if old and _same(old, new):
            return Done.ALREADY, ()
        if old:
            _take_out(tree, old)
        _put_in(tree, name, change)
        return Done.UPDATED if old else Done.APPLIED, tuple(sorted(change.files))


def revert(name: str, tree: KernelTree) -> tuple[Done, tuple[str, ...]]:
    """Take a declaration's change out of a tree.

    Returns: what was done, and the files that were written or removed.

    Raises:
        TreeError: our lines were changed by somebody; nothing was written.
    """
    with _locked(tree):
        record = _read(tree, name)
        if record is None:
            return Done.NOTHING, ()
        _take_out(tree, record)
        return Done.REVERTED, tuple(sorted({*record.created, *record.edited}))


def _locked(tree: KernelTree) -> FileLock:
    """One at a time; the lock is not in the tree, which shall be as it was in the end."""
    return FileLock(cache_root() / "applied" / f"{digest(str(tree.root.resolve()))}.lock")


def _path(tree: KernelTree, name: str) -> Path:
    return tree.root / FOLDER / f"{name}.json"


def _same(old: Record, new: Record) -> bool:
    """Whether a tree has the same lines already; where they stand may differ."""

    def lines(record: Record) -> dict[str, tuple[tuple[str, ...], ...]]:
        return {
            path: tuple(sorted(hunk.added for hunk in hunks))
            for path, hunks in record.edited.items()
        }

    return (old.created, lines(old)) == (new.created, lines(new))


def _record(tree: KernelTree, name: str, change: KernelChange) -> Record:
    created, edited = {}, {}
    for path, data in sorted(change.files.items()):
        old = tree.read_bytes(path)
        if old is None:
            created[path] = _text(data)
        elif hunks := _hunks(_text(old), _text(data)):
            edited[path] = hunks
    folders = {
        str(parent)
        for path in created
        for parent in Path(path).parents
        if not (tree.root / parent).is_dir()
    }
    return Record(
        name, dict(change.numbers), True, created, edited, tuple(sorted(folders, key=len))
    )


def _put_in(tree: KernelTree, name: str, change: KernelChange) -> None:
    record = _record(tree, name, change)
    _write(tree, record)
    for path in (*record.edited, *record.created):
        _store(tree, path, change.files[path])
    _write(tree, replace(record, busy=False))


def _store(tree: KernelTree, path: str, data: bytes) -> None:
    target = tree.root / path
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o644
    write_if_changed(target, data, mode=mode)


def _take_out(tree: KernelTree, record: Record) -> None:
    """Remove our lines and files; everything is worked out before anything is written."""
    restored, others = _restored(tree, record)
    for path, text in record.created.items():
        found = tree.read(path)
        if found is not None and found != text:
            raise _changed(tree, path, 1, "a file that is as it was made")
    _write(tree, replace(record, busy=True))
    for other in others:
        _write(tree, other)
    for path, data in restored.items():
        _store(tree, path, data)
    for path in record.created:
        remove_file(tree.root / path)
    for folder in reversed(record.folders):
        target = tree.root / folder
        if target.is_dir() and not any(target.iterdir()):
            with disk_errors(target):
                target.rmdir()
    remove_file(_path(tree, record.name))
    records = tree.root / FOLDER
    if [path.name for path in records.iterdir()] == [".gitignore"]:
        remove_tree(records)


def _without(tree: KernelTree, record: Record) -> KernelTree:
    """The tree as if the change were not in it."""
    restored, _ = _restored(tree, record)
    return tree.with_files({**restored, **dict.fromkeys(record.created)})


def _restored(tree: KernelTree, record: Record) -> tuple[dict[str, bytes], list[Record]]:
    """The edited files without our lines, and other records that have to know it."""
    restored = {}
    others = {other.name: other for other in _all(tree) if other.name != record.name}
    for path, hunks in record.edited.items():
        text = tree.read(path)
        if text is None:
            raise _changed(tree, path, None, "the file")
        lines = text.splitlines(keepends=True)
        for hunk in reversed(hunks):
            place = _place(lines, hunk)
            if place is not None:
                lines[place : place + len(hunk.added)] = hunk.removed
            elif _place(lines, _reversed(hunk)) is not None and record.busy:
                continue  # this file was not written yet
            elif _are_apart(lines, hunk):
                for line in hunk.added:
                    lines.remove(line)
            elif not _hand_down(path, hunk, others):
                expected = hunk.added[0].rstrip("\n") if hunk.added else "the lines around"
                raise _changed(tree, path, hunk.index + 1, expected)
        restored[path] = "".join(lines).encode("utf-8", "surrogateescape")
    changed = [other for other in others.values() if other != _read(tree, other.name)]
    return restored, changed


def _are_apart(lines: Sequence[str], hunk: Hunk) -> bool:
    """Whether other lines stand between ours, each of which is the only one of its kind.

    The row of another declaration's call may have a number between those of our calls.
    """
    if hunk.removed or not all(lines.count(line) == 1 for line in hunk.added):
        return False
    places = [lines.index(line) for line in hunk.added]
    return places == sorted(places)


def _hand_down(path: str, hunk: Hunk, others: dict[str, Record]) -> bool:
    """Let a later call that has replaced our line, a count, know what was there before us."""
    for name, other in others.items():
        for index, later in enumerate(other.edited.get(path, ())):
            if hunk.added and later.removed == hunk.added:
                hunks = list(other.edited[path])
                hunks[index] = replace(later, removed=hunk.removed)
                others[name] = replace(other, edited={**other.edited, path: tuple(hunks)})
                return True
    return False


def _reversed(hunk: Hunk) -> Hunk:
    return replace(hunk, removed=hunk.added, added=hunk.removed)


def _place(lines: Sequence[str], hunk: Hunk) -> int | None:
    """Where our lines are now: with as much of what was around them as still is there."""
    for context in range(_CONTEXT_LINES, -1, -1):
        before = hunk.before[-context:] if context else ()
        after = hunk.after[:context]
        wanted = [*before, *hunk.added, *after]
        if not wanted or not (hunk.added or context):
            return None
        found = [
            start + len(before)
            for start in range(len(lines) - len(wanted) + 1)
            if lines[start] == wanted[0] and lines[start : start + len(wanted)] == wanted
        ]
        if found:
            return min(found, key=lambda place: abs(place - hunk.index))
    return None


def _hunks(old: str, new: str) -> tuple[Hunk, ...]:
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    head = 0
    while head < min(len(before), len(after)) and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < min(len(before), len(after)) - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    middle_old = before[head : len(before) - tail]
    middle_new = after[head : len(after) - tail]
    matcher = difflib.SequenceMatcher(None, middle_old, middle_new, autojunk=False)
    return tuple(
        Hunk(
            index=head + j1,
            removed=tuple(middle_old[i1:i2]),
            added=tuple(middle_new[j1:j2]),
            before=tuple(after[max(0, head + j1 - _CONTEXT_LINES) : head + j1]),
            after=tuple(after[head + j2 : head + j2 + _CONTEXT_LINES]),
        )
        for kind, i1, i2, j1, j2 in matcher.get_opcodes()
        if kind != "equal"
    )


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _changed(tree: KernelTree, path: str, line: int | None, expected: str) -> TreeError:
    return TreeError.of(
        "what was added here has been changed since",
        tree.where(path, line),
        expected=expected,
        found="something else",
        hint="put it back as it was, or take it out by hand; nothing was written",
    )


def _write(tree: KernelTree, record: Record) -> None:
    # git shall not see the folder at all.
    write_atomic(tree.root / FOLDER / ".gitignore", b"*\n")
    write_atomic(_path(tree, record.name), json.dumps(asdict(record), indent=1).encode())


def _all(tree: KernelTree) -> Iterable[Record]:
    for path in sorted((tree.root / FOLDER).glob("*.json")):
        if record := _read(tree, path.stem):
            yield record


def _read(tree: KernelTree, name: str) -> Record | None:
    path = _path(tree, name)
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return Record(
            name=kept["name"],
            # Records of a single call had its number alone.
            numbers=kept["numbers"] if "numbers" in kept else {kept["name"]: kept["number"]},
            busy=kept["busy"],
            created=kept["created"],
            edited={
                name: tuple(
                    Hunk(
                        hunk["index"],
                        *(tuple(hunk[key]) for key in ("removed", "added", "before", "after")),
                    )
                    for hunk in hunks
                )
                for name, hunks in kept["edited"].items()
            },
            folders=tuple(kept["folders"]),
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EnvironmentLacks.of(
            "the record of what was applied cannot be read",
            tree.where(f"{FOLDER}/{name}.json"),
            found=str(error),
            hint="put the tree back with git, and remove this file",
        ) from error
