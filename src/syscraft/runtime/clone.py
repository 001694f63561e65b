"""clone: a child that goes on as this interpreter, with what clone3(2) can give it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NoReturn, overload

from syscraft.runtime import _core
from syscraft.runtime.attributes import (
    NOTHING,
    Attributes,
    IdMap,
    failure,
    given,
    left_to_us,
    planned,
)
from syscraft.runtime.child import Child, reap_dropped
from syscraft.runtime.namespaces import Cgroup, namespace_flags, opened_cgroup
from syscraft.runtime.spawn_plan import Descriptor, Text
from syscraft.runtime.variant import clone3_only, variant_call

# Flags that an interpreter cannot live with, or that say nothing to it.
# include/uapi/linux/sched.h, Linux 6.12
_REFUSED = {
    0x000000FF: "the lowest byte of the flags is the exit signal: use exit_signal=",
    0x00000100: (
        "CLONE_VM: two interpreters would run on the same memory, each without the other's locks; "
        "use threading, or spawn() for a program"
    ),
    0x00000800: "CLONE_SIGHAND: it needs CLONE_VM, which Python cannot have; use threading",
    0x00001000: "CLONE_PIDFD: use pidfd=True, and the child's .pidfd",
    0x00004000: (
        "CLONE_VFORK: the parent would stand still, with the GIL, until the child ends; "
        "use spawn() for a program"
    ),
    0x00008000: (
        "CLONE_PARENT: the child would be your parent's, and nobody here could wait for it"
    ),
    0x00010000: (
        "CLONE_THREAD: the interpreter would not know the thread, which has no thread state; "
        "use threading"
    ),
    0x00080000: (
        "CLONE_SETTLS: the child would lose the memory in which libc and the interpreter keep "
        "what belongs to its thread; leave it out"
    ),
    0x00100000: "CLONE_PARENT_SETTID: there is no place to put the ID; use the child's .pid",
    0x00200000: "CLONE_CHILD_CLEARTID: there is no place to clear; use the child's wait()",
    0x00400000: "CLONE_DETACHED: the kernel has ignored it since Linux 2.6.2; leave it out",
    0x01000000: "CLONE_CHILD_SETTID: there is no place to put the ID; use os.getpid() in the child",
    0x100000000: (
        "CLONE_CLEAR_SIGHAND: the signal module would still believe in the handlers that are gone; "
        "use signal.signal() in the child"
    ),
    0x200000000: "CLONE_INTO_CGROUP: use cgroup=",
}
_CLONE_FS, _CLONE_FILES = 0x00000200, 0x00000400


@overload
def clone(
    func: Callable[..., object],
    /,
    *args: object,
    flags: int = ...,
    exit_signal: int = ...,
    pidfd: bool = ...,
    set_tid: int | Iterable[int] | None = ...,
    cgroup: Cgroup | None = ...,
    namespaces: Iterable[str] = ...,
    cwd: Text | int | None = ...,
    setsid: bool = ...,
    process_group: int | None = ...,
    umask: int | None = ...,
    uid: int | str | None = ...,
    gid: int | str | None = ...,
    groups: Iterable[int | str] | None = ...,
    nice: int | None = ...,
    limits: Mapping[int, int | tuple[int, int]] | None = ...,
    death_signal: int | None = ...,
    terminal: Descriptor | None = ...,
    no_new_privs: bool = ...,
    capabilities: Iterable[int | str] | None = ...,
    affinity: Iterable[int] | None = ...,
    scheduler: int | tuple[int, int] | None = ...,
    join: Iterable[Text | Descriptor] = ...,
    root: Text | None = ...,
    uid_map: IdMap | None = ...,
    gid_map: IdMap | None = ...,
    how: Callable[..., int] | None = ...,
    **extras: Any,
) -> Child: ...
@overload
def clone(
    func: None = None,
    /,
    *,
    flags: int = ...,
    exit_signal: int = ...,
    pidfd: bool = ...,
    set_tid: int | Iterable[int] | None = ...,
    cgroup: Cgroup | None = ...,
    namespaces: Iterable[str] = ...,
    cwd: Text | int | None = ...,
    setsid: bool = ...,
    process_group: int | None = ...,
    umask: int | None = ...,
    uid: int | str | None = ...,
    gid: int | str | None = ...,
    groups: Iterable[int | str] | None = ...,
    nice: int | None = ...,
    limits: Mapping[int, int | tuple[int, int]] | None = ...,
    death_signal: int | None = ...,
    terminal: Descriptor | None = ...,
    no_new_privs: bool = ...,
    capabilities: Iterable[int | str] | None = ...,
    affinity: Iterable[int] | None = ...,
    scheduler: int | tuple[int, int] | None = ...,
    join: Iterable[Text | Descriptor] = ...,
    root: Text | None = ...,
    uid_map: IdMap | None = ...,
    gid_map: IdMap | None = ...,
    how: Callable[..., int] | None = ...,
    **extras: Any,
) -> Child | None: ...
def clone(
    func: Callable[..., object] | None = None,
    /,
    *args: object,
    flags: int = 0,
    exit_signal: int = signal.SIGCHLD,
    pidfd: bool = True,
    set_tid: int | Iterable[int] | None = None,
    cgroup: Cgroup | None = None,
    namespaces: Iterable[str] = (),
    cwd: Text | int | None = None,
    setsid: bool = False,
    process_group: int | None = None,
    umask: int | None = None,
    uid: int | str | None = None,
    gid: int | str | None = None,
    groups: Iterable[int | str] | None = None,
    nice: int | None = None,
    limits: Mapping[int, int | tuple[int, int]] | None = None,
    death_signal: int | None = None,
    terminal: Descriptor | None = None,
    no_new_privs: bool = False,
    capabilities: Iterable[int | str] | None = None,
    affinity: Iterable[int] | None = None,
    scheduler: int | tuple[int, int] | None = None,
    join: Iterable[Text | Descriptor] = (),
    root: Text | None = None,
    uid_map: IdMap | None = None,
    gid_map: IdMap | None = None,
    how: Callable[..., int] | None = None,
    **extras: Any,
) -> Child | None:
    """Create a child process that is a copy of this one, by clone3(2).

    With a function the child calls it and ends: with status 0 for None, the status of an int, and
    status 1 for an exception, whose traceback it prints. It leaves without running the rest of the
    program, exit handlers, or ``finally`` blocks around this call; what standard output and error
    held back before comes out once, by the parent. Without a function the call returns twice, as
    os.fork() does.

    In a process of several threads only this one goes on in the child. What C code holds a lock
    of its own in another thread (malloc(3) too) stays locked there, which os.fork() can prevent and
    a bare clone cannot.

    Args:
        func: what the child calls, as ``func(*args)``; None returns twice.
        args: the arguments of *func*.
        flags: CLONE_* flags besides those that have arguments of their own here.
        exit_signal: the signal that tells of the child's end; 0 is none.
        pidfd: make a descriptor of the child, which closes on exec.
        set_tid: the child's process ID; or one for each PID namespace, innermost first. Linux 5.5.
        cgroup: the child's cgroup (version 2): its folder's path or descriptor. Linux 5.7.
        namespaces: which new ones the child gets: time, mount, cgroup, uts, ipc, user, pid, net.
        cwd, setsid, process_group, umask, uid, gid, groups, nice, limits, death_signal, terminal,
            no_new_privs, capabilities, affinity, scheduler, join, root, uid_map, gid_map: steps
            that the child takes before any Python code runs in it. They mean, and come in the
            order, that they have with spawn().
        how: a declared variant of clone(2), clone3(2) or fork(2), from a module that syscraft
            generate wrote. What it has no argument for is refused. If it has a parameter with the
            name of a step, it gets that argument instead.
        extras: the arguments that the variant has more than the call that it is like.

    Returns:
        The child; or None in the child itself, if there is no function.

    Raises:
        ValueError: flags that Python code cannot run with, or that the variant does not take; the
            message says what to use.
        TypeError: extras without *how*, or those that it does not take; set_tid or cgroup with a
            variant of another call than clone3(2).
        KeyError: no user or group has that name.
        RuntimeError: in a subinterpreter.
        OSError: a step failed, and there is no child. ``step`` says which: one of spawn()'s, or
            clone, when the kernel refuses: EAGAIN (the limit of processes), EPERM, EEXIST
            (set_tid), EBUSY (cgroup), ENOSYS (set_tid, cgroup or time namespaces before clone3(2)).

    Source:
        kernel/fork.c, SYSCALL_DEFINE2(clone3), Linux 6.12
    """
    wanted = _checked(flags) | namespace_flags(namespaces)
    if not 0 <= exit_signal < signal.NSIG:
        raise ValueError(f"clone(): exit_signal is {exit_signal}: expected 0 to {signal.NSIG - 1}")
    if func is not None and not callable(func):
        raise TypeError(f"clone(): func is {func!r}: expected a callable, or None to return twice")
    if args and func is None:
        raise TypeError("clone(): arguments without a function to call with them")
    if extras and how is None:
        raise TypeError(
            f"clone(): no argument is named {next(iter(extras))!r}; a declared variant of clone(2) "
            "has arguments of its own: pass it as how="
        )
    ids = () if set_tid is None else (set_tid,) if isinstance(set_tid, int) else tuple(set_tid)
    if how is not None and (cgroup is not None or ids):
        clone3_only("clone", how)
    steps = (
        cwd, setsid, process_group, umask, uid, gid, groups, nice, limits, death_signal, terminal,
        no_new_privs, capabilities, affinity, scheduler, join, root, uid_map, gid_map,
    )  # fmt: skip
    if how is not None:
        steps = left_to_us(how, "clone", steps, extras)
    _check_shared(wanted, steps)
    sys.audit("syscraft.clone", wanted, exit_signal)
    reap_dropped()
    _warn_of_threads()
    if func is not None:
        _flush()
    # It learns of its process before Python code can run, and so before a signal's handler can
    # raise. The child calls its function from C: nothing that raises brings it back here.
    child = Child(what=func)
    life = None if func is None else partial(_run, func, args)
    try:
        with contextlib.ExitStack() as stack:
            folder = -1 if cgroup is None else stack.enter_context(opened_cgroup(cgroup))
            plan = None
            if steps != NOTHING:
                plan = stack.enter_context(planned(Attributes(*steps), wanted))
            if how is None:
                outcome = _core.clone(
                    wanted, exit_signal, pidfd, ids, folder, False, child, life, plan
                )
            else:
                call = variant_call("clone", how, extras, wanted, exit_signal, ids, folder)
                outcome = _core.fork_by(call, child, life, pidfd, plan)
        _, _, error, step = outcome
        if step is not None:
            raise failure(error, step, {"cwd": cwd, "root": root, "cgroup": cgroup})
    except BaseException:
        child.abandon()
        raise
    return child if child.pid else None


def _check_shared(flags: int, steps: tuple[object, ...]) -> None:
    """Refuse steps that would be this process's own."""
    if flags & _CLONE_FILES and steps != NOTHING:
        raise ValueError(
            "clone(): CLONE_FILES: a child that shares our descriptors cannot say by a pipe of its "
            "own how its steps went: take them in its function"
        )
    for name in ("cwd", "umask", "root"):
        if flags & _CLONE_FS and given(steps, name):
            raise ValueError(f"clone(): CLONE_FS: {name}= would be this process's as well")


