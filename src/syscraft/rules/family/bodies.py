"""What the function itself does with the user's memory and with other calls."""

from __future__ import annotations

import re
from collections.abc import Iterator

from syscraft.rules.base import Hit, Place, Rule, Severity, Subject


def _bitmaps(subject: Subject) -> Iterator[Hit]:
    for parameter in subject.parameters:
        ctype = parameter.ctype
        if (ctype.pointers, ctype.base) != (1, "unsigned long"):
            continue
        if re.search(r"mask|nodes", parameter.name):
            yield Hit(
                parameter.where,
                f"'{parameter.name}' is a bitmap whose length depends on the kernel",
            )
            return


def _unzeroed(subject: Subject) -> Iterator[Hit]:
    body = subject.body
    if body is None:
        return
    for match in re.finditer(r"copy_to_user\([^;]*&(\w+)\s*,", body.text):
        name = match[1]
        declared = re.search(rf"\bstruct \w+ {name}\s*(=)?", body.text)
        if not declared or declared[1]:
            continue
        # Whole assignments, and functions that get its address, may fill all of it.
        filled = re.search(
            rf"\b{name}\s*=[^=]|(?<!sizeof)[(,?:]\s*&{name}\b", body.text[: match.start()]
        )
        if not filled:
            yield Hit(
                body.where(match.start()),
                f"'{name}' is copied to user space with uninitialized stack contents",
            )


def _inner_calls(subject: Subject) -> Iterator[Hit]:
    body = subject.body
    if body and "/arch/" in f"/{body.path}":
        return  # overrides of an architecture may
    match = re.search(r"(?<![\w.>])(?:compat_)?sys_\w+\s*\(", body.text) if body else None
    if body and match:
        yield Hit(body.where(match.start()), f"kernel code calls {match[0].rstrip('( ')}()")


RULES = (
    Rule(
        id="L28",
        title="a bitmap of the kernel's size has a size argument with a stated meaning",
        severity=Severity.ADVICE,
        cost="the size grows with the machine, in longs that differ between 32 and 64 bits",
        fix="an array of __aligned_u64, its size in bytes, and say what is returned",
        history="sched_getaffinity returns a count of bytes, which libc hides",
        places=(Place("kernel/sched/syscalls.c", "SYSCALL_DEFINE3(sched_getaffinity"),),
        source="kernel/sched/syscalls.c, Linux 6.12",
        check=_bitmaps,
    ),
    Rule(
        id="L29",
        title="a struct that goes to user space is zeroed first",
        severity=Severity.ERROR,
        cost="padding and unset fields leak kernel memory to user space",
        fix="initialize it with = {}, or use memset()",
        history="many leaks; times() sets every field of its struct, which only works because "
        "there is no padding",
        places=(Place("kernel/sys.c", "SYSCALL_DEFINE1(times"),),
        source="Documentation/driver-api/ioctl.rst, 'Information leaks', Linux 6.12",
        check=_unzeroed,
    ),
    Rule(
        id="L31",
        title="kernel code never calls sys_NAME()",
        severity=Severity.ERROR,
        cost="the entries take raw user registers; the kernel's calls break on machines "
        "whose entries have another form",
        fix="share a helper that takes plain arguments",
        history="ksys_ helpers replaced such calls; architectures with wrappers cannot link them",
        places=(Place("include/linux/syscalls.h", "ksys_fchown"),),
        source="Documentation/process/adding-syscalls.rst, Linux 6.12",
        check=_inner_calls,
    ),
)
