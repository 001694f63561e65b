"""64-bit values in registers of 32 bits."""

from __future__ import annotations

from collections.abc import Iterator

from syscraft.abi.layout import Pairs, Part, places
from syscraft.rules.base import Hit, Place, Rule, Severity, Subject, search

_DOC = "Documentation/process/adding-syscalls.rst, Linux 6.12"


def _positions(subject: Subject) -> Iterator[Hit]:
    """A wide value whose first register, counted from one, is even wastes one, or moves."""
    if subject.packed:
        return
    laid_out = places(Pairs.NEXT, [parameter.is_wide for parameter in subject.parameters])
    for number, place in enumerate(laid_out):
        parameter = subject.parameters[place.argument]
        if place.part is Part.FIRST and number % 2:
            yield Hit(
                parameter.where,
                f"'{parameter.name}' is 64 bits wide and starts in an even register",
            )


def _no_compat(subject: Subject) -> Iterator[Hit]:
    if subject.compat is False and any(p.is_wide for p in subject.parameters):
        wide = next(p for p in subject.parameters if p.is_wide)
        yield Hit(
            wide.where, f"'{wide.name}' is 64 bits wide, and there is no entry for 31-bit s390"
        )


def _split(subject: Subject) -> Iterator[Hit]:
    if place := search(subject.code, r"SYSCALL32_DEFINE|CONFIG_ARCH_SPLIT_ARG64"):
        yield Hit(place, "a 64-bit value is split by hand, and only on some architectures")


RULES = (
    Rule(
        id="L12",
        title="no 64-bit scalar argument; if unavoidable, in first, third or fifth position",
        severity=Severity.WARNING,
        cost="ABIs that require an even first register leave a hole or reorder the arguments, so "
        "one call has several prototypes",
        fix="put it in a struct, or move it to an odd register",
        history="sync_file_range had to get the twin sync_file_range2, fadvise64_64 is reordered "
        "on arm, csky, xtensa and hexagon, readahead has a hole on MIPS o32 and pread64 on sh",
        places=(
            Place("fs/sync.c", "SYSCALL_DEFINE4(sync_file_range2"),
            Place("arch/arm/kernel/sys_arm.c", "sys_arm_fadvise64_64"),
            Place("arch/sh/kernel/sys_sh32.c", "sys_pread_wrapper"),
            Place("arch/mips/kernel/linux32.c", "sys32_readahead"),
        ),
        source=_DOC,
        check=_positions,
    ),
    Rule(
        id="L13",
        title="a 64-bit scalar has a compat entry",
        severity=Severity.WARNING,
        cost="the entry that the macro makes for 31-bit programs on s390 returns ENOSYS, at run "
        "time only",
        fix="COMPAT_SYSCALL_DEFINE with two halves, or no 64-bit scalar",
        history="the macro refuses to guess how halves are passed; s390 has its own compat "
        "fadvise64_64",
        places=(Place("arch/s390/include/asm/syscall_wrapper.h", "-ENOSYS"),),
        source="arch/s390/include/asm/syscall_wrapper.h, Linux 6.12",
        check=_no_compat,
    ),
    Rule(
        id="L14",
        title="no code depends on one way to split 64-bit values",
        severity=Severity.WARNING,
        cost="i386, 32-bit PA-RISC and PowerPC split by hand, arm, MIPS o32 and xtensa leave it "
        "to C: each new architecture has to join one of the groups",
        fix="put the value in a struct",
        history="fanotify_mark has two prototypes",
        places=(
            Place("fs/notify/fanotify/fanotify_user.c", "SYSCALL32_DEFINE6(fanotify_mark"),
            Place("arch/x86/Kconfig", "ARCH_SPLIT_ARG64"),
        ),
        source="include/linux/syscalls.h, CONFIG_ARCH_SPLIT_ARG64, Linux 6.12",
        check=_split,
    ),
)