def _checked(flags: int) -> int:
    if not 0 <= flags < 2**64:
        raise ValueError(f"clone(): flags is {flags:#x}: expected 64 bits without a sign")
    for flag, reason in _REFUSED.items():
        if flags & flag:
            raise ValueError(f"clone(): {reason}")
    return flags


def _warn_of_threads() -> None:
    """Warn as os.fork() does from Python 3.12 on."""
    if sys.version_info >= (3, 12) and threading.active_count() > 1:
        warnings.warn(
            "this process has several threads: clone() may lead to deadlocks in the child",
            DeprecationWarning,
            stacklevel=3,
        )


def _flush() -> None:
    """Write what the standard streams hold back, or both processes would."""
    for name in ("stdout", "stderr"):
        # There may be none, or None; ValueError if it is closed.
        with contextlib.suppress(AttributeError, ValueError, OSError):
            getattr(sys, name).flush()


def _run(func: Callable[..., object], args: tuple[object, ...]) -> NoReturn:
    """The child's life. Does not return, whatever happens."""
    status = 1
    try:
        status = _status_of(func(*args))
    except SystemExit as end:
        status = _status_of_exit(end.code)
    except BaseException:
        with contextlib.suppress(BaseException):
            traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            _flush()
        os._exit(status)


def _status_of(value: object) -> int:
    if value is None:
        return 0
    if isinstance(value, int):
        return value & 0xFF
    raise TypeError(
        f"the function of a child returned {value!r}: expected None or an int, its exit status"
    )


def _status_of_exit(code: object) -> int:
    """As the interpreter takes SystemExit: a text is a message, and status 1."""
    if code is None or isinstance(code, int):
        return (code or 0) & 0xFF
    with contextlib.suppress(BaseException):
        print(code, file=sys.stderr)
    return 1
