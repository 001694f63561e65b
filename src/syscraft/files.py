"""The one module that writes files: whole or not at all, and only if changed."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import functools
import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from syscraft.errors import EnvironmentLacks, UsageError, Where

KIB = 1 << 10
MIB = 1 << 20


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn a full disk or a missing permission into an error that says so.

    Raises:
        EnvironmentLacks: ENOSPC, EDQUOT, EACCES, EPERM, EROFS, ENOTDIR, EEXIST or EISDIR
            under *path*.
    """
    try:
        yield
    except OSError as error:
        hints = {
            errno.ENOSPC: "free some space, or set SYSCRAFT_CACHE to a folder on a larger disk",
            errno.EDQUOT: "your disk quota is used up",
            errno.EACCES: "give yourself write permission, or choose another folder",
            errno.EPERM: "give yourself write permission, or choose another folder",
            errno.EROFS: "the file system is mounted read-only; choose another folder",
            errno.ENOTDIR: "a file exists where a folder is needed",
            errno.EEXIST: "a file exists where a folder is needed",
            errno.EISDIR: "a folder exists where a file is needed",
        }
        if error.errno not in hints:
            raise
        raise EnvironmentLacks.of(
            f"cannot write: {os.strerror(error.errno)}",
            Where(str(error.filename or path)),
            hint=hints[error.errno],
        ) from error


def read_limited(path: str | Path, limit_bytes: int) -> bytes:
    """Read a regular file; a pipe could keep us waiting, a device could go on for ever.

    Raises:
        OSError: it cannot be read, is no regular file, or is larger than *limit_bytes*.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with open(fd, "rb") as file:
        status = os.fstat(fd)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        data = b"" if status.st_size > limit_bytes else file.read(limit_bytes + 1)
    if max(status.st_size, len(data)) > limit_bytes:
        raise OSError(errno.EFBIG, f"larger than {limit_bytes // KIB} KiB", str(path))
    return data


def check_target(path: Path) -> None:
    """Refuse to write where something else than a file is: renaming would replace it.

    Raises:
        UsageError: *path* is a folder, a pipe, a socket or a device.
    """
    with contextlib.suppress(OSError):
        if not stat.S_ISREG(path.stat().st_mode):
            raise UsageError.of(
                "cannot write: not a regular file",
                Where(str(path)),
                expected="a new file, or one to replace",
            )


_DRAFT = ".syscraft-"
_TEMPORARY = "syscraft"
_swept: set[Path] = set()


def _sweep(folder: Path) -> None:
    """Remove the temporary files that killed processes left in *folder*; looks once."""
    if folder in _swept:
        return
    _swept.add(folder)
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(_DRAFT):
                _remove_abandoned(Path(entry.path))


def _remove_abandoned(draft: Path) -> None:
    """Remove *draft* if it is ours and its maker has died: the living hold its lock."""
    try:
        fd = os.open(draft, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if os.fstat(fd).st_uid != os.geteuid():
            return
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if draft.is_dir():
            remove_tree(draft)
        else:
            draft.unlink()
    except OSError:
        pass  # somebody has it, or has removed it
    finally:
        os.close(fd)


def _is_ours(fd: int) -> bool:
    """Lock a draft that was just made; False if somebody took it for abandoned before."""
    fcntl.flock(fd, fcntl.LOCK_EX)
    return os.fstat(fd).st_nlink > 0


def umask() -> int:
    """What the user takes from the mode of new files; umask(2) would change it for a moment."""
    with contextlib.suppress(OSError), open("/proc/self/status", "rb") as file:
        for line in file:
            if line.startswith(b"Umask:"):
                return int(line.split()[1], 8)
    return 0o022


def _mode_for(path: Path) -> int:
    """That of the file to replace; for a new one, what the user's umask leaves."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0o666 & ~umask()


def _temporary_file(folder: Path) -> tuple[int, str]:
    while True:
        handle, path = tempfile.mkstemp(prefix=_DRAFT, suffix=".tmp", dir=folder)
        if _is_ours(handle):
            return handle, path
        os.close(handle)


