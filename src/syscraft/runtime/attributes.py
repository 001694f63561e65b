"""What children of clone() and spawn() are given: places, IDs, limits, privileges, scheduling.

What few want is a system call that the child makes as it stands here, so that children that want
none of this do not pay for it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, fields
from functools import cache
from typing import Any

from syscraft.runtime import _core
from syscraft.runtime.namespaces import NAMESPACES, NO_CGROUP, told_step
from syscraft.runtime.spawn_plan import (
    Descriptor,
    Text,
    descriptor,
    group_id,
    group_list,
    user_id,
    within,
)
from syscraft.runtime.variant import parameters_of

IdMap = Iterable[tuple[int, int, int]]

# include/uapi/linux/prctl.h, securebits are left as they are
_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_CAPBSET_DROP = 1, 8, 24
_PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 38, 47, 2
_CAPABILITY_VERSION_3 = 0x20080522  # include/uapi/linux/capability.h
_ID_MAX = 0xFFFFFFFF
_LAST_CAPABILITY = 63  # what two words hold
_UNLIMITED = 2**64 - 1  # RLIM64_INFINITY

# include/uapi/linux/capability.h, in order from 0
CAPABILITIES = (
    "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable "
    "net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio "
    "sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time "
    "sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog "
    "wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore"
).split()


# What clone3(2) says of a cgroup only: no cgroup's folder, or one that takes no processes.
# kernel/cgroup/cgroup.c, cgroup_css_set_fork()
_CGROUP_ERRORS = (errno.EBADF, errno.EBUSY, errno.EOPNOTSUPP, errno.ENODEV, errno.EACCES)


@dataclass(frozen=True)
class Attributes:
    """What a child is to be given; None and empty are: as it is. spawn() says what each means."""

    cwd: Text | int | None = None
    setsid: bool = False
    process_group: int | None = None
    umask: int | None = None
    uid: int | str | None = None
    gid: int | str | None = None
    groups: Iterable[int | str] | None = None
    nice: int | None = None
    limits: Mapping[int, int | tuple[int, int]] | None = None
    death_signal: int | None = None
    terminal: Descriptor | None = None
    no_new_privs: bool = False
    capabilities: Iterable[int | str] | None = None
    affinity: Iterable[int] | None = None
    scheduler: int | tuple[int, int] | None = None
    join: Iterable[Text | Descriptor] = ()
    root: Text | None = None
    uid_map: IdMap | None = None
    gid_map: IdMap | None = None


NOTHING = astuple(Attributes())
"""The attributes of a child that is given none."""

Plan = tuple[Any, ...]
"""Attributes as the core takes them."""

PLAIN: Plan = (None, -1, None, False, -1, -1, False, 0, -1, -1, b"", None, None)
"""Such a child's plan."""

NO_RIGHT_TO_MAP = (
    "a map is for a new user namespace, and of more than our own ID only with CAP_SETUID or "
    "CAP_SETGID here; without, let newuidmap(1) and newgidmap(1) write it"
)
"""What EPERM means of an ID map."""

_NAMES = tuple(field.name for field in fields(Attributes))


def left_to_us(
    how: Callable[..., int], caller: str, wanted: tuple[Any, ...], extras: dict[str, Any]
) -> tuple[Any, ...]:
    """Leave to a variant what it has parameters for: *extras* gets it, and the child no step.

    Returns:
        The other attributes.
    """
    theirs = parameters_of(caller, how).parameters
    left = list(wanted)
    for index, name in enumerate(_NAMES):
        # What is False is said as well, to a variant that needs to be told.
        if name in theirs and wanted[index] is not None and wanted[index] != ():
            extras[name] = wanted[index]
            left[index] = NOTHING[index]
    return tuple(left)


def given(wanted: tuple[Any, ...], name: str) -> bool:
    """Whether an attribute is wanted."""
    index = _NAMES.index(name)
    return bool(wanted[index] != NOTHING[index])


@contextlib.contextmanager
def planned(wanted: Attributes, flags: int) -> Iterator[Plan]:
    """Check attributes, and make the child's plan, for a block in which what it points to lives.

    Args:
        flags: those of clone3(2).

    Raises:
        ValueError: what no child can be given.
        TypeError: something of the wrong type.
        KeyError: no user or group has that name.
        OSError: a namespace cannot be opened.
    """
    cwd, nice, group = wanted.cwd, wanted.nice, wanted.process_group
    uid = -1 if wanted.uid is None else user_id(wanted.uid)
    checked = (
        None if isinstance(cwd, int) else cwd,
        descriptor("cwd", cwd) if isinstance(cwd, int) else -1,
        None if wanted.groups is None else group_list(wanted.groups),
        wanted.setsid,
        -1 if group is None else within("process_group", group),
        -1 if wanted.umask is None else within("umask", wanted.umask, 0o777),
        nice is not None,
        0 if nice is None else within("nice", nice, 19, -20),
        uid,
        -1 if wanted.gid is None else group_id(wanted.gid),
    )
    maps = _id_maps(wanted)
    with contextlib.ExitStack() as stack:
        new_pid = bool(flags & NAMESPACES["pid"])
        calls = _calls_of(wanted, maps, stack, new_pid=new_pid, uid=uid)
        yield (*checked, calls, *(None if row.own else row.text for row in maps))


