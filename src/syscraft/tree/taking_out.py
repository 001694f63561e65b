"""Takes a change out of a tree again, by its record, which is a hint: the tree is the truth.

What is not there any more, for it was put back with git, needs nothing; what is there but
different was changed by somebody, and stays until its author has decided.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from syscraft.errors import TreeError
from syscraft.lines import whole_lines
from syscraft.tree.adding import KernelChange
from syscraft.tree.number_headers import corrected_counts, is_count
from syscraft.tree.record import CONTEXT_LINES, Hunk, Record, all_records, record_of, record_path
from syscraft.tree.source import LINK, KernelTree
from syscraft.tree.tables import read_tables


@dataclass(frozen=True)
class TakenOut:
    """What a tree is without a change.

    Args:
        files: path -> content of every file that is edited back; None for one that goes.
        record: what goes: less than was put in, if others need a part of it.
        whole: what was put in.
        others: the records that have to know it.
        modes: as git has them, of those ``files`` that do not keep theirs.
        missing: files that had not all that the record says.
    """

    files: Mapping[str, bytes | None]
    record: Record
    whole: Record
    others: tuple[Record, ...] = ()
    modes: Mapping[str, int] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()


def take_out(tree: KernelTree, record: Record) -> TakenOut:
    """Work out what *tree* is without a change; nothing is written.

    Raises:
        TreeError: our lines or files were changed by somebody.
    """
    others = {other.name: other for other in all_records(tree) if other.name != record.name}
    before = dict(others)
    whole = record
    record = _leave_what_others_need(record, others)
    work = _Work(tree, record, others)
    for path, text in record.created.items():
        work.remove_created(path, text)
    for path, text in record.removed.items():
        work.bring_back(path, text)
    for path, hunks in record.edited.items():
        work.edit_back(path, hunks)
    work.correct_counts()
    changed = tuple(other for name, other in others.items() if other != before[name])
    return TakenOut(work.files, record, whole, changed, work.modes, frozenset(work.missing))


class _Work:
    """A tree that loses one part of a change after the other."""

    def __init__(self, tree: KernelTree, record: Record, others: dict[str, Record]) -> None:
        self._tree = tree
        self._record = record
        self._others = others
        self._is_gone = read_tables(tree).names.isdisjoint(record.numbers)
        self.files: dict[str, bytes | None] = {}
        self.modes: dict[str, int] = {}
        self.missing: set[str] = set()

    def remove_created(self, path: str, text: str) -> None:
        """Take a new file out."""
        mode = self._tree.mode(path)
        if mode is None:
            self.missing.add(path)
        elif path in self._record.removed and self._is_before(path):
            self.missing.add(path)  # not written yet, or put back already
        elif (mode == LINK) != (self._record.mode_after(path) == LINK) or (
            self._tree.raw(path) != _bytes(text)
        ):
            raise _changed(self._tree, path, 1, "an unchanged file")
        if path not in self.missing:
            self.files[path] = None

    def bring_back(self, path: str, text: str) -> None:
        """Put a file back that is gone; what somebody has put there since stays."""
        if path not in self.files and self._tree.has(path):
            self.missing.add(path)
            return
        self.files[path] = _bytes(text)
        self.modes[path] = self._record.mode_before(path)

    def _is_before(self, path: str) -> bool:
        was_link = self._record.mode_before(path) == LINK
        is_link = self._tree.mode(path) == LINK
        return was_link == is_link and self._tree.raw(path) == _bytes(self._record.removed[path])

    def edit_back(self, path: str, hunks: Sequence[Hunk]) -> None:
        """Take our lines out of a file."""
        content = self._tree.read(path)
        if content is None or self._tree.is_link(path):
            self.missing.add(path)  # what is not there, or is a link again, has nothing of ours
            return
        lines = whole_lines(content)
        for hunk in reversed(hunks):
            self._take_out(path, lines, hunk)
        self.files[path] = _bytes("".join(lines))
        if path in self._record.modes and self._tree.mode(path) == self._record.mode_after(path):
            self.modes[path] = self._record.mode_before(path)
        if path in self._record.links:
            self._put_link_back(path, self._record.links[path])

    def _take_out(self, path: str, lines: list[str], hunk: Hunk) -> None:
        place = _place(lines, hunk)
        if place is not None:
            lines[place : place + len(hunk.added)] = hunk.removed
        elif _are_apart(lines, hunk):
            for line in hunk.added:
                lines.remove(line)
        elif _hand_down(path, hunk, self._others):
            return
        elif _is_count(hunk):
            return  # calls that came later have moved it
        elif (left := self._left_of(lines, hunk)) is None:
            self.missing.add(path)
        else:
            expected = hunk.added[0].rstrip("\n") if hunk.added else "the lines around"
            raise _changed(self._tree, path, left + 1, expected)

    def _left_of(self, lines: Sequence[str], hunk: Hunk) -> int | None:
        """A line of a hunk that is there, though not all of them are; None if nothing is left."""
        names = [name.lower() for name in (self._record.name, *self._record.numbers)]
        telling = [line for line in hunk.added if any(name in line.lower() for name in names)]
        # Lines that name no call of ours may be elsewhere, too.
        least = 0 if self._record.busy else CONTEXT_LINES
        if not telling and (self._is_gone or _place(lines, _reversed(hunk), least) is not None):
            return None
        wanted = {_form(line) for line in telling or hunk.added} - {_form(x) for x in hunk.removed}
        wanted = {form for form in wanted if len(form) >= _TELLING_LENGTH}
        found = [i for i, line in enumerate(lines) if _form(line) in wanted]
        return min(found, key=lambda i: abs(i - hunk.index), default=None)

    def _put_link_back(self, path: str, target: str) -> None:
        """Make a file a link again if it is what the link leads to, and else leave it to others."""
        linked = self._tree.with_files({path: _bytes(target)}, {path: LINK})
        on_disk = (self._tree.root / path).parent / target
        found = linked.read_bytes(path)
        if found is None and on_disk.is_file():
            found = on_disk.read_bytes()
        if found == self.files[path]:
            self.files[path], self.modes[path] = _bytes(target), LINK
            return
        for name, other in sorted(self._others.items()):
            if path in other.edited:
                self._others[name] = replace(other, links={**other.links, path: target})
                return

    def correct_counts(self) -> None:
        """Count the calls that are left: others may have come since the record was made."""
        now = self._tree.with_files(self.files, self.modes)
        changed = [path for path in self.files if path in self._record.edited]
        for path, text in corrected_counts(changed, self._tree.read, now.read).items():
            self.files[path] = _bytes(text)


# Shorter lines, braces and such, are everywhere.
_TELLING_LENGTH = 8


def _form(line: str) -> str:
    """What a line is but for blanks and numbers: a row whose number was changed is that row."""
    return re.sub(r"\d+", "0", " ".join(line.split()))


def _is_count(hunk: Hunk) -> bool:
    return len(hunk.removed) == len(hunk.added) == 1 and is_count(hunk.removed[0], hunk.added[0])


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def seen_without(tree: KernelTree, taken: TakenOut) -> KernelTree:
    """The tree as if the change were not in it."""
    return tree.with_files({**taken.files, record_path(taken.record.name): None}, taken.modes)


def differing(tree: KernelTree, taken: TakenOut, change: KernelChange) -> KernelChange:
    """Find what *change*, made anew for a tree that has it, would change there.

    Lines that stand elsewhere than they would today are the same lines.

    Returns: *change* with those files alone that would be different.
    """
    old = taken.record
    new = record_of(seen_without(tree, taken), change)
    whole = {path for path in new.edited if not old.busy and path not in taken.missing}
    same = {path for path, text in new.created.items() if tree.raw(path) == _bytes(text)}
    same |= {p for p in whole if _added(new.edited[p]) == _added(old.edited.get(p, ()))}
    files = {
        path: data
        for path, data in change.files.items()
        if path not in same and tree.raw(path) != data
    }
    modes = {path: mode for path, mode in change.modes.items() if tree.mode(path) != mode}
    files |= {path: change.files[path] for path in modes}
    removed = {path for path in change.removed if tree.has(path)}
    for path in old.paths - change.files.keys() - change.removed:
        data = taken.files.get(path, b"")
        if data is None and tree.mode(path) is not None:
            removed.add(path)
        elif data and data != tree.raw(path):
            files[path] = data
            modes |= {path: taken.modes[path]} if path in taken.modes else {}
    modes = {path: change.modes.get(path, modes.get(path, 0)) for path in files if path in modes}
    # A line that is changed is not one that is only added.
    return replace(change, files=files, removed=frozenset(removed), modes=modes, quiet=frozenset())


def _added(hunks: Sequence[Hunk]) -> list[tuple[str, ...]]:
    """The lines of each hunk; where it begins depends on equal lines above and below it.

    Counts are left out: whichever call is the last one has moved them.
    """
    return sorted(
        min(hunk.added[i:] + hunk.added[:i] for i in range(len(hunk.added) or 1))
        for hunk in hunks
        if not _is_count(hunk)
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
    removed, modes, links = dict(record.removed), dict(record.modes), dict(record.links)
    if path in removed:
        heir = replace(heir, removed={**heir.removed, path: removed.pop(path)})
    if path in modes:
        heir = replace(heir, modes={**heir.modes, path: modes.pop(path)})
    if path in links and path not in edited:
        heir = replace(heir, links={**heir.links, path: links.pop(path)})
    folders = [f for f in record.folders if path.startswith(f"{f}/")]
    heir = replace(heir, folders=tuple(dict.fromkeys((*heir.folders, *folders))))
    rest = replace(
        record, created=created, edited=edited, removed=removed, modes=modes, links=links
    )
    return rest, heir


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
            before=(*hunk.before, *hunk.added[:i])[-CONTEXT_LINES:],
            after=(*hunk.added[i + 1 :], *hunk.after)[:CONTEXT_LINES],
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


def _place(lines: Sequence[str], hunk: Hunk, least: int = 0) -> int | None:
    """Where our lines are now: with as much of what was around them as still is there.

    Args:
        least: lines around them that have to be there on either side.
    """
    for context in range(CONTEXT_LINES, least - 1, -1):
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


def _changed(tree: KernelTree, path: str, line: int | None, expected: str) -> TreeError:
    return TreeError.of(
        "what was added here has since been changed",
        tree.where(path, line),
        expected=expected,
        found="different text",
        hint="restore it, or remove it by hand; nothing was written",
    )
