"""Kernel trees: found, unpacked or copied into the cache, never modified in place."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from syscraft import proc
from syscraft.defaults import DEFAULT_LINUX
from syscraft.errors import EnvironmentLacks, UsageError, Where
from syscraft.files import (
    FileLock,
    cache_root,
    digest,
    folder_made_whole,
    remove_drafts,
    remove_tree,
)
from syscraft.hints import Progress, silent
from syscraft.tree.seal import Watch, keep_seal, kept_seal, seal_of

_DEBIAN_SOURCES = Path("/usr/src")

# Modes of files, as git has them.
PLAIN, EXECUTABLE, LINK = MODES = 0o100644, 0o100755, 0o120000
# Folders of the tree that are no part of the kernel.
_PRIVATE = (".git", ".syscraft")
_LINKS_AT_MOST = 40  # as the kernel has it. Source: MAXSYMLINKS in include/linux/namei.h, 6.12


@dataclass(frozen=True)
class KernelTree:
    """A pristine tree that nobody changes.

    Args:
        root: where its files are.
        key: names the tree.
        shown: how the user called it.
        state: names its content, if that can change.
        files: size in bytes and time in nanoseconds of every source file, by name, of a
            tree that its author goes on working in; None for one that is our own.
        overlay: content of files that differ from those in *root*; None for what is gone. A
            link's content is where it points to.
        modes: those of files of the overlay that have not the mode of the file in *root*.
        watch: looks at the files of a tree that is kept in the cache.
    """

    root: Path
    key: str
    shown: str
    state: str = ""
    files: Mapping[str, tuple[int, int]] | None = None
    overlay: Mapping[str, bytes | None] = field(default_factory=lambda: MappingProxyType({}))
    modes: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    watch: Watch | None = field(default=None, compare=False, repr=False)

    def on_disk(self, path: str = "") -> Path:
        """Where a file of *root* is; what is damaged in the cache is made anew before."""
        if self.watch:
            self.watch.look_at(path)
        return self.root / path

    def read_bytes(self, path: str) -> bytes | None:
        """The content of a file, or None if the tree does not have it.

        A link of the overlay is followed within the tree, and nowhere else.
        """
        if path in self.overlay:
            if self.modes.get(path) != LINK:
                return self.overlay[path]
            target = self.resolved(path)
            return None if target is None else self.read_bytes(target)
        try:
            return self.on_disk(path).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None

    def read(self, path: str) -> str | None:
        """The text of a file, or None if the tree does not have it."""
        data = self.read_bytes(path)
        return None if data is None else data.decode("utf-8", errors="surrogateescape")

    def glob(self, pattern: str) -> tuple[str, ...]:
        """The paths of all files, and links, that match *pattern*, in order.

        Args:
            pattern: as :meth:`pathlib.Path.glob` has it; ``**`` is any number of folders.
        """
        matches = _pattern(pattern).fullmatch
        found = {
            str(path.relative_to(self.root))
            for path in self.on_disk().glob(pattern)
            if not path.is_dir() or path.is_symlink()
        }
        return tuple(sorted(self._seen_through_overlay(found, lambda path: bool(matches(path)))))

    def walk(self, enter: Callable[[str], bool]) -> Iterator[str]:
        """The paths of all files in folders that *enter* accepts; links are not followed."""
        yield from self._seen_through_overlay(self._on_disk(enter), _below(enter))

    def has_folder(self, path: str) -> bool:
        """Whether the tree has a file somewhere below *path*, or an empty folder there."""
        inside = [name for name in self.overlay if name.startswith(f"{path}/")]
        if any(self.overlay[name] is not None for name in inside):
            return True
        folder = self.on_disk(path)
        if not inside or not folder.is_dir():
            return folder.is_dir()
        return any(
            self.overlay.get(str(found.relative_to(self.root)), b"") is not None
            for found in folder.rglob("*")
            if not found.is_dir()
        )

    def mode(self, path: str) -> int | None:
        """The mode of a file as git has it, or None if the tree does not have it."""
        if path in self.overlay and (self.overlay[path] is None or path in self.modes):
            return self.modes.get(path)
        absent = PLAIN if path in self.overlay else None
        try:
            mode = os.lstat(self.on_disk(path)).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return absent
        if stat.S_ISLNK(mode):
            return absent or LINK
        if stat.S_ISDIR(mode):
            return absent
        return EXECUTABLE if mode & stat.S_IXUSR else PLAIN

    def has(self, path: str) -> bool:
        """Whether the tree has a file or a link, and not behind another link."""
        return self.mode(path) is not None and self.link_above(path) is None

    def is_link(self, path: str) -> bool:
        """Whether a file is a second name of another one."""
        return self.mode(path) == LINK

    def raw(self, path: str) -> bytes | None:
        """The content of a file as git has it: a link's is where it points to."""
        if path in self.overlay:
            return self.overlay[path]
        if self.is_link(path):
            return os.fsencode(os.readlink(self.on_disk(path)))
        return self.read_bytes(path)

    def resolved(self, path: str) -> str | None:
        """Where a path comes to once the links in it are followed; None if outside of the tree."""
        waiting, done, links = path.split("/")[::-1], list[str](), 0
        while waiting:
            part = waiting.pop()
            if part == ".." and not done:
                return None
            if part == "..":
                done.pop()
            elif part not in ("", "."):
                done.append(part)
                if self.is_link("/".join(done)):
                    target = os.fsdecode(self.raw("/".join(done)) or b"/")
                    done.pop()
                    links += 1
                    if target.startswith("/") or links > _LINKS_AT_MOST:
                        return None
                    waiting += target.split("/")[::-1]
        return "/".join(done)

    def link_above(self, path: str) -> str | None:
        """The first folder on the way to *path* that is a link, or no folder."""
        for parent in [str(p) for p in PurePosixPath(path).parents][-2::-1]:
            if self.mode(parent) is not None:
                return parent
        return None

    def _seen_through_overlay(
        self, on_disk: Iterable[str], wanted: Callable[[str], bool]
    ) -> Iterator[str]:
        for path in on_disk:
            if path not in self.overlay:
                yield path
        for path, data in self.overlay.items():
            if data is not None and wanted(path):
                yield path

    def _on_disk(self, enter: Callable[[str], bool]) -> Iterator[str]:
        waiting = [""]
        root = self.on_disk()
        while waiting:
            folder = waiting.pop()
            try:
                listed = list(os.scandir(os.path.join(root, folder)))
            except OSError:
                continue
            for entry in listed:
                path = f"{folder}/{entry.name}" if folder else entry.name
                if not entry.is_dir(follow_symlinks=False):
                    yield path
                elif enter(path):
                    waiting.append(path)

    def with_files(
        self, files: Mapping[str, bytes | None], modes: Mapping[str, int] = MappingProxyType({})
    ) -> KernelTree:
        """The same tree with some files changed, added or, where None, removed.

        Args:
            modes: of those that do not keep the mode that they have.
        """
        kept = {p: mode for p, mode in self.modes.items() if files.get(p, b"") is not None}
        return replace(
            self,
            overlay=MappingProxyType({**self.overlay, **files}),
            modes=MappingProxyType({**kept, **modes}),
        )

    def where(self, path: str, line: int | None = None) -> Where:
        return Where(str(Path(self.shown) / path), line)


