"""Structs that can grow: sizes, versions, and flags that need a newer field."""

from __future__ import annotations

import re
from collections.abc import Iterator

from syscraft.abi.layout import MAX_ARGUMENTS, Pairs, places
from syscraft.rules.base import Hit, Place, Rule, Severity, StructView, Subject, search

_CONTRACT = "include/linux/uaccess.h, copy_struct_from_user(), Linux 6.12"
_SIZE = r"(?:u|k|\w*_)?size|len|\w*len"
_COPIES = r"\bcopy_struct_from_user\s*\(|\bbpf_check_uarg_tail_zero\s*\("


def _registers(subject: Subject) -> int:
    """Registers on a 32-bit ABI that wants an even first one for 64 bits."""
    return len(places(Pairs.EVEN, [parameter.is_wide for parameter in subject.parameters]))


def _many(subject: Subject) -> Iterator[Hit]:
    if subject.packed or subject.like == "clone":
        return
    needed = _registers(subject)
    if needed > MAX_ARGUMENTS:
        yield Hit(subject.where, f"the arguments need {needed} registers where pairs are even")
    elif len(subject.parameters) == MAX_ARGUMENTS:
        yield Hit(subject.where, "all six registers are used, so nothing can be added")


def _extensible(subject: Subject) -> Iterator[StructView]:
    for item, struct in subject.pointed():
        if re.search(r"buf|out", item.name):
            continue  # the kernel fills it
        if struct.sizes or (struct.fields and struct.fields[0].name == "size"):
            yield struct


def _size_argument(subject: Subject) -> Iterator[Hit]:
    if subject.packed:
        return
    for struct in _extensible(subject):
        first = struct.fields[0].name if struct.fields else ""
        if first == "size" and not subject.named(_SIZE):
            yield Hit(
                subject.where, f"the size of 'struct {struct.name}' is a field of the struct itself"
            )
    if subject.declared:
        for item, struct in subject.pointed():
            if not subject.named(_SIZE):
                yield Hit(item.where, f"no size is passed for 'struct {struct.name}'")
    code = subject.code
    if code is None or search(code, _COPIES) is None:
        return
    small = re.search(r"<\s*\w+_SIZE_VER0[^;]*?\)\s*(?:return -(\w+)|goto (\w+))", code.text)
    if small:
        errno = small[1]
        if small[2]:
            label = re.search(rf"^{small[2]}:(?:(?!^}}).)*?return -(E\w+)", code.text, re.M | re.S)
            errno = label[1] if label else None
        if errno == "E2BIG":
            yield Hit(code.where(small.start()), "a size that is too small is reported as E2BIG")
    elif not re.search(r"(?:size|len)\w*\)?\s*(?:<|!=)|sizeof\([^)]*\)\s*>", code.text):
        yield Hit(subject.where, "no minimum size is checked")


def _version_checks(subject: Subject) -> Iterator[Hit]:
    code = subject.code
    if code is None or search(code, r"\bcopy_struct_from_user\s*\(") is None:
        return
    checks = " ".join(re.findall(r"(?:BUILD_BUG_ON|static_assert)\s*\(.*?\);", code.text, re.S))
    for _, struct in subject.pointed():
        missing = [size for size in struct.sizes if size not in checks]
        if missing:
            yield Hit(subject.where, f"no build-time check of {', '.join(missing)}")


def _flag_needs_field(subject: Subject) -> Iterator[Hit]:
    code = subject.code
    if code is None or search(code, r"\bcopy_struct_from_user\s*\(") is None:
        return
    for _, struct in subject.pointed():
        newer = struct.sizes[1:]
        has_flags = any("flags" in field.name for field in struct.fields)
        if has_flags and newer and not any(re.search(rf"<\s*{n}", code.text) for n in newer):
            yield Hit(subject.where, f"no flag of 'struct {struct.name}' checks for a newer size")


