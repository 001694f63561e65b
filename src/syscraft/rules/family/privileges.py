"""Who may call it, and on whom."""

from __future__ import annotations

from collections.abc import Iterator

from syscraft.rules.base import Hit, Place, Rule, Severity, Subject, search

_DOC = "Documentation/process/adding-syscalls.rst, Linux 6.12"
_ADMIN = r"\b(?:ns_)?capable(?:_noaudit)?\([^;]*\bCAP_SYS_ADMIN\b"
_OTHER = r"CLASS\(find_get_task|\bfind_task_by_vpid\(|\bfind_process_by_pid\(|"
_OTHER += r"\bfind_get_task_by_vpid\(|\bget_pid_task\("
_RIGHT = r"\bptrace_may_access\(|\bmm_access\(|\bptrace_attach\("


def _admin(subject: Subject) -> Iterator[Hit]:
    if place := search(subject.code, _ADMIN):
        yield Hit(place, "CAP_SYS_ADMIN is required")


def _other_process(subject: Subject) -> Iterator[Hit]:
    code = subject.code
    if search(code, _OTHER) is None or search(code, _RIGHT):
        return
    if subject.declared or search(code, r"\bcheck_same_owner\(|\buid_eq\("):
        yield Hit(subject.where, "the call acts on another process without a ptrace-style check")


RULES = (
    Rule(
        id="L24",
        title="the narrowest capability that fits, and not CAP_SYS_ADMIN",
        severity=Severity.WARNING,
        cost="whoever needs this one operation gets all the others",
        fix="look for a narrower one in include/uapi/linux/capability.h",
        history="mount, swapon and sethostname share this one; bpf and perf_event_open "
        "were given CAP_BPF and CAP_PERFMON later",
        places=(
            Place("kernel/sys.c", "CAP_SYS_ADMIN"),
            Place("include/uapi/linux/capability.h", "CAP_PERFMON"),
        ),
        source=_DOC,
        check=_admin,
    ),
    Rule(
        id="L25",
        title="acting on another process requires ptrace_may_access() or an equivalent",
        severity=Severity.WARNING,
        cost="comparing user ids misses capabilities, namespaces and security modules",
        fix="ptrace_may_access(), or mm_access() for its memory",
        history="setpriority and sched_setaffinity compare user ids; process_madvise does it right",
        places=(
            Place("kernel/sys.c", "set_one_prio_perm"),
            Place("kernel/sched/syscalls.c", "check_same_owner"),
            Place("mm/madvise.c", "mm_access(task, PTRACE_MODE_READ_FSCREDS)"),
        ),
        source=_DOC,
        check=_other_process,
    ),
)
