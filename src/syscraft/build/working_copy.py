"""A copy of a kernel tree that is made to hold one change after the other.

Its files are shared with the pristine tree as hard links where the tree is our own, and
replaced, never written to. Journals beside it say what may differ from the pristine tree, so
that any build, also one after a kill, starts from a known state.

Damage shows in sizes and times. A tree of the user's own is compared before a build, while its
changes are looked for; one of ours beside the build, for its 87,000 files take a third of a second.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import time
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from syscraft import proc
from syscraft.errors import BuildError
from syscraft.files import (
    folder_made_whole,
    read_record,
    remove_drafts,
    remove_file,
    remove_tree,
    write_if_changed,
    write_record,
)
from syscraft.hints import Progress
from syscraft.tree.adding import KernelChange
from syscraft.tree.source import EXECUTABLE, LINK, KernelTree

# path -> size in bytes, time in nanoseconds, and the time that the copy has
_State = dict[str, list[int]]
# Not of the tree: what a killed process was writing, and what interpreters leave beside scripts.
_FOREIGN = ("-name", ".syscraft-*", "-o", "-name", "__pycache__")


class WorkingCopy:
    """The folder ``src`` in *work*; whoever uses it holds the lock of *work*."""

    def __init__(self, tree: KernelTree, work: Path, progress: Progress) -> None:
        self._tree = tree
        self._work = work
        self._progress = progress
        self.source = work / "src"
        self._overlaid = work / "overlaid.json"
        self._synced = work / "synced.json"

    def prepare(self) -> None:
        """Make the copy, or bring it up to date with a tree whose author goes on working."""
        self._work.mkdir(parents=True, exist_ok=True)
        remove_drafts(self._work)
        held = self._held() if self._tree.files is not None else {}
        if self._ever_put() is None or held is None:
            self.discard()
        if not self.source.exists():
            self._make()
        elif self._tree.files is not None:
            self._update(held or {})

    def discard(self) -> None:
        """Remove everything in the folder: objects are no better than their sources."""
        with contextlib.suppress(FileNotFoundError):
            for name in os.listdir(self._work):
                path = self._work / name
                remove_tree(path) if path.is_dir() else remove_file(path)

    def _make(self) -> None:
        self._progress("copying the kernel tree")
        with folder_made_whole(self.source) as draft:
            if self._tree.files is None:
                if self._tree.watch:
                    self._tree.watch.look_at_all()
                self._link(draft)
            else:
                for name in self._tree.files:
                    self._copy(name, draft)
                self._holds(self._state())
            write_record(self._overlaid, [])

    def _link(self, draft: Path) -> None:
        done = proc.run(["cp", "-al", f"{self._tree.root}/.", str(draft)])
        if not done.ok:
            done = proc.run(["cp", "-a", f"{self._tree.root}/.", str(draft)])
        if not done.ok:
            raise BuildError.of(
                "the kernel tree cannot be copied", found=done.output.strip()[-300:]
            )

    def _copy(self, name: str, folder: Path) -> None:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(self._tree.root / name, target, follow_symlinks=False)

    def _update(self, before: _State) -> None:
        """Copy what differs between the tree and the copy, whatever became of a build between."""
        now = self._state()
        different = {
            name for name in before.keys() | now.keys()
            if before.get(name, [])[:2] != now.get(name, [])[:2]
        }  # fmt: skip
        different |= self._damaged(before)
        if not different:
            return
        # Before the first write: after a kill nobody knows which of these the copy holds.
        kept = {name: state for name, state in before.items() if name not in different}
        self._holds(kept)
        # What was a file may be a folder now, or a link to one, and the other way round.
        for name in sorted(different, reverse=True):
            if not self._is_behind_link(name):
                self._remove(name)
        for name in sorted(different & now.keys()):
            self._progress(f"updating the copy of the kernel tree: {name}")
            self._copy(name, self.source)
            # make compares times: what came back from an older branch is new here.
            time_ns = time.time_ns()
            os.utime(self.source / name, ns=(time_ns, time_ns), follow_symlinks=False)
            now[name][2] = time_ns
        self._holds({name: kept.get(name, state) for name, state in now.items()})

    def _state(self) -> _State:
        found = self._tree.files or {}
        return {name: [size, time_ns, time_ns] for name, (size, time_ns) in found.items()}

    def _holds(self, state: _State) -> None:
        write_record(self._synced, state)

    def _held(self) -> _State | None:
        """What of the tree the copy holds; None if the journal is damaged, or not there."""
        found = read_record(self._synced)
        return found if isinstance(found, dict) else None

    def _damaged(self, before: _State) -> set[str]:
        """Files of the copy that somebody has written to, or removed."""
        put = set(self._ever_put() or ())
        found = set()
        for name in before.keys() - put:
            size, _, time_ns = before[name]
            try:
                status = os.lstat(self.source / name)
            except OSError:
                found.add(name)
                continue
            if (status.st_size, status.st_mtime_ns) != (size, time_ns):
                found.add(name)
        return found

    def is_whole(self, change: KernelChange) -> bool:
        """Whether the copy of an unpacked tree, with *change* put into it, is not damaged.

        Files that were ever put into the copy are left out; :meth:`overlay` compares them.
        """
        if self._tree.watch is None:
            return True
        seal = self._tree.watch.seal()
        newest = max(seal.times, default=0)
        written = f"@{newest // 10**9}.{newest % 10**9:09d}"
        done = proc.run(
            ["find", ".", "(", *_FOREIGN, ")", "-prune", "-o", "!", "-type", "d",
             "(", "-newermt", written, "-printf", "%P\\0", "-o", "-printf", "\\0", ")"],
            cwd=self.source,
        )  # fmt: skip
        names = done.output.split("\0")[:-1]
        put = set(self._ever_put() or ())
        wanted = change.seen_in(self._tree)
        grown = self._count(put, wanted) - self._count(put, self._tree)
        return done.ok and {*names, ""} <= {*put, ""} and len(names) == seal.count + grown

    @staticmethod
    def _count(paths: Iterable[str], tree: KernelTree) -> int:
        return sum(tree.mode(path) is not None for path in paths)

    def _ever_put(self) -> list[str] | None:
        """The files that may not be the tree's own; None if nobody knows."""
        found = read_record(self._overlaid)
        return found if isinstance(found, list) else None

    def overlay(self, change: KernelChange) -> None:
        """Make the copy hold *change* and no other."""
        # Before the first write: whoever comes after a kill must know what may differ. What was
        # put back stays in the journal, for it has another time than the tree's.
        put = {*(self._ever_put() or ()), *change.files, *change.removed}
        if put != set(self._ever_put() or ()):
            write_record(self._overlaid, sorted(put))
        wanted = change.seen_in(self._tree)
        # A link may have been where a folder is needed, or the other way round.
        for path in sorted(put, reverse=True):
            if wanted.mode(path) is None and not self._is_behind_link(path):
                self._remove(path)
        for path in sorted(put):
            data, mode = wanted.raw(path), wanted.mode(path)
            if data is not None and mode is not None:
                self._put(path, data, mode)
        # Neither here nor there: nothing to know of it.
        gone = {p for p in put if wanted.mode(p) is None and self._tree.mode(p) is None}
        if gone:
            write_record(self._overlaid, sorted(put - gone))

    def _is_behind_link(self, path: str) -> bool:
        folders = list(PurePosixPath(path).parents)[:-1]
        return any((self.source / folder).is_symlink() for folder in folders)

    def _remove(self, path: str) -> None:
        target = self.source / path
        if not os.path.lexists(target) or (target.is_dir() and not target.is_symlink()):
            return
        target.unlink()
        for folder in target.parents:
            if folder == self.source or any(folder.iterdir()):
                break
            folder.rmdir()

    def _put(self, path: str, data: bytes, mode: int) -> None:
        """Replace a file or a link, which others may have as well, unless it is so already."""
        target = self.source / path
        if mode == LINK:
            if not (target.is_symlink() and os.fsencode(os.readlink(target)) == data):
                target.unlink(missing_ok=True)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(os.fsdecode(data))
            return
        bits = self._bits(path, mode)
        if os.path.lexists(target):
            status = target.lstat()
            # One that is shared with the pristine tree must not even get another time.
            if status.st_nlink > 1 or status.st_mode != stat.S_IFREG | bits:
                target.unlink()
        write_if_changed(target, data, mode=bits)

    def _bits(self, path: str, mode: int) -> int:
        with contextlib.suppress(OSError):
            bits = (self._tree.root / path).stat().st_mode & 0o777
            if (mode == EXECUTABLE) == bool(bits & 0o100):
                return bits
        return mode & 0o777
