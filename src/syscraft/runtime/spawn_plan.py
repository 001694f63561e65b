"""What spawn's arguments mean: checked, and packed as the C core reads them."""

from __future__ import annotations

import grp
import os
import pwd
import signal
from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

Text = str | bytes | os.PathLike[str] | os.PathLike[bytes]
Environment = Mapping[str, str] | Mapping[bytes, bytes]


class HasFileno(Protocol):
    """A file, a socket, a pipe: what has a descriptor."""

    def fileno(self) -> int: ...


Descriptor = int | HasFileno

# Python ignores these two; programs do not expect it. Bit 0 is signal 1.
IGNORED_BY_PYTHON = 1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1)

_STANDARD = (0, 1, 2)
_LAST_FD = 0xFFFFFFFF  # as close_range(2) counts
_INT_MAX = 0x7FFFFFFF
_LAST_SIGNAL = min(signal.NSIG - 1, 64)  # what the C core's sets hold; some tables go on
_ID_MAX = 0xFFFFFFFE  # -1 means "as it is", kernel/sys.c


def descriptor(name: str, value: object) -> int:
    """Take a descriptor, or that of a file."""
    number = value if isinstance(value, int) else getattr(value, "fileno", lambda: None)()
    if isinstance(number, bool) or not isinstance(number, int):
        raise TypeError(f"{name} is {value!r}: expected a file descriptor, or what has a fileno()")
    return within(name, number)


def moves(fds: Mapping[int, Descriptor | None]) -> bytes:
    """Pack which descriptor of the child is which of ours."""
    packed = array("i")
    for target, source in fds.items():
        child = within("a descriptor in fds", target)
        if source is not None:
            packed.extend((child, descriptor(f"fds[{target}]", source)))
    return packed.tobytes()


def closed(fds: Mapping[int, Descriptor | None], close_others: bool) -> bytes:
    """Pack the ranges of descriptors that the child closes."""
    if not close_others:
        ours = sorted(target for target, source in fds.items() if source is None)
        return b"".join(array("I", (fd, fd)).tobytes() for fd in ours)
    kept = {fd for fd in _STANDARD if fd not in fds}
    kept |= {target for target, source in fds.items() if source is not None}
    return _ranges_between(sorted(kept), 0, _LAST_FD)


def _ranges_between(kept: Sequence[int], first: int, last: int) -> bytes:
    packed = array("I")
    for fd in kept:
        if fd > first:
            packed.extend((first, fd - 1))
        first = fd + 1
    if first <= last:
        packed.extend((first, last))
    return packed.tobytes()


ALL_BUT_STANDARD = _ranges_between(_STANDARD, 0, _LAST_FD)


def signal_mask(signals: Iterable[int]) -> int:
    """Make a set of signals: bit 0 is signal 1."""
    mask = 0
    for number in signals:
        mask |= 1 << (within("a signal in sigmask", number, _LAST_SIGNAL, 1) - 1)
    return mask


def user_id(user: int | str) -> int:
    """Take a user's ID, or look up a name."""
    return pwd.getpwnam(user).pw_uid if isinstance(user, str) else within("uid", user, _ID_MAX)


def group_id(group: int | str) -> int:
    """Take a group's ID, or look up a name."""
    return grp.getgrnam(group).gr_gid if isinstance(group, str) else within("gid", group, _ID_MAX)


def group_list(groups: Iterable[int | str]) -> bytes:
    """Pack supplementary groups."""
    if isinstance(groups, str):
        raise TypeError(f"groups is {groups!r}: expected several; write ({groups!r},)")
    return array("I", map(group_id, groups)).tobytes()


def within(name: str, value: int, high: int = _INT_MAX, low: int = 0) -> int:
    """Check that an integer is one, and in its range."""
    if not isinstance(value, int):
        raise TypeError(f"{name} is {value!r}: expected an integer")
    if not low <= value <= high:
        raise ValueError(f"{name} is {value}: expected {low} to {high}")
    return value
