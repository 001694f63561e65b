"""File descriptors, names, paths and offsets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from syscraft.rules.base import Hit, Place, Rule, Severity, Subject, search

_DOC = "Documentation/process/adding-syscalls.rst, Linux 6.12"
_PATHS = r"\w*path\w*|filename|\w*_?dir_name|special\w*|oldname|newname|path"
_DIRFDS = r"\w*d_?fd|\w*dirfd|olddfd|newdfd|dfd|fd|fs_fd|\w*_fd"


def _cloexec(subject: Subject) -> Iterator[Hit]:
    made = search(subject.body, r"get_unused_fd_flags\(0\)|anon_inode_getfd\([^;]*,\s*(?:0|O_RDWR|"
                  r"O_RDONLY)\s*\)")  # fmt: skip
    if made:
        yield Hit(made, "the new descriptor stays open across exec")
    if not subject.flag_parameters:
        return
    for name, value, _ in subject.constants:
        if re.fullmatch(r"O_(?:CLOEXEC|NONBLOCK|EXCL)", value.strip()):
            yield Hit(subject.where, f"{name} is {value.strip()}, which differs between machines")
    # The file status flags of open(2) themselves are the interface of some calls.
    place = search(subject.code, r"~\s*\([^;()]*\bO_CLOEXEC\b|flags & O_CLOEXEC")
    if place and not subject.named(_PATHS):
        yield Hit(place, "the bit is O_CLOEXEC, which differs between machines")


def _names(subject: Subject) -> Iterator[Hit]:
    for parameter in subject.parameters:
        name, ctype = parameter.name, parameter.ctype
        if ctype.is_pointer:
            continue
        if ctype.base in ("pid_t", "timer_t", "key_serial_t") or re.fullmatch(
            r"(?:shm|sem|msq|msg)id|mnt_id|timer_id", name
        ):
            yield Hit(parameter.where, f"'{name}' is a number that gets reused")
            return


def _paths(subject: Subject) -> Iterator[Hit]:
    for parameter in subject.named(_PATHS):
        ctype = parameter.ctype
        if ctype.base != "char" or not ctype.const or ctype.pointers != 1:
            continue
        if not any(not p.ctype.is_pointer for p in subject.named(_DIRFDS)):
            yield Hit(parameter.where, f"'{parameter.name}' has no directory descriptor")
            return


def _offsets(subject: Subject) -> Iterator[Hit]:
    file = [
        p
        for p in subject.named(r"fd|\w+_fd|path")
        if p.ctype.base in ("int", "unsigned int", "char")
    ]
    wide = any(p.is_wide for p in subject.parameters)
    for parameter in subject.parameters:
        base, name = parameter.ctype.base, parameter.name
        narrow = base in ("off_t", "__kernel_off_t", "long", "unsigned long", "unsigned int")
        if file and narrow and re.fullmatch(r"offset|off|pos|length", name):
            yield Hit(parameter.where, f"'{name}' is {base}: files are larger than 32 bits")
        elif file and wide and base == "size_t" and name in ("len", "length"):
            if subject.named(r"\w*buf\w*|vec|count") or not subject.named("offset|pos|off"):
                continue
            yield Hit(parameter.where, f"'{name}' of a file is size_t beside a loff_t")


RULES = (
    Rule(
        id="L20",
        title="a new descriptor is close-on-exec, or has a CLOEXEC bit that is the call's own",
        severity=Severity.WARNING,
        cost="O_CLOEXEC and O_NONBLOCK differ on alpha, mips, parisc and sparc: the bits "
        "of the call differ, and collide with new ones; without either, descriptors leak",
        fix="define NAME_CLOEXEC as the call's own bit, as FSOPEN_CLOEXEC, or always set it",
        history="OPEN_TREE_CLOEXEC is O_CLOEXEC, memfd_secret takes O_CLOEXEC, PIDFD_NONBLOCK is "
        "O_NONBLOCK and PIDFD_THREAD is O_EXCL",
        places=(
            Place("include/uapi/linux/mount.h", "#define OPEN_TREE_CLOEXEC"),
            Place("mm/secretmem.c", "SECRETMEM_FLAGS_MASK | O_CLOEXEC"),
            Place("include/uapi/linux/pidfd.h", "#define PIDFD_NONBLOCK"),
        ),
        source=_DOC,
        check=_cloexec,
    ),
    Rule(
        id="L21",
        title="kernel objects are referred to by descriptors",
        severity=Severity.ADVICE,
        cost="a number is given to another object as soon as the first is gone, and it passes "
        "no permission on",
        fix="return a descriptor, and take one",
        history="kill, timer_settime and shmctl take numbers; pidfd_open came for that reason",
        places=(
            Place("kernel/pid.c", "SYSCALL_DEFINE2(pidfd_open"),
            Place("ipc/shm.c", "SYSCALL_DEFINE3(shmctl"),
        ),
        source=_DOC,
        check=_names,
    ),
    Rule(
        id="L22",
        title="a path comes with a directory descriptor and AT_ flags",
        severity=Severity.WARNING,
        cost="races, no way to step across chroot and mount namespaces, and a second call later",
        fix="int dfd, const char __user *path, unsigned int flags, with AT_EMPTY_PATH",
        history="openat and its family doubled older calls; quotactl needed quotactl_fd",
        places=(Place("fs/quota/quota.c", "SYSCALL_DEFINE4(quotactl_fd"),),
        source=_DOC,
        check=_paths,
    ),
    Rule(
        id="L23",
        title="file offsets and lengths are loff_t",
        severity=Severity.WARNING,
        cost="32-bit programs cannot reach past 2 GB, and a second call has to be added",
        fix="loff_t, in an odd register",
        history="fadvise64 has a size_t length, hence fadvise64_64; lseek needed _llseek, "
        "truncate needed truncate64",
        places=(
            Place(
                "mm/fadvise.c", "SYSCALL_DEFINE4(fadvise64, int, fd, loff_t, offset, size_t, len"
            ),
            Place("fs/read_write.c", "SYSCALL_DEFINE5(llseek"),
            Place("fs/open.c", "SYSCALL_DEFINE2(truncate64"),
        ),
        source=_DOC,
        check=_offsets,
    ),
)
