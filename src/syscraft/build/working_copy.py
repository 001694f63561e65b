"""A copy of a kernel tree that is made to hold one change after the other.

Its files are shared with the pristine tree as hard links where the tree is our own, and
replaced, never written to. Journals beside it say what may differ from the pristine tree, so
that any build, also one after a kill, starts from a known state.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from pathlib import Path, PurePosixPath

from syscraft import proc
from syscraft.errors import BuildError
from syscraft.files import folder_made_whole, remove_drafts, write_if_changed
from syscraft.hints import Progress
from syscraft.tree.adding import KernelChange
from syscraft.tree.source import EXECUTABLE, LINK, KernelTree

_State = dict[str, list[int]]  # path -> size in bytes, time in nanoseconds


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
        if not self.source.exists():
            self._progress("copying the kernel tree")
            self._synced.unlink(missing_ok=True)
            with folder_made_whole(self.source) as draft:
                if self._tree.files is None:
                    self._link(draft)
                else:
                    for name in self._tree.files:
                        self._copy(name, draft)
            self._holds(self._state())
        elif self._tree.files is not None:
            self._update()

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

    def _update(self) -> None:
        """Copy what differs between the tree and the copy, whatever became of a build between."""
        before: _State = json.loads(self._synced.read_text()) if self._synced.exists() else {}
        now = self._state()
        different = {
            name for name in before.keys() | now.keys() if before.get(name) != now.get(name)
        }
        if not different:
            return
        # Before the first write: after a kill nobody knows which of these the copy holds.
        self._holds({name: state for name, state in before.items() if name not in different})
        # What was a file may be a folder now, or a link to one, and the other way round.
        for name in sorted(different, reverse=True):
            if not self._is_behind_link(name):
                self._remove(name)
        for name in sorted(different & now.keys()):
            self._progress(f"updating the copy of the kernel tree: {name}")
            self._copy(name, self.source)
            # make compares times: what came back from an older branch is new here.
            os.utime(self.source / name, follow_symlinks=False)
        self._holds(now)

    def _state(self) -> _State:
        return {name: list(state) for name, state in (self._tree.files or {}).items()}

    def _holds(self, state: _State) -> None:
        if self._tree.files is not None:
            write_if_changed(self._synced, json.dumps(state).encode())

    def overlay(self, change: KernelChange) -> None:
        """Make the copy hold *change* and no other."""
        before = set(json.loads(self._overlaid.read_text())) if self._overlaid.exists() else set()
        after = change.files.keys() | change.removed
        # Before the first write: whoever comes after a kill must know what may differ.
        write_if_changed(self._overlaid, json.dumps(sorted(before | after)).encode())
        wanted = change.seen_in(self._tree)
        # A link may have been where a folder is needed, or the other way round.
        for path in sorted(before | after, reverse=True):
            if wanted.mode(path) is None and not self._is_behind_link(path):
                self._remove(path)
        for path in sorted(before | after):
            data, mode = wanted.raw(path), wanted.mode(path)
            if data is not None and mode is not None:
                self._put(path, data, mode)
        write_if_changed(self._overlaid, json.dumps(sorted(after)).encode())

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
        if target.is_symlink() or (target.exists() and (target.stat().st_mode & 0o777) != bits):
            target.unlink()
        write_if_changed(target, data, mode=bits)

    def _bits(self, path: str, mode: int) -> int:
        with contextlib.suppress(OSError):
            bits = (self._tree.root / path).stat().st_mode & 0o777
            if (mode == EXECUTABLE) == bool(bits & 0o100):
                return bits
        return mode & 0o777
