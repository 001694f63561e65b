"""What raw calls have to know of some calls besides their numbers.

Which calls keep the GIL stands with their table, in ``calls``.
"""

from __future__ import annotations

ONCE = frozenset(
    # The descriptor is gone even if close() says EINTR, and may be another thread's by now.
    # fs/open.c, SYSCALL_DEFINE1(close)
    "close close_range "
    # Their result is EINTR: there is nothing else to wait for. kernel/signal.c
    "pause rt_sigsuspend sigsuspend "
    # The time that is left is the caller's to work out: a second try would wait all of it again.
    # select and ppoll are not here: they write the time that is left into their argument.
    # fs/select.c, poll_select_finish()
    "nanosleep clock_nanosleep poll epoll_wait epoll_pwait epoll_pwait2 rt_sigtimedwait "
    "rt_sigtimedwait_time64 semtimedop semtimedop_time64 io_getevents io_pgetevents futex "
    "futex_time64 recvmmsg recvmmsg_time64 msgrcv io_uring_enter clock_nanosleep_time64 "
    # The connection goes on being made; a second call says EALREADY. man 2 connect
    "connect "
    # The kernel starts these again by itself where that is right. kernel/signal.c
    "restart_syscall".split()
)
"""Calls that are not tried again after EINTR: InterruptedError is raised instead."""

_TWICE = "returns twice, and the child would run without what Python does after a fork"

REFUSED = {
    "fork": f"fork() {_TWICE}: use os.fork() or syscraft.clone()",
    "vfork": (
        "vfork() has a child that goes on in the parent's memory and on its stack, which breaks "
        "the interpreter: use syscraft.spawn()"
    ),
    "clone": f"clone() {_TWICE}: use syscraft.clone() or syscraft.spawn()",
    "clone3": f"clone3() {_TWICE}: use syscraft.clone() or syscraft.spawn()",
    "exit": (
        "exit() ends this thread without the interpreter's knowledge, so that whoever joins it "
        "waits for ever: use sys.exit(), or os._exit() for the process"
    ),
    "rt_sigreturn": (
        "rt_sigreturn() jumps to what lies on the stack: only the end of a signal handler in C "
        "may call it"
    ),
    "sigreturn": (
        "sigreturn() jumps to what lies on the stack: only the end of a signal handler in C may "
        "call it"
    ),
}
"""Calls that no interpreter survives -> the sentence that says so, and what to use."""
