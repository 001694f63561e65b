"""One order, one number and one name on all machines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from syscraft.rules.base import Hit, Place, Rule, Severity, Subject

# Since this number all tables agree, but alpha's, which is 110 ahead.
# Source: scripts/syscall.tbl and arch/alpha/kernel/syscalls/syscall.tbl, Linux 6.12
_FIRST_COMMON = 424
_AHEAD = 110


def _orders(subject: Subject) -> Iterator[Hit]:
    shapes = {tuple((p.name, p.ctype.base) for p in v.parameters) for v in subject.variants}
    names = {tuple(sorted(name for name, _ in shape)) for shape in shapes}
    counts = {len(shape) for shape in shapes}
    if len(shapes) > 1 and (len(names) < len(shapes) or len(counts) > 1):
        yield Hit(subject.where, f"there are {len(shapes)} parameter lists")
    own = [p.name for p in subject.parameters]
    for name, other in subject.siblings:
        same = sorted(own) == sorted(other) and own != list(other)
        if name.startswith(subject.name) and name != subject.name and same:
            yield Hit(subject.where, f"{name}() has the same parameters in a different order")


def _numbers(subject: Subject) -> Iterator[Hit]:
    common = [row for row in subject.rows if row[2] >= _FIRST_COMMON]
    numbers = defaultdict(list)
    for table, _, number, _ in common:
        numbers[number].append(table)
    low = min(numbers, default=0)
    strange = [number for number in numbers if number not in (low, low + _AHEAD)]
    if strange and not all(512 <= number < 548 for number in strange):
        yield Hit(subject.where, f"the numbers differ: {sorted(numbers)}")
    names = {entry for *_, entry in subject.rows if entry.startswith("sys_")}
    other = sorted(names - {f"sys_{subject.name}", "sys_ni_syscall"})
    calls = {f"sys_{name}" for name, _ in subject.siblings}  # an older call under its own name
    wrapped = [n for n in other if subject.name in n and n not in calls]
    if wrapped:
        yield Hit(subject.where, f"some tables have a different entry: {', '.join(wrapped)}")


def _own_x32(subject: Subject) -> Iterator[Hit]:
    for table, abi, number, _ in subject.rows:
        if abi == "x32" and 512 <= number < 548:
            yield Hit(subject.where, f"x32 has its own number, {number}, in {table}")


def _every_table(subject: Subject) -> Iterator[Hit]:
    if not any(row[2] >= _FIRST_COMMON for row in subject.rows):
        return
    have = {row[0] for row in subject.rows} | set(subject.reserved)
    if missing := sorted(set(subject.tables) - have):
        yield Hit(subject.where, f"no row and no reserving comment in {', '.join(missing)}")
    elif subject.reserved:
        yield Hit(subject.where, f"only reserved, no row, in {', '.join(subject.reserved)}")


RULES = (
    Rule(
        id="L15",
        title="the parameters have the same order on every architecture",
        severity=Severity.WARNING,
        cost="every wrapper, tracer, filter and emulator needs a case for each order, forever",
        fix="one SYSCALL_DEFINE, in no #ifdef",
        history="clone has four lists, rt_sigaction has five parameters on alpha and sparc, "
        "sync_file_range2 is sync_file_range reordered",
        places=(
            Place("kernel/fork.c", "#ifdef CONFIG_CLONE_BACKWARDS"),
            Place("arch/alpha/kernel/signal.c", "SYSCALL_DEFINE5(rt_sigaction"),
            Place("fs/sync.c", "SYSCALL_DEFINE4(sync_file_range2"),
        ),
        source="arch/Kconfig, 'ABI hall of shame', Linux 6.12",
        check=_orders,
    ),
    Rule(
        id="L16",
        title="one number and one entry on every architecture",
        severity=Severity.ADVICE,
        cost="a program for one machine calls something else, or nothing, on the next",
        fix="take the next common number in every table",
        history="fadvise64_64 has the entry arm_fadvise64_64 on arm",
        places=(Place("arch/arm/tools/syscall.tbl", "sys_arm_fadvise64_64"),),
        source="scripts/syscall.tbl, Linux 6.12",
        check=_numbers,
    ),
    Rule(
        id="L27",
        title="x32 shares the 64-bit row",
        severity=Severity.ADVICE,
        cost="numbers 512 to 547 are x32's old block: tables grow, and filters that compare "
        "numbers have a hole",
        fix="one row 'common', and structs without pointers",
        history="readv, ioctl and others have a second number for x32, 512 to 547",
        places=(Place("arch/x86/entry/syscalls/syscall_64.tbl", "compat_sys_ioctl"),),
        source="Documentation/process/adding-syscalls.rst, Linux 6.12",
        check=_own_x32,
    ),
    Rule(
        id="L32",
        title="every table has a row, or a comment that reserves the number",
        severity=Severity.ADVICE,
        cost="the number is reused there, or the call is missing for years",
        fix="add the row to all tables in one series",
        history="memfd_secret and clone3 are missing in several tables",
        places=(Place("arch/alpha/kernel/syscalls/syscall.tbl", "reserved for memfd_secret"),),
        source="scripts/checksyscalls.sh, Linux 6.12",
        check=_every_table,
    ),
)
