"""Applies the patches that a declaration carries, outside of any tree, as git am would."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from syscraft.errors import DeclarationError, TreeError, Where
from syscraft.files import digest, temporary_folder
from syscraft.model.call import TextFile
from syscraft.tree.git_index import Entry, GitIndex
from syscraft.tree.source import EXECUTABLE, LINK, PLAIN, KernelTree, is_inside

# Files that git names no more once a patch is applied: those that are renamed or copied.
_FROM = re.compile(r"^(?:rename|copy) from ([^\n]+)$", re.MULTILINE)


@dataclass(frozen=True)
class Patched:
    """What a declaration's patches do to a tree.

    Args:
        files: path -> content of every file that differs afterwards.
        removed: the files that are gone.
        modes: those of all ``files``.
        applied: the patches that the tree did not have yet.
    """

    files: Mapping[str, bytes]
    removed: frozenset[str]
    modes: Mapping[str, int]
    applied: tuple[TextFile, ...]

    def seen_in(self, tree: KernelTree) -> KernelTree:
        """The tree with the patches."""
        return tree.with_files({**self.files, **dict.fromkeys(self.removed)}, self.modes)


def apply_patches(patches: Sequence[TextFile], tree: KernelTree) -> Patched:
    """Apply an author's patches in order; what the tree has already is left out.

    Two variants of a call may need the same change of the kernel, and carry the same patch.

    Raises:
        TreeError: a patch does not apply; git's own words are in the message.
        DeclarationError: a patch leaves the tree, or changes nothing.
    """
    if not patches:
        return Patched({}, frozenset(), {}, ())
    with _Bench(tree) as bench:
        applied = []
        for patch in patches:
            bench.bring(touched_by(patch))
            done = bench.index.apply(patch.text)
            if done.ok:
                applied.append(patch)
                _check_entries(patch, bench)
            elif not bench.index.apply(patch.text, "--reverse", "--check").ok:
                raise TreeError.of(
                    f"this patch does not apply to {tree.shown}",
                    Where(patch.shown_path),
                    found=done.output.strip(),
                    hint="regenerate it against this tree with git format-patch",
                )
        return bench.patched(applied)


def take_back_patches(patches: Sequence[TextFile], tree: KernelTree) -> Patched:
    """Undo those of an author's patches that a tree has; the last one comes first."""
    if not patches:
        return Patched({}, frozenset(), {}, ())
    with _Bench(tree) as bench:
        undone = []
        for patch in reversed(patches):
            bench.bring(touched_by(patch))
            if bench.index.apply(patch.text, "--reverse").ok:
                undone.append(patch)
        return bench.patched(undone)


def patch_key(patch: TextFile) -> str:
    """Names a patch by what it says."""
    return digest(patch.text)


def repaired_files(tree: KernelTree, patch: str) -> dict[str, bytes]:
    """Apply a patch that repairs a tree; one that does not apply is not needed.

    Returns: path -> content of every file that differs afterwards.
    """
    with _Bench(tree) as bench:
        bench.bring(_named_in(bench.index, patch) or ())
        if not bench.index.apply(patch).ok:
            return {}
        return dict(bench.patched(()).files)


@functools.cache
def touched_by(patch: TextFile) -> frozenset[str]:
    """The files that a patch is about.

    Raises:
        DeclarationError: there is none, or one outside of the tree.
    """
    with temporary_folder() as folder:
        paths = _named_in(GitIndex(folder), patch.text)
    if not paths:
        raise DeclarationError.of(
            "this patch changes no files",
            Where(patch.shown_path),
            expected="a diff with --- a/FILE and +++ b/FILE lines",
        )
    for path in sorted(paths):
        if not is_inside(path):
            raise DeclarationError.of(
                "this patch changes a file outside the kernel tree",
                Where(patch.shown_path),
                found=path,
            )
        if not path.isprintable() or "\ufffd" in path:
            raise DeclarationError.of(
                "this patch changes a file whose name cannot be printed",
                Where(patch.shown_path),
                found=repr(path),
            )
    return frozenset(paths)


def _named_in(index: GitIndex, patch: str) -> set[str] | None:
    done = index.paths_of(patch)
    if not done.ok:
        return None
    counted = [part.split("\t", 2) for part in done.output.split("\0")]
    names = {parts[2] for parts in counted if len(parts) == 3}
    return names | {name.strip('"') for name in _FROM.findall(patch)}


class _Bench:
    """A git index that gets those files of a tree that patches are about."""

    def __init__(self, tree: KernelTree) -> None:
        self.tree = tree
        self._stack = contextlib.ExitStack()
        self._brought: dict[str, Entry] = {}
        self._seen: set[str] = set()

    def __enter__(self) -> _Bench:
        self.index = GitIndex(self._stack.enter_context(temporary_folder()))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def bring(self, paths: Iterable[str]) -> None:
        """Add files as the tree has them, unless they are there, or were and are gone."""
        files: dict[str, tuple[int, bytes]] = {}
        for path in sorted(self._concerned(paths) - self._seen):
            self._seen.add(path)
            mode, data = self.tree.mode(path), self.tree.raw(path)
            if mode is not None and data is not None:
                files[path] = (mode, data)
        self.index.add(files)
        entries = self.index.entries()
        self._brought |= {path: entries[path] for path in files if path in entries}

    def _concerned(self, paths: Iterable[str]) -> set[str]:
        """With *paths*, what may stand in their way: a file for a folder, and a folder for a file.

        A file behind a link is not there for git.
        """
        found = set()
        for path in paths:
            if above := self.tree.link_above(path):
                found.add(above)
                continue
            found.add(path)
            if self.tree.mode(path) is None and self.tree.has_folder(path):
                found |= {p for p in self.tree.glob(f"{path}/**/*") if self.tree.mode(p)}
        return found

    def changed(self) -> Iterator[tuple[str, int]]:
        """The path and the mode of every entry that is not what the tree has."""
        for path, entry in self.index.entries().items():
            if self._brought.get(path) != entry:
                yield path, entry[0]

    def removed(self) -> frozenset[str]:
        return frozenset(self._brought.keys() - self.index.entries().keys())

    def patched(self, patches: Sequence[TextFile]) -> Patched:
        modes = dict(self.changed())
        return Patched(
            files=self.index.read(modes),
            removed=self.removed(),
            modes=modes,
            applied=tuple(patches),
        )


def _check_entries(patch: TextFile, bench: _Bench) -> None:
    """Refuse links that leave the tree, and what no file of a kernel is.

    Raises:
        DeclarationError: the patch makes one of those.
    """
    modes = dict(bench.changed())
    for path, mode in modes.items():
        if mode not in (PLAIN, EXECUTABLE, LINK):
            raise DeclarationError.of(
                "this patch adds a repository inside the kernel tree",
                Where(patch.shown_path),
                expected="files and links",
                found=f"{path}, of mode {mode:06o}",
            )
    links = bench.index.read(path for path, mode in modes.items() if mode == LINK)
    files = {**dict.fromkeys(bench.removed()), **dict.fromkeys(modes, b""), **links}
    tree = bench.tree.with_files(files, modes)
    for path, target in links.items():
        if tree.resolved(path) is None:
            raise DeclarationError.of(
                "this patch makes a link that leaves the kernel tree",
                Where(patch.shown_path),
                expected="a link to something in the tree",
                found=f"{path} -> {target.decode(errors='replace')}",
            )