def is_inside(path: str) -> bool:
    """Whether a path, by its words alone, is one of a kernel's files."""
    parts = PurePosixPath(path).parts
    if not parts or parts[0] == "/" or ".." in parts:
        return False
    return parts[0].lower() not in _PRIVATE


def _pattern(glob: str) -> re.Pattern[str]:
    """The paths that a pattern of :meth:`pathlib.Path.glob` matches."""
    words = {"**/": "(?:[^/]+/)*", "*": "[^/]*"}
    parts = re.split(r"(\*\*/|\*)", glob)
    return re.compile("".join(words.get(part, re.escape(part)) for part in parts))


def _below(enter: Callable[[str], bool]) -> Callable[[str], bool]:
    """Whether a walk that asks *enter* comes to a file."""

    def reached(path: str) -> bool:
        folders = [str(parent) for parent in PurePosixPath(path).parents][:-1]
        return all(enter(folder) for folder in folders)

    return reached


def open_tree(linux: str = DEFAULT_LINUX, *, progress: Progress = silent) -> KernelTree:
    """Find the tree that *linux* names.

    Args:
        linux: ``deb:VERSION`` for Debian's source package, or a path.

    Raises:
        UsageError: the path is no kernel tree.
        EnvironmentLacks: Debian's package is not installed.
    """
    if linux.startswith("deb:"):
        return _debian_tree(linux, progress)
    return _own_tree(linux)


def _debian_tree(linux: str, progress: Progress) -> KernelTree:
    package = f"linux-source-{linux.removeprefix('deb:')}"
    archive = _DEBIAN_SOURCES / f"{package}.tar.xz"
    if not linux.removeprefix("deb:").replace(".", "").isdigit():
        raise UsageError.of("not a version of a Debian kernel", expected="deb:6.12", found=linux)
    try:
        status = archive.stat()
    except OSError as error:
        raise EnvironmentLacks.of(
            f"Debian's {package} is not installed",
            Where(str(archive)),
            hint=f"apt-get install {package}",
        ) from error
    key = f"{linux.replace(':', '-')}-{digest(str(status.st_size), str(status.st_mtime_ns))[:8]}"
    trees = cache_root() / "trees"
    root, seal = trees / key, trees / f"{key}.json"

    def renew() -> None:
        with FileLock(
            trees / f"{key}.lock",
            on_wait=lambda: progress(f"waiting for another process to unpack {linux}"),
        ):
            if root.is_dir():
                known = kept_seal(seal)
                if known is not None and known == seal_of(root):
                    return
                progress(f"the unpacked {linux} was changed: unpacking it anew")
                remove_tree(root)
            remove_drafts(trees, key)  # others may be making theirs
            progress(f"unpacking {archive.name}")
            _unpack(archive, root, seal)

    if not root.is_dir():
        renew()
    return KernelTree(root, key, linux, watch=Watch(root, seal, renew))


