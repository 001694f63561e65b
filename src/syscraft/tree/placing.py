"""Puts files, links and removals into a tree of the user's own.

Nothing is written or removed behind a link. What is half written lies in the tree's folder
``.syscraft``, where whoever comes after a kill removes it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Container, Iterable, Mapping
from pathlib import Path, PurePosixPath

from syscraft.errors import TreeError
from syscraft.files import disk_errors, remove_file, remove_tree, umask, write_atomic
from syscraft.tree.record import FOLDER
from syscraft.tree.source import EXECUTABLE, LINK, KernelTree

_DRAFT = "draft"


def check_places(
    tree: KernelTree, paths: Iterable[str], *, ours: Container[str] = frozenset()
) -> None:
    """Refuse to write behind a link of the tree, which may lead out of it.

    Args:
        ours: links that go before anything is written.

    Raises:
        TreeError: there is one, or the folder of records is one.
    """
    for path in (f"{FOLDER}/record", *sorted(paths)):
        for parent in [str(p) for p in PurePosixPath(path).parents][-2::-1]:
            if parent not in ours and (tree.root / parent).is_symlink():
                raise TreeError.of(
                    "a link stands where a folder of the tree is needed",
                    tree.where(parent),
                    expected=f"a folder, on the way to {path}",
                    found=f"{parent} -> {os.readlink(tree.root / parent)}",
                )


def remove_leftovers(tree: KernelTree) -> None:
    """Remove what a killed process has left in the folder of records, or all of it if empty."""
    folder = tree.root / FOLDER
    check_places(tree, ())
    if not folder.is_dir():
        return
    for name in os.listdir(folder):
        if name == _DRAFT or (name.startswith(".") and name.endswith(".tmp")):
            remove_file(folder / name)
    if set(os.listdir(folder)) <= {".gitignore"}:
        remove_tree(folder)


def write_files(
    tree: KernelTree, files: Mapping[str, bytes | None], modes: Mapping[str, int]
) -> None:
    """Make the files of a tree what *files* say; those that are None go, and go first."""
    for path in sorted(files, reverse=True):
        if files[path] is None:
            check_places(tree, [path])
            _remove(tree.root / path)
    gone = {path for path, data in files.items() if data is None}
    for path, data in files.items():
        if data is not None:
            if (tree.root / path).is_dir():  # a link or a file in the place of a folder
                remove_empty_folders(tree, folders_of(gone))
            put(tree, path, data, modes.get(path))


def _remove(target: Path) -> None:
    if target.is_symlink() or not target.is_dir():
        with contextlib.suppress(NotADirectoryError):
            remove_file(target)


def remove_empty_folders(tree: KernelTree, folders: Iterable[str]) -> None:
    """Remove those of *folders* that have nothing in them, the inner ones first."""
    for folder in sorted(folders, key=len, reverse=True):
        target = tree.root / folder
        if target.is_dir() and not target.is_symlink() and not any(target.iterdir()):
            with disk_errors(target):
                target.rmdir()


def folders_of(paths: Iterable[str]) -> frozenset[str]:
    """All folders on the way to *paths*."""
    return frozenset(str(p) for path in paths for p in list(PurePosixPath(path).parents)[:-1])


def put(tree: KernelTree, path: str, data: bytes, mode: int | None) -> None:
    """Write a file, or make a link, unless it is there.

    Args:
        mode: as git has it; None keeps the one that a file has. The user's umask decides on the
            bits that git does not know.
    """
    check_places(tree, [path])
    target, draft = tree.root / path, tree.root / FOLDER / _DRAFT
    if mode == LINK:
        if target.is_symlink() and os.readlink(target) == os.fsdecode(data):
            return
        with disk_errors(target):
            draft.unlink(missing_ok=True)
            draft.symlink_to(os.fsdecode(data))
            _move(draft, target)
        return
    bits = _bits(target, mode)
    with contextlib.suppress(OSError):
        is_same = not target.is_symlink() and target.read_bytes() == data
        if is_same and stat.S_IMODE(target.stat().st_mode) == bits:
            return
    write_atomic(draft, data, mode=bits)
    try:
        with disk_errors(target):
            _move(draft, target)
    except OSError as error:
        if error.errno != errno.EXDEV:  # a part of the tree may be mounted from elsewhere
            raise
        write_atomic(target, data, mode=bits)
        remove_file(draft)


def _move(draft: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(draft, target)


def _bits(target: Path, mode: int | None) -> int:
    try:
        status = target.lstat()
    except OSError:
        status = None
    if status is None or not stat.S_ISREG(status.st_mode):
        return (0o777 if mode == EXECUTABLE else 0o666) & ~umask()
    bits = stat.S_IMODE(status.st_mode)
    if mode is None:
        return bits
    return bits | (bits & 0o444) >> 2 if mode == EXECUTABLE else bits & ~0o111
