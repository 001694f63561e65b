"""The record of a change in a tree of the user's own: which lines and files are ours.

It lies in the folder ``.syscraft`` of the tree, one file for each declaration. It is read through
the tree's overlay, so that a tree that is seen without a change has no record of it either.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from syscraft.errors import EnvironmentLacks, TreeError
from syscraft.lines import whole_lines
from syscraft.tree.line_diff import Span, changed_spans, is_change
from syscraft.tree.source import KernelTree

FOLDER = ".syscraft"
_CONTEXT_LINES = 3


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
        patches: key of each patch that the declaration carries -> the files that it is about.
        shared: path -> lines that the call needs there, whoever has put them there.
    """

    name: str
    numbers: Mapping[str, int]
    busy: bool
    created: Mapping[str, str]
    edited: Mapping[str, tuple[Hunk, ...]]
    folders: tuple[str, ...]
    patches: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    shared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def record_path(name: str) -> str:
    return f"{FOLDER}/{name}.json"


def record_of(
    tree: KernelTree,
    name: str,
    numbers: Mapping[str, int],
    files: Mapping[str, bytes],
    spans: Mapping[str, tuple[Span, ...]],
) -> Record:
    """Describe what *files* change in *tree*; the record is of a change that is not made yet.

    Args:
        spans: path -> the places that differ, where somebody has kept account of them.
    """
    created, edited = {}, {}
    for path, data in sorted(files.items()):
        old = tree.read_bytes(path)
        if old is None:
            created[path] = _text(data)
        elif hunks := _hunks(_text(old), _text(data), spans.get(path, ())):
            edited[path] = hunks
    folders = {
        str(parent)
        for path in created
        for parent in Path(path).parents
        if not (tree.root / parent).is_dir()
    }
    ordered = tuple(sorted(folders, key=len))
    return Record(name, dict(numbers), True, created, edited, ordered)


