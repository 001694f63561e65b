"""The objects of one configuration, and what the sources were when they were built.

Kernels of one tree and guest share their sources; each flavour has objects of its own, which
begin as a copy of another flavour's: then only what the configuration changes is compiled.
Which objects are out of date, make tells by the times of files. So a file that this
configuration knows already gets back the time that it had, however often it was another
file for another call in between.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from syscraft import proc
from syscraft.errors import BuildError
from syscraft.files import (
    digest,
    folder_made_whole,
    read_record,
    remove_file,
    remove_tree,
    write_atomic,
    write_record,
)
from syscraft.hints import Progress
from syscraft.tree.adding import KernelChange
from syscraft.tree.source import KernelTree

_NOTES = ".syscraft"
_Entry = tuple[str, str, int]  # digest, digest of the tree's own file, time in nanoseconds
_BUILT = "built.json"
_MARKER = "building"
_LEFT = "left.json"
# A file may be half written if the last of all was written so soon after it: compilers and
# linkers write their output in one go.
_LAST_S = 10.0


class Objects:
    """The folder ``obj-KEY`` of *work*; whoever uses it holds the lock of *work*.

    It stands beside the sources, so that compilers see the same paths in every configuration,
    and ccache knows a file again.

    Args:
        image: what a whole build leaves, below ``path``.
    """

    def __init__(self, work: Path, key: str, image: str, progress: Progress) -> None:
        self._work = work
        self.path = work / f"obj-{key}"
        self.notes = self.path / _NOTES
        self.image = self.path / image
        self._image = image
        self._built = self.notes / _BUILT
        self._marker = self.notes / _MARKER
        self._warnings = self.notes / "warnings.json"
        self._left = self.notes / _LEFT
        self._progress = progress

    def prepare(self) -> None:
        """Make the folder if it is not there, and remove what a killed build left half made."""
        self._make()
        if not self._is_whole():
            self._progress("objects were changed: building all of them anew")
            remove_tree(self.path)
            self._make(copied=False)
        self._clean_after_kill()
        remove_file(self._left)  # from now on, nobody knows

    def _make(self, *, copied: bool = True) -> None:
        if not self.path.exists():
            with folder_made_whole(self.path) as draft:
                if copied and (sibling := self._sibling()):
                    self._progress("copying the objects of another flavour")
                    done = proc.run(["cp", "-a", "--reflink=auto", f"{sibling}/.", str(draft)])
                    if not done.ok:
                        raise BuildError.of(
                            "objects cannot be copied", found=done.output.strip()[-300:]
                        )
        self.notes.mkdir(exist_ok=True)

    def note_what_is_left(self) -> None:
        """Remember what make has left, whether it succeeded or not: damage shows by it."""
        write_record(self._left, self._what_is_left())

    def _is_whole(self) -> bool:
        """Whether nobody but make has written here; after a kill, nobody knows."""
        if not self._left.exists():
            return True
        return bool(read_record(self._left) == self._what_is_left())

    def _what_is_left(self) -> dict[str, list[int]]:
        """Size in bytes and time in nanoseconds of every file that a later build may rely on."""
        found = {}
        folders = [str(self.path)]
        while folders:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    elif entry.name not in (_LEFT, _MARKER) and not entry.name.endswith(".log"):
                        status = entry.stat(follow_symlinks=False)
                        found[entry.path] = [status.st_size, status.st_mtime_ns]
        root = len(str(self.path)) + 1
        return {path[root:]: state for path, state in found.items()}

    def _sibling(self) -> Path | None:
        """The objects that were last built as a whole, with nobody killed over them since."""
        built = {
            path: (path / _NOTES / _BUILT).stat().st_mtime_ns
            for path in self._work.glob("obj-*")
            if (path / _NOTES / _BUILT).exists()
            and (path / self._image).exists()
            and not (path / _NOTES / _MARKER).exists()
        }
        return max(built, key=built.__getitem__, default=None)

    @contextlib.contextmanager
    def being_built(self) -> Iterator[None]:
        """Mark that objects may be half written, for whoever comes after a kill."""
        write_atomic(self._marker, b"")
        try:
            yield
        except KeyboardInterrupt:
            self._marker.unlink(missing_ok=True)  # make has removed what it had half made
            raise
        self._marker.unlink(missing_ok=True)

    def _clean_after_kill(self) -> None:
        """Drop what a killed compiler may have left half written: what was written last."""
        if not self._marker.exists():
            return
        began = self._marker.stat().st_mtime
        image = self._image.rsplit("/", 1)[-1]
        written: dict[Path, float] = {}
        for folder, _, names in os.walk(self.path):
            for name in names:
                path = Path(folder, name)
                if name.endswith((".o", ".a")) or name in ("vmlinux", image):
                    with contextlib.suppress(OSError):
                        written[path] = path.stat().st_mtime
        last = max(written.values(), default=0.0)
        for path, time in written.items():
            if time >= max(began, last - _LAST_S):
                path.unlink(missing_ok=True)
        self._marker.unlink()

    # -- what the sources were ----------------------------------------------------------------

    def restore_times(self, source: Path, tree: KernelTree, change: KernelChange) -> frozenset[str]:
        """Give files that are what they were at the last build the times of then.

        All others become new.

        Returns: the quiet files of *change* that are not, though the tree's own have not changed.
        """
        known = self._read()
        quiet = set()
        for path, data in change.files.items():
            content, pristine, time_ns = known.get(path, ("", None, 0))
            if content == digest(data):
                os.utime(source / path, ns=(time_ns, time_ns), follow_symlinks=False)
                continue
            # The build of another flavour may have made it look old.
            os.utime(source / path, follow_symlinks=False)
            if path in change.quiet and pristine == _pristine(tree, path):
                quiet.add(path)
        return frozenset(quiet)

    def begin(self, change: KernelChange) -> None:
        """Forget what will not hold of the objects if the build that begins now fails.

        An object may be made of a file's new content then. Should the old content come back,
        it has to be compiled again, and must not get its old time.
        """
        known = self._read()
        kept = {
            path: entry
            for path, entry in known.items()
            if path in change.files and entry[0] == digest(change.files[path])
        }
        self._write(kept)

    def pinned(self, quiet: Iterable[str], tree: KernelTree) -> None:
        """Remember that the *quiet* files have rebuilt nothing, though this build may fail yet.

        Those of the next change will have to rebuild nothing, either, whatever they contain.
        """
        known = self._read()
        self._write({**known, **{path: ("", _pristine(tree, path), 0) for path in quiet}})

    def settle(self, source: Path, tree: KernelTree, change: KernelChange) -> None:
        """Remember what a build that has succeeded was made of."""
        state = {
            path: (digest(data), _pristine(tree, path), (source / path).lstat().st_mtime_ns)
            for path, data in change.files.items()
        }
        self._write(state)

    def keep_warnings(self, found: Mapping[str, Sequence[str]]) -> None:
        """Remember what the compiler warned of in the files that it has compiled now."""
        if found:
            write_record(self._warnings, {**(read_record(self._warnings) or {}), **found})

    def warnings(self, paths: Iterable[str]) -> tuple[str, ...]:
        """What it warned of in *paths* when it last compiled them."""
        known = read_record(self._warnings) or {}
        return tuple(text for path in paths for text in known.get(path, ()))

    def _write(self, files: Mapping[str, _Entry]) -> None:
        write_record(self._built, files)

    def _read(self) -> Mapping[str, _Entry]:
        return read_record(self._built) or {}


def _pristine(tree: KernelTree, path: str) -> str:
    """The content that a file has in the tree without any call."""
    data = tree.read_bytes(path)
    return "" if data is None else digest(data)
