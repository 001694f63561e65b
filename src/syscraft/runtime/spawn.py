"""spawn: start a program in a child that does nothing but a few safe steps before it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from syscraft.runtime import _core
from syscraft.runtime.attributes import (
    NOTHING,
    PLAIN,
    Attributes,
    IdMap,
    failure,
    left_to_us,
    planned,
)
from syscraft.runtime.child import Child, dropped, reap_dropped
from syscraft.runtime.namespaces import Cgroup, namespace_flags, opened_cgroup
from syscraft.runtime.spawn_plan import (
    ALL_BUT_STANDARD,
    IGNORED_BY_PYTHON,
    Descriptor,
    Environment,
    Text,
    closed,
    moves,
    signal_mask,
)
from syscraft.runtime.variant import variant_call


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
        limits: resource limits: resource.RLIMIT_* -> (soft, hard), or one number for both.
        death_signal: the signal that the program gets when the thread that started it ends.
        terminal: the controlling terminal; with setsid.
        no_new_privs: executing a program never gives it more privileges. prctl(2)
        capabilities: all that the program has, by name or number, whoever its user is; none others.
        affinity: the processors that it may run on.
        scheduler: os.SCHED_*, or (policy, priority).
        join: existing namespaces to join: paths such as /proc/PID/ns/net, or descriptors. One of
            PIDs is for the program's children only.
        root: the root folder, which is the working directory as well unless *cwd* says otherwise.
        uid_map: with a new user namespace: rows of (ID inside, ID outside, count). More than our
            own ID needs CAP_SETUID here, and costs what fork(2) costs, as this process writes it.
        gid_map: likewise, for groups.
        how: a declared variant of clone(2), clone3(2), fork(2) or vfork(2), from a module that
            syscraft generate wrote. All but those of vfork(2) copy memory as fork does. If it has a
            parameter with the name of a step's argument, it gets that argument, and the child has a
            step less.
        extras: the arguments that the variant has more than the call that it is like.

    Returns:
        The child, with the program running.

    Raises:
        OSError: a step failed, and there is no child. ``errno`` and ``filename`` say why, ``step``
            which one: clone, signals, id_maps, join, setsid, terminal, process_group, umask, nice,
            scheduler, affinity, cgroup, root, cwd, fds, limits, groups, gid, uid, capabilities,
            death_signal, no_new_privs, close, sigmask or exec.
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
    wanted = (
        cwd, setsid, process_group, umask, uid, gid, groups, nice, limits, death_signal, terminal,
        no_new_privs, capabilities, affinity, scheduler, join, root, uid_map, gid_map,
    )  # fmt: skip
    if how is not None:
        wanted = left_to_us(how, "spawn", wanted, extras)
    flags = namespace_flags(namespaces) if namespaces else 0
    program = (
        argv,
        executable,
        env,
        moves(fds) if fds else b"",
        flags,
        0 if sigmask is None else signal_mask(sigmask),
        sigmask is None,
        IGNORED_BY_PYTHON if restore_signals else 0,
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
        if cgroup is None and wanted == NOTHING:
            outcome = _core.spawn((*program, PLAIN), ranges, -1, fork, False, child)
        else:
            with contextlib.ExitStack() as stack:
                plan = stack.enter_context(planned(Attributes(*wanted), flags))
                folder = -1 if cgroup is None else stack.enter_context(opened_cgroup(cgroup))
                outcome = _core.spawn((*program, plan), ranges, folder, fork, False, child)
        _, _, error, step = outcome
        if step is not None:
            what = argv[0] if executable is None else executable
            raise failure(error, step, {"exec": what, "cwd": cwd, "root": root, "cgroup": cgroup})
    except BaseException:
        child.abandon()
        raise
    return child
