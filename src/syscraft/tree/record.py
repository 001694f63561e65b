"""The record of a change in a tree of the user's own: which lines and files are ours.

It lies in the folder ``.syscraft`` of the tree, one file for each declaration. It is read through
the tree's overlay, so that a tree that is seen without a change has no record of it either.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from syscraft.errors import EnvironmentLacks
from syscraft.lines import whole_lines
from syscraft.tree.adding import KernelChange
from syscraft.tree.line_diff import Span, changed_spans, is_change
from syscraft.tree.source import LINK, MODES, PLAIN, KernelTree, is_inside

FOLDER = ".syscraft"
CONTEXT_LINES = 3


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
        removed: path -> content of every file that is gone, or has become a link, or was one.
        modes: path -> as git has it, before and after, where that is no plain file's; None where
            there is no file.
        links: path -> where a link points to that an edited file stands for.
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
    removed: Mapping[str, str] = field(default_factory=dict)
    modes: Mapping[str, tuple[int | None, int | None]] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)

    @property
    def paths(self) -> frozenset[str]:
        """Every file that it is about."""
        return frozenset(self.created.keys() | self.edited.keys() | self.removed.keys())

    def mode_before(self, path: str) -> int:
        return self.modes.get(path, (PLAIN, PLAIN))[0] or PLAIN

    def mode_after(self, path: str) -> int:
        return self.modes.get(path, (PLAIN, PLAIN))[1] or PLAIN


def record_path(name: str) -> str:
    return f"{FOLDER}/{name}.json"


def record_of(tree: KernelTree, change: KernelChange) -> Record:
    """Describe what *change* does to *tree*; the record is of a change that is not made yet."""
    created, edited, removed, links = {}, {}, {}, {}
    modes: dict[str, tuple[int | None, int | None]] = {}
    for path, data in sorted(change.files.items()):
        old, raw = tree.mode(path), as_text(tree.raw(path) or b"")
        new = change.modes.get(path, PLAIN if old in (None, LINK) else old)
        if old is None or (LINK in (old, new) and path in change.modes):
            created[path] = as_text(data)
            if old is not None:
                removed[path] = raw
        else:
            before = tree.read(path) or ""
            hunks = _hunks(before, as_text(data), change.spans.get(path, ()))
            if hunks or old != new:
                edited[path] = hunks
            if old == LINK:
                links[path], old = raw, PLAIN
        if (old or PLAIN, new) != (PLAIN, PLAIN):
            modes[path] = (old, new)
    for path in sorted(change.removed):
        removed[path] = as_text(tree.raw(path) or b"")
        if (old := tree.mode(path)) != PLAIN:
            modes[path] = (old, None)
    folders = {
        str(parent)
        for path in created
        for parent in PurePosixPath(path).parents
        if not (tree.root / parent).is_dir()
    }
    return Record(
        change.name,
        dict(change.numbers),
        True,
        created,
        edited,
        tuple(sorted(folders, key=len)),
        patches=change.author_patches,
        shared=change.shared_lines,
        removed=removed,
        modes=modes,
        links=links,
    )


def read_record(tree: KernelTree, name: str) -> Record | None:
    """The record of one declaration, or None if the tree has none.

    It may come from anywhere, with the tree, so no path in it may leave the tree.

    Raises:
        EnvironmentLacks: it cannot be read.
    """
    where = record_path(name)
    if tree.mode(where) is None:
        return None
    try:
        if tree.link_above(where) or tree.is_link(where):
            raise ValueError("a link")
        if not (where in tree.overlay or (tree.root / where).is_file()):
            raise ValueError("not a regular file")
        kept = json.loads(tree.read(where) or "")
        record = Record(
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
            removed=kept.get("removed", {}),
            modes={path: (old, new) for path, (old, new) in kept.get("modes", {}).items()},
            links=kept.get("links", {}),
        )
        _check(record, name, tree)
        return record
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise EnvironmentLacks.of(
            "the record of what was applied cannot be read",
            tree.where(where),
            found=str(error),
            hint="restore the tree with git, and remove this file",
        ) from error


def _check(record: Record, name: str, tree: KernelTree) -> None:
    """Refuse a record that names something outside of the tree, or holds what is no text.

    Raises:
        ValueError: it does.
    """
    texts = [*record.created.values(), *record.removed.values(), *record.links.values()]
    for hunks in record.edited.values():
        for hunk in hunks:
            int(hunk.index)
            texts += [*hunk.removed, *hunk.added, *hunk.before, *hunk.after]
    listed = [*record.patches.values(), *record.shared.values()]
    texts += [text for part in listed for text in part] + [*record.numbers, record.name]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("not text where text is expected")
    if record.name != name:
        raise ValueError(f"it is of {record.name}")
    if not {mode for pair in record.modes.values() for mode in pair} <= {*MODES, None}:
        raise ValueError("not a mode of a file")
    paths = {*record.paths, *record.folders, *record.modes, *record.links, *record.shared}
    paths |= {path for part in record.patches.values() for path in part}
    for path in paths:
        parts = PurePosixPath(path).parts
        if "\0" in path or path != "/".join(parts) or not is_inside(path):
            raise ValueError(f"not a path in the tree: {path!r}")
    for path in record.paths:
        above = tree.link_above(path)
        if above and above not in record.created:
            raise ValueError(f"{path} is behind {above}, which is no folder")


def all_records(tree: KernelTree) -> Iterator[Record]:
    """The records of all declarations, by name."""
    for path in tree.glob(f"{FOLDER}/*.json"):
        if record := read_record(tree, Path(path).stem):
            yield record


def _hunks(old: str, new: str, spans: Sequence[Span]) -> tuple[Hunk, ...]:
    before, after = whole_lines(old), whole_lines(new)
    if not is_change(before, after, spans):
        spans = tuple(changed_spans(before, after))
    return tuple(
        Hunk(
            index=j1,
            removed=tuple(before[i1:i2]),
            added=tuple(after[j1:j2]),
            before=tuple(after[max(0, j1 - CONTEXT_LINES) : j1]),
            after=tuple(after[j2 : j2 + CONTEXT_LINES]),
        )
        for i1, i2, j1, j2 in spans
    )


def as_text(data: bytes) -> str:
    """Bytes of any kind, as records have them."""
    return data.decode("utf-8", "surrogateescape")
