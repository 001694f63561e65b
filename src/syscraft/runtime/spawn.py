"""spawn: start a program in a child that does nothing but a few safe steps before it."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from syscraft.runtime import _core
from syscraft.runtime.child import Child, dropped, reap_dropped
from syscraft.runtime.namespaces import (
    NO_CGROUP,
    Cgroup,
    namespace_flags,
    opened_cgroup,
    told_step,
)
from syscraft.runtime.spawn_plan import (
    ALL_BUT_STANDARD,
    IGNORED_BY_PYTHON,
    Descriptor,
    Environment,
    Text,
    closed,
    descriptor,
    group_id,
    group_list,
    moves,
    signal_mask,
    user_id,
    within,
)
from syscraft.runtime.variant import parameters_of, variant_call

# What clone3(2) says of a cgroup only: no cgroup's folder, or one that takes no processes.
# kernel/cgroup/cgroup.c, cgroup_css_set_fork()
_CGROUP_ERRORS = (errno.EBADF, errno.EBUSY, errno.EOPNOTSUPP, errno.ENODEV, errno.EACCES)


def spawn(
    argv: Sequence[Text],
    *,
    executable: Text | None = None,
    env: Environment | None = None,
    cwd: Text | int | None = None,
    fds: Mapping[int, Descriptor | None] | None = None,
    close_others: bool = True,
    pidfd: bool = True,
    cgroup: Cgroup | None = None,
    namespaces: Iterable[str] = (),
    sigmask: Iterable[int] | None = None,
    restore_signals: bool = True,
    setsid: bool = False,
    process_group: int | None = None,
    umask: int | None = None,
    uid: int | str | None = None,
    gid: int | str | None = None,
    groups: Iterable[int | str] | None = None,
    nice: int | None = None,
    how: Callable[..., int] | None = None,
    **extras: Any,
) -> Child:
    """Start a program, as fast as the kernel can: the child shares memory until it executes.

    The child runs on a stack of its own with all signals blocked, and calls nothing but the kernel;
    it takes the steps below in the order of the errors' list. With *uid* or *gid* it has a copy of
    memory, as the kernel makes memory undumpable when its owner changes: that costs what fork(2)
    costs.

    Args:
        argv: the program and its arguments.
        executable: what is executed, if it is not ``argv[0]``. Without a slash it is looked for in
            the PATH of *env*.
        env: the whole environment; None is this process's.
        cwd: the child's working directory: a path or a descriptor.
        fds: the child's descriptor -> this process's descriptor or file. None closes it. 0, 1 and 2
            are handed on if they are not mentioned.
        close_others: close all other descriptors in the child. False leaves those open that are
            marked inheritable.
        pidfd: make a descriptor of the child, which closes on exec.
        cgroup: the child's cgroup (version 2): its folder's path or descriptor.
        namespaces: which new ones the child gets: time, mount, cgroup, uts, ipc, user, pid, net.
        sigmask: the signals that are blocked in the program; None: those that are blocked here.
        restore_signals: do not hand on that Python ignores SIGPIPE and SIGXFSZ.
        setsid: start a session.
        process_group: the process group to join; 0 starts one.
        umask: the umask.
        uid: the user's ID or name; real, effective and saved.
        gid: the group's ID or name; likewise.
        groups: supplementary groups.
        nice: the nice value, from -20 to 19.
        how: a declared variant of clone(2), clone3(2), fork(2) or vfork(2), from a module that
            syscraft generate wrote. All but those of vfork(2) copy memory as fork does. If it has a
            parameter nice, umask, uid, gid or process_group, it gets that argument, and the child
            has a step less.
        extras: the arguments that the variant has more than the call that it is like.

    Returns:
        The child, with the program running.

    Raises:
        OSError: a step failed, and there is no child. ``errno`` and ``filename`` say why, ``step``
            which one: clone, signals, setsid, process_group, umask, nice, cgroup, cwd, fds, groups,
            gid, uid, close, sigmask or exec.
        ValueError: an argument that no child can be given, or that *how* has no place for.
        TypeError: an argument of the wrong type, or one that *how* does not take.
        KeyError: no user or group has that name.

    Source:
        kernel/fork.c (CLONE_VM and CLONE_VFORK), Linux 6.12
    """
    if extras and how is None:
        raise TypeError(
            f"spawn(): no argument is named {next(iter(extras))!r}; a declared variant of clone(2) "
            "has arguments of its own: pass it as how="
        )
    if not isinstance(argv, list | tuple | str | bytes):
        argv = tuple(argv)  # it may be read only once
    if how is not None:
        left: dict[str, Any] = {
            "nice": nice, "umask": umask, "uid": uid, "gid": gid, "process_group": process_group,
        }  # fmt: skip
        taken = _taken_over(how, left)
        extras |= taken
        nice, umask, uid, gid, process_group = (
            None if name in taken else value for name, value in left.items()
        )
    flags = namespace_flags(namespaces) if namespaces else 0
    plan = (
        argv,
        executable,
        env,
        None if isinstance(cwd, int) else cwd,
        descriptor("cwd", cwd) if isinstance(cwd, int) else -1,
        moves(fds) if fds else b"",
        None if groups is None else group_list(groups),
        flags,
        0 if sigmask is None else signal_mask(sigmask),
        sigmask is None,
        IGNORED_BY_PYTHON if restore_signals else 0,
        setsid,
        -1 if process_group is None else within("process_group", process_group),
        -1 if umask is None else within("umask", umask, 0o777),
        nice is not None,
        0 if nice is None else within("nice", nice, 19, -20),
        -1 if uid is None else user_id(uid),
        -1 if gid is None else group_id(gid),
        pidfd,
    )
    ranges = ALL_BUT_STANDARD if fds is None and close_others else closed(fds or {}, close_others)
    sys.audit("syscraft.spawn", executable, argv, cwd, env)
    if dropped:
        reap_dropped()
    # It learns of its process before Python code can run, and a signal's handler can raise.
    child = Child(what=argv)
    try:
        fork = None if how is None else variant_call("spawn", how, extras, flags)
        if cgroup is not None:
            with opened_cgroup(cgroup) as folder:
                outcome = _core.spawn(plan, ranges, folder, fork, False, child)
        else:
            outcome = _core.spawn(plan, ranges, -1, fork, False, child)
        _, _, error, step = outcome
        if step is not None:
            program = argv[0] if executable is None else executable
            raise _failure(error, step, program, cwd, cgroup)
    except BaseException:
        child.abandon()
        raise
    return child


def _taken_over(how: Callable[..., int], attributes: dict[str, Any]) -> dict[str, Any]:
    """Find the attributes that a variant of clone sets itself, so that no step has to."""
    parameters = parameters_of("spawn", how).parameters
    return {
        name: value
        for name, value in attributes.items()
        if value is not None and name in parameters
    }


def _failure(
    error: int, step: str, program: Text, cwd: Text | int | None, cgroup: Cgroup | None
) -> OSError:
    """Make the exception of a failed step, of the class that belongs to its errno."""
    about: object = None
    text = os.strerror(error)
    if step == "clone" and cgroup is not None and error in _CGROUP_ERRORS:
        step = "cgroup"  # clone3(2) does both at once
        if error == errno.EBADF:
            text = NO_CGROUP
    if step == "exec":
        about = os.fspath(program)
    elif step == "cwd" and not isinstance(cwd, int):
        about = os.fspath(cwd) if cwd is not None else None
    elif step == "cgroup" and not isinstance(cgroup, int):
        about = os.fspath(cgroup) if cgroup is not None else None
    failure = OSError(error, text) if about is None else OSError(error, text, about)
    return told_step(failure, step)
