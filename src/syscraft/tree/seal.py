"""Tells whether an unpacked tree is still what was unpacked, without reading 1.4 GB of it.

Whatever writes to a file gives it a new time, and whatever adds, removes or renames one gives its
folder a new time. The files of an archive have few times, mostly one for all. So damage shows in
the times alone; only a byte that changes on the disk by itself, at an unchanged time, does not.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from syscraft.files import read_record, write_record

# What interpreters leave beside scripts of the tree that a build runs.
_IGNORED = "__pycache__"


@dataclass(frozen=True)
class Seal:
    """What a tree is known by.

    Args:
        folders: time of each in nanoseconds, by its path in the tree.
        times: those that its files and links have, in nanoseconds.
        count: how many files and links there are.
    """

    folders: Mapping[str, int]
    times: frozenset[int]
    count: int

    def folders_hold(self, root: Path) -> bool:
        """Whether nothing was added to a folder, removed from it or renamed."""
        start = f"{root}/"
        try:
            return all(os.stat(start + n).st_mtime_ns == t for n, t in self.folders.items())
        except OSError:
            return False

    def holds_for(self, path: Path) -> bool:
        """Whether nobody has written to a file, or there is none."""
        try:
            return path.lstat().st_mtime_ns in self.times or path.is_dir()
        except OSError:
            return True


def seal_of(root: Path) -> Seal:
    """Look at every file of a tree."""
    folders: dict[str, int] = {}
    times: set[int] = set()
    count, waiting = 0, [""]
    while waiting:
        inside = waiting.pop()
        folder = os.path.join(root, inside)
        folders[inside] = os.stat(folder).st_mtime_ns
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False):
                    times.add(entry.stat(follow_symlinks=False).st_mtime_ns)
                    count += 1
                elif entry.name != _IGNORED:
                    waiting.append(os.path.join(inside, entry.name))
    return Seal(folders, frozenset(times), count)


def keep_seal(seal: Seal, path: Path) -> None:
    """Keep a seal, for :func:`kept_seal`."""
    write_record(path, [dict(seal.folders), sorted(seal.times), seal.count])


def kept_seal(path: Path) -> Seal | None:
    """The seal kept at *path*; None if there is none, or a damaged one."""
    match read_record(path):
        case [dict() as folders, list() as times, int() as count]:
            return Seal(folders, frozenset(times), count)
        case _:
            return None


class Watch:
    """Looks at an unpacked tree before it is read, and has it unpacked anew if it is damaged.

    Args:
        path: where its seal is kept.
        renew: unpacks the tree, unless the seal holds again by then, and keeps a new seal.
    """

    def __init__(self, root: Path, path: Path, renew: Callable[[], None]) -> None:
        self._root = root
        self._path = path
        self._renew = renew
        self._lock = threading.RLock()
        self._seal: Seal | None = None

    def look_at(self, file: str) -> None:
        """Make sure that a file of the tree can be read, or that the tree has none."""
        if not self.seal().holds_for(self._root / file):
            self._unpack_again()

    def seal(self) -> Seal:
        """What the tree is known by; its folders hold to it."""
        with self._lock:
            if self._seal is None:
                found = kept_seal(self._path)
                if found is None or not found.folders_hold(self._root):
                    return self._unpack_again()
                self._seal = found
            return self._seal

    def look_at_all(self) -> None:
        """Make sure of every file, for somebody who reads what nobody knows beforehand."""
        if seal_of(self._root) != self.seal():
            self._unpack_again()

    def _unpack_again(self) -> Seal:
        with self._lock:
            self._renew()
            found = kept_seal(self._path)
            if found is None:  # somebody has damaged it meanwhile
                found = seal_of(self._root)
            self._seal = found
            return found
