"""The one module that writes files: whole or not at all, and only if changed."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

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


def write_atomic(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write *data* to a temporary file beside *path*, then rename it into place.

    Raises:
        UsageError: something else than a file is there.
        EnvironmentLacks: it cannot be written.
    """
    check_target(path)
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.chmod(temporary, mode)
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise


def write_if_changed(path: Path, data: bytes, *, mode: int = 0o644) -> bool:
    """Write *data* unless *path* holds it already.

    Returns: whether the file was written.
    """
    with contextlib.suppress(OSError):
        if read_limited(path, len(data)) == data:
            return False
    write_atomic(path, data, mode=mode)
    return True


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

    What an earlier, killed process left is removed; a *path* that somebody else
    completed first is kept.
    """
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
    try:
        with disk_errors(path):
            yield draft
            draft.chmod(0o755)
            try:
                os.rename(draft, path)
            except OSError as error:
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                    raise
    finally:
        remove_tree(draft)


def remove_drafts(folder: Path, name: str = "*") -> None:
    """Remove what killed processes left half made of *name*.

    Call it with the lock of that name held, or, for all names, with the folder's.
    """
    if folder.is_dir():
        for draft in folder.glob(f".{name}.*.part"):
            remove_tree(draft)


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
        EnvironmentLacks: the user has no home folder.
    """
    if explicit := os.environ.get("SYSCRAFT_CACHE"):
        return Path(explicit).absolute()
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(xdg):  # others are to be ignored: XDG Base Directory Specification 0.8
        return Path(xdg) / "syscraft"
    try:
        home = Path.home() if os.environ.get("HOME") != "" else Path()
    except RuntimeError:  # no HOME, and nobody of that number in /etc/passwd
        home = Path()
    if not home.is_absolute():
        raise EnvironmentLacks.of(
            "no place for the cache",
            expected="a home folder in HOME",
            found=os.environ.get("HOME", "no HOME"),
            hint="set SYSCRAFT_CACHE to a folder",
        )
    return home / ".cache" / "syscraft"