def _unpack(archive: Path, root: Path, seal: Path) -> None:
    with folder_made_whole(root) as draft:
        done = proc.run(["tar", "-x", "-f", str(archive), "--strip-components=1", "-C", str(draft)])
        if not done.ok:
            raise EnvironmentLacks.of(
                "the kernel source cannot be unpacked",
                Where(str(archive)),
                found=done.output.strip()[-300:],
                hint=f"free some space (2 GB are needed); {done.replay}",
            )
        keep_seal(seal_of(draft), seal)  # before the tree is there: none is without


def _own_tree(linux: str) -> KernelTree:
    path = Path(linux)
    check_tree(path, linux)
    files = list_files(path)
    state = digest(*(f"{name}\0{size}\0{time_ns}" for name, (size, time_ns) in files.items()))
    return KernelTree(
        path.resolve(), f"path-{digest(str(path.resolve()))}", linux, state=state, files=files
    )


def check_tree(path: Path, shown: str) -> None:
    """Refuse what is no kernel tree.

    Raises:
        UsageError: a file that every Linux tree has is missing.
    """
    for name in ("Makefile", "Kconfig", "kernel/fork.c", "include/linux/syscalls.h"):
        if not (path / name).is_file():
            raise UsageError.of(
                "not a Linux kernel tree",
                Where(shown),
                expected=f"a folder with {name}",
                found="no such file" if path.exists() else "nothing at this path",
                hint="deb:6.12 uses Debian's linux-source-6.12",
            )


# What a build leaves in a tree; make refuses to build elsewhere from a tree that has it.
# Source: the check "source tree is not clean" in Makefile, and its mrproper target, Linux 6.12
_BUILD_FOLDERS = re.compile(r"(?:^|/)(?:\.git|\.syscraft|include/config|include/generated)$")
_BUILD_FILES = re.compile(r"(?:^|/)(?:\.config(?:\.old)?|\..*\.cmd|.*\.(?:o|a|ko|mod|order))$")
# New files that a build reads count before git knows them; notes and logs do not.
_SOURCES = re.compile(r"(?:^|/)(?:Makefile|Kbuild|Kconfig)[^/]*$|\.(?:[chS]|tbl|lds|inc|rs|dtsi?)$")


def list_files(path: Path) -> dict[str, tuple[int, int]]:
    """List the source files of a tree; what a build made is left out.

    In a git tree that is what git tracks, and new sources that it does not ignore.

    Returns: name -> size in bytes, time in nanoseconds; in the order of names.
    """
    listed = _git(path, "ls-files", "-z")
    if listed.ok and listed.output and (path / ".git").exists():
        names = [*listed.output.split("\0")[:-1], *_new_sources(path)]
    else:
        names = _walk(path)
    result = {}
    for name in sorted(names):
        try:
            status = os.lstat(path / name)
        except OSError:
            continue  # tracked, but deleted in the working tree
        result[name] = (status.st_size, status.st_mtime_ns)
    return result


def _git(path: Path, *words: str) -> proc.Result:
    """Ask git about the tree at *path*, whatever repository a hook that called us is of."""
    others = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX")
    return proc.run(["git", "-C", str(path), *words], env=dict.fromkeys(others))


def _new_sources(path: Path) -> list[str]:
    listed = _git(path, "ls-files", "-z", "--others", "--exclude-standard")
    return [
        name
        for name in listed.output.split("\0")[:-1]
        if _SOURCES.search(name)
        and not _BUILD_FILES.search(name)
        and not any(_BUILD_FOLDERS.search(str(parent)) for parent in PurePosixPath(name).parents)
    ]


def _walk(path: Path) -> list[str]:
    names = []
    for folder, folders, files in os.walk(path):
        inside = os.path.relpath(folder, path)

        def name_of(name: str, inside: str = inside) -> str:
            return os.path.normpath(os.path.join(inside, name))

        folders[:] = [f for f in folders if not _BUILD_FOLDERS.search(name_of(f))]
        links = [f for f in folders if os.path.islink(os.path.join(folder, f))]
        names += [name_of(f) for f in files + links if not _BUILD_FILES.search(name_of(f))]
    return names