def failure(error: int, step: str, paths: Mapping[str, object]) -> OSError:
    """Make the exception of a failed step, of the class that belongs to its errno.

    Args:
        paths: steps -> what they were about, such as a path.
    """
    if step == "clone" and paths.get("cgroup") is not None and error in _CGROUP_ERRORS:
        step = "cgroup"  # clone3(2) does both at once
    about = paths.get(step)
    text = os.strerror(error)
    if step == "cgroup" and error == errno.EBADF:
        text = NO_CGROUP
    if step == "id_maps" and error == errno.EPERM:
        text = NO_RIGHT_TO_MAP
    if about is None or isinstance(about, int):
        return told_step(OSError(error, text), step)
    return told_step(OSError(error, text, os.fspath(about)), step)  # type: ignore[call-overload]


@cache
def _names() -> tuple[dict[str, int], dict[str, int]]:
    steps, calls = _core.spawn_names()
    # Two steps have one name, before and behind uid: the one behind is meant.
    return {name: i for i, name in enumerate(steps)}, {name: i for i, name in enumerate(calls)}


class _Calls:
    """Calls as the core reads them, and the memory that they point to."""

    def __init__(self) -> None:
        self.packed = bytearray()
        self.kept: list[object] = []

    def add(self, step: str, call: str, *arguments: int | bytes, before_uid: bool = False) -> None:
        steps, calls = _names()
        index = steps[step]
        if before_uid:
            index = steps["uid"] - 1
        words = [self._word(argument) for argument in arguments]
        words += [0] * (5 - len(words))
        self.packed += struct.pack("ii5l", index, calls[call], *words)

    def _word(self, value: int | bytes) -> int:
        if isinstance(value, int):
            return value
        import ctypes  # it loads slowly

        memory = ctypes.create_string_buffer(value, len(value) + 1)
        self.kept.append(memory)
        address = ctypes.addressof(memory)
        limit = 1 << (8 * struct.calcsize("l") - 1)
        return address - 2 * limit if address >= limit else address


def _calls_of(
    wanted: Attributes,
    maps: Iterable[_Map],
    stack: contextlib.ExitStack,
    *,
    new_pid: bool,
    uid: int,
) -> bytes:
    """Make the calls; what they point to lives as long as *stack*.

    Args:
        new_pid: the child gets a PID namespace, in which it sees no parent.
        uid: the user's ID that the child takes; -1: ours.
    """
    calls = _Calls()
    stack.callback(calls.kept.clear)
    _add_maps(calls, maps)
    for namespace in _several("join", wanted.join):
        calls.add("join", "setns", _opened(stack, namespace), 0)
    _add_places(calls, wanted)
    _add_scheduling(calls, wanted)
    for resource, limit in (wanted.limits or {}).items():
        pair = limit if isinstance(limit, tuple) else (limit, limit)
        packed = struct.pack("QQ", *(_limit(resource, value) for value in pair))
        calls.add("limits", "prlimit64", 0, within("a resource in limits", resource), packed)
    if wanted.capabilities is not None:
        _add_capabilities(calls, wanted.capabilities, uid)
    if wanted.death_signal is not None:
        number = within("death_signal", wanted.death_signal, signal.NSIG - 1)
        calls.add("death_signal", "prctl", _PR_SET_PDEATHSIG, number)
        if not new_pid:  # the parent may have ended before
            calls.add("death_signal", "check_parent", os.getpid())
    if wanted.no_new_privs:
        calls.add("no_new_privs", "prctl", _PR_SET_NO_NEW_PRIVS, 1)
    return bytes(calls.packed)


def _several(name: str, values: Iterable[Any]) -> list[Any]:
    if isinstance(values, str | bytes):
        raise TypeError(f"{name} is {values!r}: expected several; write ({values!r},)")
    return list(values)


def _limit(resource: int, value: int) -> int:
    if value == -1:  # resource.RLIM_INFINITY
        return _UNLIMITED
    return within(f"limits[{resource}]", value, _UNLIMITED)


def _opened(stack: contextlib.ExitStack, namespace: Text | Descriptor) -> int:
    if not isinstance(namespace, str | bytes | os.PathLike):
        return descriptor("a namespace in join", namespace)
    try:
        fd = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise told_step(error, "join") from None
    stack.callback(os.close, fd)
    return fd


