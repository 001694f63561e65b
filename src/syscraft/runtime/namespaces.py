"""Kinds of namespaces, cgroups by path, names of steps: what clone and spawn share."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator

# include/uapi/linux/sched.h, Linux 6.12
NAMESPACES = {
    "time": 0x00000080,
    "mount": 0x00020000,
    "cgroup": 0x02000000,
    "uts": 0x04000000,
    "ipc": 0x08000000,
    "user": 0x10000000,
    "pid": 0x20000000,
    "net": 0x40000000,
}

# What the child was doing when a step failed, by the core's names of the steps.
STEPS = {
    "clone": "creating the child",
    "signals": "setting signals back to their defaults",
    "setsid": "starting a session",
    "process_group": "joining the process group",
    "umask": "setting the umask",
    "nice": "setting the nice value",
    "cgroup": "joining the cgroup",
    "cwd": "changing to the working directory",
    "fds": "putting file descriptors in their places",
    "groups": "setting supplementary groups",
    "gid": "setting the group ID",
    "uid": "setting the user ID",
    "close": "closing other file descriptors",
    "sigmask": "setting the signal mask",
    "exec": "executing the program",
}

Cgroup = int | str | os.PathLike[str]


def namespace_flags(names: Iterable[str]) -> int:
    """Make clone's flags of the names of namespaces that the child gets new ones of.

    Raises:
        TypeError: one name instead of several.
        ValueError: there is no such kind.
    """
    if isinstance(names, str):
        raise TypeError(f"namespaces: expected several names, found {names!r}; write ({names!r},)")
    flags = 0
    for name in names:
        if name not in NAMESPACES:
            raise ValueError(
                f"namespaces: there is no kind {name!r}: expected {', '.join(NAMESPACES)}"
            )
        flags |= NAMESPACES[name]
    return flags


@contextlib.contextmanager
def opened_cgroup(cgroup: Cgroup) -> Iterator[int]:
    """Open the folder of a cgroup for a block; a descriptor stays as it is.

    Raises:
        OSError: there is no such folder, or it is not that of a cgroup (EBADF, as clone3(2) says).
        ValueError: the descriptor is below 0.
    """
    if isinstance(cgroup, int):
        if cgroup < 0:
            raise ValueError(f"cgroup: {cgroup} is no file descriptor")
        _check_cgroup(cgroup, None)
        yield cgroup
        return
    try:
        folder = os.open(cgroup, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        told_step(error, "cgroup")
        raise
    try:
        _check_cgroup(folder, os.fspath(cgroup))
        yield folder
    finally:
        os.close(folder)


def _check_cgroup(folder: int, name: str | None) -> None:
    # A kernel without cgroups takes any descriptor and says nothing.
    try:
        os.stat("cgroup.procs", dir_fd=folder)
    except OSError:
        about = () if name is None else (name,)
        error = OSError(errno.EBADF, NO_CGROUP, *about)
        raise told_step(error, "cgroup") from None


NO_CGROUP = "not the folder of a cgroup (version 2)"
"""What EBADF means of a cgroup."""


def told_step(error: OSError, step: str) -> OSError:
    """Make an error say which step on the way to a child failed."""
    error.step = step  # type: ignore[attr-defined]
    error.add_note(f"failed in {STEPS[step]}; there is no child")
    return error