def _appended(subject: Subject) -> Iterator[Hit]:
    for old, new in zip(subject.versions, subject.versions[1:], strict=False):
        if new[: len(old)] != old:
            yield Hit(subject.where, "a version of the struct moves fields of an earlier one")


RULES = (
    Rule(
        id="L3",
        title="more than a few parameters travel in a struct with a size",
        severity=Severity.ADVICE,
        cost="there are six registers; what does not fit is split or hidden behind pointers, "
        "differently on each architecture",
        fix="pack = true, or one struct and its size",
        history="pselect6 hides a pointer and a size behind its sixth argument; "
        "sync_file_range needs seven registers on MIPS o32",
        places=(Place("fs/select.c", "SYSCALL_DEFINE6(pselect6"),),
        source="Documentation/process/adding-syscalls.rst; SYSCALL_DEFINE_MAXARGS in "
        "include/linux/syscalls.h, Linux 6.12",
        check=_many,
    ),
    Rule(
        id="L4",
        title="the size of a struct is an argument: EINVAL below the first, E2BIG for unknown bits",
        severity=Severity.WARNING,
        cost="old programs and new kernels, or the reverse, misread each other's structs",
        fix="take 'size_t size', refuse less than _SIZE_VER0 with EINVAL and more than a page "
        "with E2BIG, then copy_struct_from_user()",
        history="sched_setattr returns E2BIG when the size is too small, bpf has no minimum size, "
        "perf_event_open and statmount keep the size inside the struct",
        places=(
            Place(
                "kernel/sched/syscalls.c", "if (size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE)"
            ),
            Place("kernel/bpf/syscall.c", "bpf_check_uarg_tail_zero(uattr, sizeof(attr), size)"),
            Place("fs/namespace.c", "get_user(usize, &req->size)"),
        ),
        source=_CONTRACT,
        check=_size_argument,
    ),
    Rule(
        id="L5",
        title="each published size has a constant and a build-time check",
        severity=Severity.ADVICE,
        cost="a field added in the middle breaks existing programs, and nothing notices",
        fix="BUILD_BUG_ON(offsetofend(struct NAME, last_field) != NAME_SIZE_VERn), one for each",
        history="copy_mnt_id_req() compares only the newest size; clone3 compares all three",
        places=(
            Place("fs/namespace.c", "BUILD_BUG_ON(sizeof(struct mnt_id_req) != MNT_ID_REQ_SIZE"),
            Place("kernel/fork.c", "CLONE_ARGS_SIZE_VER0"),
        ),
        source="kernel/fork.c, copy_clone_args_from_user(), Linux 6.12",
        check=_version_checks,
    ),
    Rule(
        id="L6",
        title="a flag that gives a newer field its meaning asks for the size that has it",
        severity=Severity.ADVICE,
        cost="the flag reads a field that the program never passed, as zero",
        fix="if ((flags & NEW_FLAG) && size < NAME_SIZE_VERn) return -EINVAL;",
        history="sched_setattr and clone3 do it right; it is easy to forget",
        places=(
            Place("kernel/sched/syscalls.c", "size < SCHED_ATTR_SIZE_VER1"),
            Place("kernel/fork.c", "(args.flags & CLONE_INTO_CGROUP)"),
        ),
        source="kernel/sched/syscalls.c, sched_copy_attr(), Linux 6.12",
        check=_flag_needs_field,
    ),
    Rule(
        id="L7",
        title="a newer version only appends, and zero selects the old behaviour",
        severity=Severity.ERROR,
        cost="existing programs pass values at the wrong offsets",
        fix="put new fields at the end",
        history="the comment on clone3's struct says so; clone had no room left",
        places=(
            Place(
                "include/uapi/linux/sched.h", "New struct members must go at the end of the struct"
            ),
        ),
        source="Documentation/process/adding-syscalls.rst, Linux 6.12",
        check=_appended,
    ),
)