def _path(name: str, value: Text) -> bytes:
    encoded = os.fsencode(value)
    if b"\0" in encoded:
        raise ValueError(f"{name} has a null character inside: found {value!r}")
    return encoded


@dataclass(frozen=True)
class _Map:
    """An ID map: its file's text, and whether the child may write it itself."""

    name: str
    text: str | None
    own: bool


def _id_maps(wanted: Attributes) -> tuple[_Map, _Map]:
    return (
        _id_map("uid_map", wanted.uid_map, os.geteuid()),
        _id_map("gid_map", wanted.gid_map, os.getegid()),
    )


def _id_map(name: str, rows: IdMap | None, own: int) -> _Map:
    if rows is None:
        return _Map(name, None, own=False)
    numbers = [[within(f"a number in {name}", number, _ID_MAX) for number in row] for row in rows]
    for row in numbers or [[]]:
        if len(row) != 3:
            found = f"has {tuple(row)}" if row else "has no row"
            raise ValueError(f"{name} {found}: expected (ID inside, ID outside, count)")
    text = "".join(f"{inside} {outside} {count}\n" for inside, outside, count in numbers)
    # Everything else needs rights outside, which the child has left. user_namespaces(7)
    return _Map(name, text, own=[row[1:] for row in numbers] == [[own, 1]])


def _add_maps(calls: _Calls, maps: Iterable[_Map]) -> None:
    for one in maps:
        if one.text is None or not one.own:
            continue
        if one.name == "gid_map":
            # Who may not set groups outside may not get rid of one inside. user_namespaces(7)
            _add_file(calls, "setgroups", b"deny")
        _add_file(calls, one.name, one.text.encode())


def _add_file(calls: _Calls, name: str, text: bytes) -> None:
    calls.add("id_maps", "write_file", b"/proc/self/" + name.encode(), text, len(text))


def _add_places(calls: _Calls, wanted: Attributes) -> None:
    if wanted.terminal is not None:
        if not wanted.setsid:
            raise ValueError("terminal: only who starts a session takes one: setsid=True")
        import termios  # few programs want a terminal

        calls.add("terminal", "ioctl", descriptor("terminal", wanted.terminal), termios.TIOCSCTTY)
    if wanted.root is not None:
        calls.add("root", "chroot", _path("root", wanted.root))
        calls.add("root", "chdir", b"/")


def _add_scheduling(calls: _Calls, wanted: Attributes) -> None:
    if wanted.scheduler is not None:
        policy, priority = (
            wanted.scheduler if isinstance(wanted.scheduler, tuple) else (wanted.scheduler, 0)
        )
        within("the policy in scheduler", policy)
        # struct sched_param. The nice value stays what the step before this one made of it.
        param = struct.pack("i", within("the priority in scheduler", priority))
        calls.add("scheduler", "sched_setscheduler", 0, policy, param)
    if wanted.affinity is not None:
        mask = 0
        for cpu in wanted.affinity:
            mask |= 1 << within("a processor in affinity", cpu, 0xFFFF)
        size = max(8, -(-mask.bit_length() // 64) * 8)
        words = mask.to_bytes(size, "little")
        native = b"".join(
            struct.pack("L", int.from_bytes(words[i : i + struct.calcsize("L")], "little"))
            for i in range(0, size, struct.calcsize("L"))
        )
        calls.add("affinity", "sched_setaffinity", 0, size, native)


def _capability(value: int | str) -> int:
    if isinstance(value, str):
        name = value.lower().removeprefix("cap_")
        if name not in CAPABILITIES:
            raise ValueError(f"capabilities: there is no {value!r}: expected a name or a number")
        return CAPABILITIES.index(name)
    return within("a capability in capabilities", value, _LAST_CAPABILITY)


def _add_capabilities(calls: _Calls, wanted: Iterable[int | str], uid: int) -> None:
    kept = {_capability(value) for value in _several("capabilities", wanted)}
    if uid == 0 or (uid < 0 and os.geteuid() == 0):
        # The program of a root user gets all that are not gone for good. capabilities(7)
        with open("/proc/sys/kernel/cap_last_cap") as file:
            last = int(file.read())
        for number in range(last + 1):
            if number not in kept:
                calls.add("capabilities", "prctl", _PR_CAPBSET_DROP, number, before_uid=True)
    calls.add("capabilities", "prctl", _PR_SET_KEEPCAPS, 1, before_uid=True)
    mask = sum(1 << number for number in kept)
    low, high = mask & 0xFFFFFFFF, mask >> 32
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    calls.add("capabilities", "capset", header, struct.pack("6I", *(low,) * 3, *(high,) * 3))
    for number in sorted(kept):
        calls.add("capabilities", "prctl", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, number)