def read_record(tree: KernelTree, name: str) -> Record | None:
    """The record of one declaration, or None if the tree has none.

    Raises:
        EnvironmentLacks: it cannot be read.
    """
    text = tree.read(record_path(name))
    if text is None:
        return None
    try:
        kept = json.loads(text)
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
            patches={key: tuple(paths) for key, paths in kept.get("patches", {}).items()},
            shared={path: tuple(lines) for path, lines in kept.get("shared", {}).items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EnvironmentLacks.of(
            "the record of what was applied cannot be read",
            tree.where(record_path(name)),
            found=str(error),
            hint="restore the tree with git, and remove this file",
        ) from error


def all_records(tree: KernelTree) -> Iterator[Record]:
    """The records of all declarations, by name."""
    for path in tree.glob(f"{FOLDER}/*.json"):
        if record := read_record(tree, Path(path).stem):
            yield record


@dataclass(frozen=True)
class TakenOut:
    """What a tree is without a change.

    Args:
        files: path -> content of every file that is edited back; None for one that goes.
        record: what goes: less than was put in, if others need a part of it.
        others: the records that have to know it.
    """

    files: Mapping[str, bytes | None]
    record: Record
    others: tuple[Record, ...]


def take_out(tree: KernelTree, record: Record, *, gone: bool = False) -> TakenOut:
    """Work out what *tree* is without a change; nothing is written.

    Args:
        gone: somebody has taken lines out already, by ``git checkout`` for example; those that
            are not there are not missed.

    Raises:
        TreeError: our lines or files were changed by somebody.
    """
    others = {other.name: other for other in all_records(tree) if other.name != record.name}
    before = dict(others)
    record = _leave_what_others_need(record, others)
    files: dict[str, bytes | None] = {}
    for path, text in record.created.items():
        found = tree.read(path)
        if found is not None and found != text:
            raise _changed(tree, path, 1, "an unchanged file")
        files[path] = None
    for path, hunks in record.edited.items():
        content = tree.read(path)
        if content is None:
            raise _changed(tree, path, None, "the file")
        lines = whole_lines(content)
        for hunk in reversed(hunks):
            place = _place(lines, hunk)
            if place is not None:
                lines[place : place + len(hunk.added)] = hunk.removed
            elif gone or (record.busy and _place(lines, _reversed(hunk)) is not None):
                continue  # not written yet, or taken out already
            elif _are_apart(lines, hunk):
                for line in hunk.added:
                    lines.remove(line)
            elif not _hand_down(path, hunk, others):
                expected = hunk.added[0].rstrip("\n") if hunk.added else "the lines around"
                raise _changed(tree, path, hunk.index + 1, expected)
        files[path] = "".join(lines).encode("utf-8", "surrogateescape")
    changed = tuple(other for name, other in others.items() if other != before[name])
    return TakenOut(files, record, changed)


def seen_without(tree: KernelTree, taken: TakenOut) -> KernelTree:
    """The tree as if the change were not in it."""
    return tree.with_files({**taken.files, record_path(taken.record.name): None})


def differing(
    tree: KernelTree,
    taken: TakenOut,
    files: Mapping[str, bytes],
    spans: Mapping[str, tuple[Span, ...]],
) -> dict[str, bytes]:
    """Find what a change of *files*, made anew for a tree that has it, would change there.

    Lines that stand elsewhere than they would today are the same lines.
    """
    clean = seen_without(tree, taken)
    old = taken.record
    new = record_of(clean, old.name, old.numbers, files, spans)
    same = {path for path, text in new.created.items() if tree.read(path) == text}
    same |= {
        path
        for path, hunks in new.edited.items()
        if not old.busy and _added(hunks) == _added(old.edited.get(path, ()))
    }
    result = {
        path: data
        for path, data in files.items()
        if path not in same and tree.read_bytes(path) != data
    }
    for path in old.edited.keys() - files.keys():
        data = taken.files.get(path)
        if data is not None and data != tree.read_bytes(path):
            result[path] = data
    return result


def _added(hunks: Sequence[Hunk]) -> list[tuple[str, ...]]:
    """The lines of each hunk; where it begins depends on equal lines above and below it."""
    return sorted(
        min(hunk.added[i:] + hunk.added[:i] for i in range(len(hunk.added) or 1)) for hunk in hunks
    )


def _leave_what_others_need(record: Record, others: dict[str, Record]) -> Record:
    """Leave to other calls what they need too: what a patch made that they carry, and lines."""
    for key, paths in record.patches.items():
        heir = next((o for _, o in sorted(others.items()) if key in o.patches), None)
        if heir is None:
            continue
        for path in paths:
            record, heir = _leave_file(path, record, heir)
        others[heir.name] = heir
    for path, lines in record.shared.items():
        for name, other in sorted(others.items()):
            wanted = set(lines).intersection(other.shared.get(path, ()))
            hunks = [part for hunk in record.edited.get(path, ()) for part in _apart(hunk, wanted)]
            left = [hunk for hunk in hunks if hunk.added and wanted.issuperset(hunk.added)]
            if left:
                kept = tuple(hunk for hunk in hunks if hunk not in left)
                record = replace(record, edited={**record.edited, path: kept})
                others[name] = _with_hunks(other, path, left)
    return record


def _leave_file(path: str, record: Record, heir: Record) -> tuple[Record, Record]:
    created, edited = dict(record.created), dict(record.edited)
    if path in created:
        heir = replace(heir, created={**heir.created, path: created.pop(path)})
    if path in edited:
        # In a file that the patch and the wiring of the call change, the latter names the call.
        own = tuple(h for h in edited[path] if any(n in "".join(h.added) for n in record.numbers))
        heir = _with_hunks(heir, path, [h for h in edited.pop(path) if h not in own])
        if own:
            edited[path] = own
    folders = [f for f in record.folders if path.startswith(f"{f}/")]
    heir = replace(heir, folders=tuple(dict.fromkeys((*heir.folders, *folders))))
    return replace(record, created=created, edited=edited), heir


def _with_hunks(record: Record, path: str, hunks: Sequence[Hunk]) -> Record:
    kept = record.edited.get(path, ())
    together = (*kept, *(hunk for hunk in hunks if hunk not in kept))
    ordered = tuple(sorted(together, key=lambda hunk: hunk.index))
    return replace(record, edited={**record.edited, path: ordered})


def _apart(hunk: Hunk, wanted: set[str]) -> list[Hunk]:
    """The lines of a hunk one by one, if some of them are wanted and others are not."""
    found = wanted.intersection(hunk.added)
    if not found or hunk.removed or found.issuperset(hunk.added):
        return [hunk]
    return [
        Hunk(
            index=hunk.index + i,
            removed=(),
            added=(line,),
            before=(*hunk.before, *hunk.added[:i])[-_CONTEXT_LINES:],
            after=(*hunk.added[i + 1 :], *hunk.after)[:_CONTEXT_LINES],
        )
        for i, line in enumerate(hunk.added)
    ]


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


def _hunks(old: str, new: str, spans: Sequence[Span]) -> tuple[Hunk, ...]:
    before, after = whole_lines(old), whole_lines(new)
    if not is_change(before, after, spans):
        spans = tuple(changed_spans(before, after))
    return tuple(
        Hunk(
            index=j1,
            removed=tuple(before[i1:i2]),
            added=tuple(after[j1:j2]),
            before=tuple(after[max(0, j1 - _CONTEXT_LINES) : j1]),
            after=tuple(after[j2 : j2 + _CONTEXT_LINES]),
        )
        for i1, i2, j1, j2 in spans
    )


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _changed(tree: KernelTree, path: str, line: int | None, expected: str) -> TreeError:
    return TreeError.of(
        "what was added here has since been changed",
        tree.where(path, line),
        expected=expected,
        found="different text",
        hint="restore it, or remove it by hand; nothing was written",
    )