def _temporary_folder(path: Path) -> tuple[int, Path]:
    while True:
        draft = tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        with contextlib.suppress(FileNotFoundError):
            handle = os.open(draft, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            if _is_ours(handle):
                return handle, Path(draft)
            os.close(handle)


def write_atomic(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Write *data* to a temporary file beside *path*, then rename it into place.

    Args:
        mode: by default that of the file that is replaced, or what the umask leaves.

    Raises:
        UsageError: something else than a file is there.
        EnvironmentLacks: it cannot be written.
    """
    with contextlib.ExitStack() as drafts:
        _draft(path, data, mode, drafts)()


def write_if_changed(path: Path, data: bytes, *, mode: int | None = None) -> bool:
    """Write *data* unless *path* holds it already.

    Returns: whether the file was written.
    """
    return path in write_together({path: data}, mode=mode)


def write_together(files: Mapping[Path, bytes], *, mode: int | None = None) -> tuple[Path, ...]:
    """Write those files that change, all of them or none.

    All are on the disk before the first one is replaced: until then, what forbids one of them
    leaves the others as they are.

    Returns: the files that were written.

    Raises:
        UsageError: something else than a file is where one of them belongs.
        EnvironmentLacks: one cannot be written.
    """
    changed = {path: data for path, data in files.items() if not _holds(path, data)}
    with contextlib.ExitStack() as drafts:
        finish = [_draft(path, data, mode, drafts) for path, data in changed.items()]
        for rename in finish:
            rename()
    return tuple(changed)


def _holds(path: Path, data: bytes) -> bool:
    with contextlib.suppress(OSError):
        if read_limited(path, len(data)) == data:
            _sweep(path.parent)
            return True
    return False


def _draft(
    path: Path, data: bytes, mode: int | None, drafts: contextlib.ExitStack
) -> Callable[[], None]:
    """Write a temporary file, which *drafts* removes; returns what makes *path* of it."""
    check_target(path)
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path.parent)
        handle, temporary = _temporary_file(path.parent)
        drafts.callback(os.close, handle)  # until then, nobody takes it for abandoned
        drafts.callback(_remove_quietly, temporary)
        with open(handle, "wb", closefd=False) as file:
            file.write(data)
            os.fchmod(handle, _mode_for(path) if mode is None else mode)

    def rename() -> None:
        with disk_errors(path):
            os.replace(temporary, path)

    return rename


def _remove_quietly(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


def remove_file(path: Path) -> None:
    """Remove a file, if it is there."""
    with disk_errors(path):
        path.unlink(missing_ok=True)


def remove_tree(path: Path) -> None:
    """Remove a folder, if it is there."""
    shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def folder_made_whole(path: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes *path* only if the block succeeds.

    A *path* that somebody else completed first is kept. While it is made, it is locked:
    :func:`remove_drafts` leaves it alone.
    """
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_drafts(path.parent, path.name)
        lock, draft = _temporary_folder(path)
    try:
        with disk_errors(path):
            yield draft
            draft.chmod(0o777 & ~umask())
            try:
                os.rename(draft, path)
            except OSError as error:
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                    raise
    finally:
        remove_tree(draft)
        os.close(lock)


@contextlib.contextmanager
def temporary_folder(parent: Path | None = None) -> Iterator[Path]:
    """Yield a folder for the time of the block; those of killed processes go.

    Args:
        parent: where to make it; by default where temporary files are, such as ``$TMPDIR``.
    """
    parent = Path(tempfile.gettempdir()) if parent is None else parent
    parent.mkdir(parents=True, exist_ok=True)
    remove_drafts(parent, _TEMPORARY)
    lock, draft = _temporary_folder(parent / _TEMPORARY)
    try:
        yield draft
    finally:
        remove_tree(draft)
        os.close(lock)


def remove_drafts(folder: Path, name: str | None = None) -> None:
    """Remove what killed processes left half made of *name*, and nothing that is being made.

    Args:
        name: by default anything; only for a folder that is all ours.
    """
    start = "." if name is None else f".{name}."
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(start) and entry.name.endswith(".part"):
                _remove_abandoned(Path(entry.path))


_SEAL = ".sealed.json"


def seal(folder: Path) -> None:
    """Note what is in *folder*, for :func:`is_whole`."""
    write_record(folder / _SEAL, {name: digest(data) for name, data in _content(folder)})


def is_whole(folder: Path) -> bool:
    """Whether a sealed folder has what it had, and nothing of it is damaged."""
    sealed = read_record(folder / _SEAL)
    try:
        return sealed is not None and sealed == {n: digest(data) for n, data in _content(folder)}
    except OSError:
        return False


def _content(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.name != _SEAL and not path.name.startswith(_DRAFT) and not path.is_dir():
            yield str(path.relative_to(folder)), path.read_bytes()


def write_record(path: Path, value: object) -> None:
    """Keep a value that JSON can keep, with a digest of it."""
    text = json.dumps(value)
    write_atomic(path, json.dumps({"digest": digest(text), "value": text}).encode())


def read_record(path: Path) -> Any:
    """The value that :func:`write_record` has kept; None if it is not there, or damaged."""
    try:
        kept = json.loads(path.read_bytes())
        text = kept["value"]
        return json.loads(text) if digest(text) == kept["digest"] else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


class FileLock:
    """An exclusive lock that outlives us only as long as our children need it.

    The descriptor may be inherited (``pass_fds``): a build that survives a killed
    syscraft keeps the lock, so nobody enters its folder before it has ended.
    """

    def __init__(self, path: Path, *, on_wait: Callable[[], None] | None = None) -> None:
        self._path = path
        self._on_wait = on_wait
        self.fd = -1

    def __enter__(self) -> Self:
        with disk_errors(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self.fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if self._on_wait:
                self._on_wait()
            fcntl.flock(self.fd, fcntl.LOCK_EX)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.fd)
        self.fd = -1


def digest(*parts: bytes | str) -> str:
    """Hash *parts* unambiguously; 20 hexadecimal digits."""
    state = hashlib.sha256()
    for part in parts:
        data = os.fsencode(part) if isinstance(part, str) else part
        state.update(len(data).to_bytes(8, "little"))
        state.update(data)
    return state.hexdigest()[:20]


def cache_root() -> Path:
    """Where everything that can be made again lives.

    ``$SYSCRAFT_CACHE``, else ``$XDG_CACHE_HOME/syscraft``, else ``~/.cache/syscraft``.

    Raises:
        EnvironmentLacks: the user has no home folder, or others may write to the cache.
    """
    root = _chosen_root()
    _check_own(root)
    return root


@functools.cache
def _check_own(root: Path) -> None:
    """Refuse a cache in which others put what then runs as us; make one that is ours alone."""
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        root.mkdir(mode=0o700, exist_ok=True)
        status = root.stat()
    except OSError:
        return  # whoever writes there will say so
    if status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return
    raise EnvironmentLacks.of(
        "others can write to the cache",
        Where(str(root)),
        expected="a folder of your own, which only you can write to",
        found=f"owner {status.st_uid}, mode {stat.S_IMODE(status.st_mode):o}",
        hint=f"chmod go-w {root}, if you trust what is in it; "
        "or set SYSCRAFT_CACHE to a new folder",
    )


def _chosen_root() -> Path:
    if explicit := os.environ.get("SYSCRAFT_CACHE"):
        return Path(explicit).absolute()
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(xdg):  # others are to be ignored: XDG Base Directory Specification 0.8
        return Path(xdg) / "syscraft"
    return _home() / ".cache" / "syscraft"


def _home() -> Path:
    """The user's folder; services often have no HOME, and containers no entry for the user."""
    home = os.environ.get("HOME")
    if not home:
        import pwd

        with contextlib.suppress(KeyError):
            home = pwd.getpwuid(os.getuid()).pw_dir
    if not home or not os.path.isabs(home):
        raise EnvironmentLacks.of(
            "there is no folder for the cache",
            expected="an absolute path in HOME, or the user's entry in /etc/passwd",
            found=f"HOME={home}" if home else "neither",
            hint="set SYSCRAFT_CACHE to a folder",
        )
    return Path(home)
