"""What raw calls have to know of some calls besides their numbers.

Which calls keep the GIL stands with their table, in ``calls``.
"""

from __future__ import annotations

RETRY = frozenset(
    # They sleep before they have done anything, and the kernel itself starts them again for
    # handlers with SA_RESTART. A time that was set for a socket or a terminal (SO_RCVTIMEO, VTIME)
    # starts anew, as it does with os.read(). man 7 signal
    "read readv pread64 preadv preadv2 write writev pwrite64 pwritev pwritev2 "
    "accept accept4 recv recvfrom recvmsg send sendto sendmsg "
    # These return what they have moved; EINTR says nothing. fs/splice.c, fs/read_write.c
    "sendfile sendfile64 splice tee vmsplice copy_file_range "
    # The other end of a FIFO, a lease, a lock. fs/fifo.c, fs/locks.c
    "open openat openat2 creat flock fcntl fcntl64 "
    "wait4 waitpid waitid osf_wait4 "
    # drivers/char/random.c
    "getrandom "
    # Never started again by the kernel, but nothing was received or sent. ipc/msg.c, ipc/sem.c
    "msgrcv msgsnd semop "
    # Their time is that of a clock, and does not move. ipc/mqueue.c, kernel/futex/syscalls.c
    "mq_timedsend mq_timedsend_time64 mq_timedreceive mq_timedreceive_time64 "
    "futex_wait futex_waitv "
    # They write the time that is left into their argument. fs/select.c, poll_select_finish()
    "select _newselect pselect6 pselect6_time64 ppoll ppoll_time64 "
    # Twice is as good as once.
    "fsync fdatasync".split()
)
"""Calls that are made again after EINTR, once Python's handlers have run (PEP 475).

All others raise InterruptedError. For many a second try is wrong: one that waits for a time
(``nanosleep``, ``poll``, ``epoll_wait``, ``futex``) would wait all of it again; a closed descriptor
is gone, and may be another thread's by now (``close``); a connection goes on being made
(``connect``); waiting for a signal is over (``pause``, ``rt_sigsuspend``); what a network file
system was asked for may be done (``mkdir``, ``rename``). Of calls that are not known nobody can
say, so they are not here either.
"""

READ_ONLY = {
    # Each reads the parameters named here, though their type lacks const: bytes will do for them.
    # net/socket.c
    "bind": "umyaddr",
    "connect": "uservaddr",
    "send": "buff",
    "sendmsg": "msg",
    "sendto": "buff addr",
    "setsockopt": "optval",
    "socketcall": "args",
    # fs/
    "epoll_ctl": "event",
    "futimesat": "utimes t",
    "io_cancel": "iocb",
    "io_submit": "iocbpp",
    "mount": "dev_name dir_name type data",
    "mount_setattr": "uattr",
    "oldumount": "name",
    "open_by_handle_at": "handle",
    "openat2": "how",
    "signalfd": "user_mask",
    "signalfd4": "user_mask",
    "umount": "name",
    "umount2": "name",
    "utime": "filename times t",
    "utimensat": "utimes t",
    "utimensat_time64": "utimes",
    "utimes": "filename utimes t",
    # mm/
    "cachestat": "cstat_range",
    "move_pages": "pages",
    # ipc/
    "mq_open": "u_attr",
    "msgsnd": "msgp",
    "semop": "tsops",
    "semtimedop": "tsops tsems",
    "semtimedop_time64": "tsops",
    # kernel/time/
    "clock_nanosleep": "rqtp",
    "clock_settime": "tp",
    "io_getevents": "timeout",
    "io_pgetevents": "timeout",
    "io_pgetevents_time64": "timeout",
    "nanosleep": "rqtp",
    "setitimer": "value",
    "settimeofday": "tv tz",
    "stime": "tptr",
    "timer_create": "timer_event_spec",
    "timer_settime": "new",
    # kernel/futex/syscalls.c
    "futex_requeue": "waiters",
    "futex_wait": "uaddr timeout",
    "futex_waitv": "waiters timeout",
    "futex_wake": "uaddr",
    # kernel/signal.c
    "pidfd_send_signal": "info",
    "rt_sigprocmask": "nset",
    "rt_sigqueueinfo": "uinfo",
    "rt_sigsuspend": "unewset",
    "rt_sigtimedwait": "uthese uts",
    "rt_sigtimedwait_time64": "uthese uts",
    "rt_tgsigqueueinfo": "uinfo",
    "sigaction": "act",
    "sigprocmask": "nset",
    "sigsuspend": "uset",
    # kernel/sys.c, kernel/groups.c, kernel/reboot.c, kernel/kexec.c, kernel/module/main.c
    "init_module": "umod",
    "kexec_load": "segments",
    "reboot": "arg",
    "setdomainname": "name",
    "setgroups": "grouplist",
    "setgroups32": "grouplist",
    "sethostname": "name",
    "setrlimit": "rlim",
    # kernel/sched/syscalls.c; not sched_setattr, which writes the size that it knows
    "sched_set_affinity": "user_mask_ptr",
    "sched_setaffinity": "user_mask_ptr",
    "sched_setparam": "param",
    "sched_setscheduler": "param",
    # security/lsm_syscalls.c
    "lsm_set_self_attr": "ctx",
    # arch/alpha/kernel/osf_sys.c
    "osf_lstat": "name",
    "osf_mount": "data",
    "osf_setitimer": "value",
    "osf_settimeofday": "tv tz",
    "osf_sigstack": "uss",
    "osf_stat": "name",
    "osf_statfs64": "pathname",
    "osf_usleep_thread": "sleep",
    "osf_utimes": "tvs",
    # arch/alpha/kernel/pci.c
    "pciconfig_write": "buf",
    # arch/powerpc/mm/book3s64/subpage_prot.c, arch/powerpc/kernel/signal_32.c
    "subpage_prot": "map",
    "swapcontext": "new_ctx",
}
"""Calls -> their parameters that the kernel only reads, but whose C type does not say so.

Source: Linux 6.12, by the files named above.
"""

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
