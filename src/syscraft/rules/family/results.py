"""What a call returns: no value that looks like an error, no error that looks like a value."""

from __future__ import annotations

import re
from collections.abc import Iterator

from syscraft.rules.base import Hit, Place, Rule, Severity, Subject, search

# Numbers above 516, which sparc does not take for errors, that code returns by mistake.
# Source: include/linux/errno.h, Linux 6.12
_INNER = {
    "EPROBE_DEFER": 517, "EOPENSTALE": 518, "ENOPARAM": 519, "EBADHANDLE": 521, "ENOTSYNC": 522,
    "EBADCOOKIE": 523, "ENOTSUPP": 524, "ETOOSMALL": 525, "ESERVERFAULT": 526, "EBADTYPE": 527,
    "EJUKEBOX": 528, "EIOCBQUEUED": 529, "ERECALLCONFLICT": 530,
}  # fmt: skip
_FULL = {"unsigned long", "unsigned long long", "__u64", "u64", "uint64_t", "uintptr_t"}


def _negative(subject: Subject) -> Iterator[Hit]:
    if place := search(subject.code, r"\bforce_successful_syscall_return\s*\("):
        yield Hit(place, "a success may look like an error, so the entry code has to be told")
    elif place := search(subject.code, r"=\s*nice_to_rlimit\("):
        yield Hit(place, "the value is shifted so that it is never negative")
    returns = subject.returns
    if returns and (returns.is_pointer or returns.base in _FULL):
        yield Hit(subject.where, "every bit of the result may be part of the value")


def _too_large(subject: Subject) -> Iterator[Hit]:
    for errno, where in subject.errnos:
        if errno in _INNER:
            yield Hit(where, f"{errno} is {_INNER[errno]}, for the kernel's own use")
    code = subject.code
    for match in re.finditer(r"return -(E[A-Z]+)\b", code.text) if code else ():
        if code and match[1] in _INNER:
            message = f"{match[1]} is {_INNER[match[1]]}, for the kernel's own use"
            yield Hit(code.where(match.start()), message)


RULES = (
    Rule(
        id="L18",
        title="no successful value is negative or looks like an error",
        severity=Severity.WARNING,
        cost="alpha and nios2 treat any negative word as an error, MIPS down to -1133, sparc down "
        "to -516: programs see an error that did not happen",
        fix="return 0 or a small count, and store values through a pointer",
        history="getpriority returns 20 - nice; times, shmat, time and fcntl tell the entry code "
        "that they did not fail",
        places=(
            Place("kernel/sys.c", "To avoid negative return values"),
            Place("ipc/shm.c", "force_successful_syscall_return();"),
            Place("fs/fcntl.c", "force_successful_syscall_return();"),
        ),
        source="include/linux/ptrace.h, force_successful_syscall_return(), Linux 6.12",
        check=_negative,
    ),
    Rule(
        id="L19",
        title="error numbers are at most 516",
        severity=Severity.ERROR,
        cost="sparc treats larger ones as success, MIPS those above 1133, and libc has no name",
        fix="use an error of errno(3); EOPNOTSUPP is the one for programs, ENOTSUPP is not",
        history="ENOTSUPP, 524, still comes out of bpf",
        places=(
            Place("kernel/bpf/syscall.c", "-ENOTSUPP"),
            Place("include/linux/errno.h", "These should never be seen by user programs"),
        ),
        source="include/linux/errno.h; arch/sparc/kernel/entry.S, Linux 6.12",
        check=_too_large,
    ),
)
