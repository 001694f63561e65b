"""What user space hands over has one layout on every ABI."""

from __future__ import annotations

from collections.abc import Iterator

from syscraft.declaration.scalars import SCALARS
from syscraft.rules.base import Hit, Item, Place, Rule, Severity, StructView, Subject

_IOCTL = "Documentation/driver-api/ioctl.rst, 'Structure layout', Linux 6.12"
_NAMES = {"size_t", "__kernel_size_t", "__kernel_long_t", "__kernel_ulong_t", "off_t", "time_t",
          "__kernel_old_time_t", "__kernel_clock_t", "clock_t", "__kernel_off_t",
          "__kernel_old_off_t", "long", "unsigned long"}  # fmt: skip


def _extent(item: Item) -> tuple[int, int] | None:
    """Bytes and natural alignment of a field of fixed width, or None."""
    scalar = SCALARS.get(item.ctype.base)
    if item.ctype.is_pointer or item.bits or scalar is None or scalar.bits is None:
        return None
    array = item.ctype.array
    if array is not None and not array.isdigit():
        return None
    size = scalar.bits // 8
    return size * int(array or 1), size


def _layout(struct: StructView, widest: int) -> tuple[dict[str, int], int] | None:
    """Offsets and the total size, if 64-bit fields align to *widest* bytes."""
    offset, most, offsets = 0, 1, {}
    for field in struct.fields:
        extent = _extent(field)
        if extent is None:
            return None
        size, alignment = extent
        if size and alignment == 8 and not field.ctype.base.startswith("__aligned_"):
            alignment = widest
        offset += -offset % alignment
        offsets[field.name] = offset
        offset += size
        most = max(most, alignment)
    return offsets, offset + -offset % most


def _padding(subject: Subject) -> Iterator[Hit]:
    for _, struct in subject.pointed():
        if struct.packed:
            yield Hit(struct.where, f"'struct {struct.name}' is packed")
            continue
        laid = _layout(struct, 8)
        if not laid or not struct.fields:
            continue
        sizes = sum(extent[0] for f in struct.fields if (extent := _extent(f)))
        if laid[1] != sizes:
            yield Hit(
                struct.where,
                f"'struct {struct.name}' has {laid[1] - sizes} bytes of implicit padding",
            )


def _aligned(subject: Subject) -> Iterator[Hit]:
    for _, struct in subject.pointed():
        narrow, wide = _layout(struct, 4), _layout(struct, 8)
        if narrow and wide and narrow != wide and struct.fields:
            moved = [n for n in wide[0] if wide[0][n] != narrow[0][n]]
            what = f"'{moved[0]}'" if moved else "the end"
            yield Hit(
                struct.where, f"{what} of 'struct {struct.name}' moves where u64 is aligned to 4"
            )


def _fixed(subject: Subject) -> Iterator[Hit]:
    for parameter in subject.parameters:
        if parameter.ctype.base.startswith("enum "):
            yield Hit(parameter.where, f"'{parameter.name}' is an enum")
    for _, struct in subject.pointed():
        for field in struct.fields:
            base = field.ctype.base
            if field.bits:
                what = "a bit-field"
            elif field.ctype.is_pointer:
                what = "a pointer"
            elif base in _NAMES or field.is_long or base.startswith("enum "):
                what = base
            else:
                continue
            yield Hit(field.where, f"'{field.name}' of 'struct {struct.name}' is {what}")
            break


def _pointers(subject: Subject) -> Iterator[Hit]:
    for _, struct in subject.pointed():
        for field in struct.fields:
            if field.ctype.is_pointer:
                yield Hit(field.where, f"'{field.name}' of 'struct {struct.name}' is a pointer")
                break


def _wider_than_long(subject: Subject) -> Iterator[Hit]:
    for parameter in subject.parameters:
        base = parameter.ctype.base
        by_value = base.startswith(("struct ", "union ")) and not parameter.ctype.is_pointer
        if by_value or (not parameter.ctype.is_pointer and "128" in base):
            yield Hit(parameter.where, f"'{parameter.name}' is wider than long")


RULES = (
    Rule(
        id="L8",
        title="no implicit padding and no packing; explicit padding is checked to be zero",
        severity=Severity.WARNING,
        cost="compilers disagree about it, it leaks kernel memory, and it can never be used later",
        fix="declare the padding as fields, reject nonzero values, make the size a multiple of 8",
        history="epoll_event is packed on one architecture only, and landlock_path_beneath_attr "
        "has 12 bytes",
        places=(
            Place("include/uapi/linux/eventpoll.h", "#define EPOLL_PACKED __attribute__((packed))"),
            Place("include/uapi/linux/landlock.h", "__attribute__((packed))"),
        ),
        source="Documentation/process/botching-up-ioctls.rst, Linux 6.12",
        check=_padding,
    ),
    Rule(
        id="L9",
        title="64-bit fields are __aligned_u64",
        severity=Severity.WARNING,
        cost="a plain u64 aligns to 4 on i386 and sh and to 2 on m68k, so every field behind it "
        "moves and 32-bit programs need a translation",
        fix="__aligned_u64, at offsets that are multiples of 8",
        history="epoll_event would have its data at a different offset on i386, hence the packing; "
        "clone_args has __aligned_u64 throughout",
        places=(
            Place("include/uapi/linux/eventpoll.h", "__u64 data;"),
            Place("include/uapi/linux/sched.h", "__aligned_u64 flags;"),
        ),
        source=_IOCTL,
        check=_aligned,
    ),
    Rule(
        id="L10",
        title="only types of fixed width: no long, size_t, time_t, pointer, enum or bit-field",
        severity=Severity.WARNING,
        cost="the struct differs between 32 and 64 bits, and every kernel translates it forever",
        fix="__u32, __s32, __aligned_u64",
        history="time_t in structs brought the whole second set of calls 403 to 423; "
        "perf_event_attr has bit-fields, landlock_add_rule takes an enum, iovec has pointers",
        places=(
            Place("include/uapi/linux/perf_event.h", "PERF_ATTR_SIZE_VER0"),
            Place("security/landlock/syscalls.c", "const enum landlock_rule_type, rule_type"),
            Place("include/uapi/linux/kexec.h", "struct kexec_segment {"),
        ),
        source=_IOCTL,
        check=_fixed,
    ),
    Rule(
        id="L11",
        title="a pointer in a struct is an __aligned_u64",
        severity=Severity.WARNING,
        cost="32-bit programs need a translation of every element",
        fix="__aligned_u64, and u64_to_user_ptr() in the kernel",
        history="readv, process_madvise and kexec_load read their arrays in a second way for "
        "32-bit programs",
        places=(
            Place("include/uapi/linux/uio.h", "void __user *iov_base;"),
            Place("kernel/kexec.c", "COMPAT_SYSCALL_DEFINE4(kexec_load"),
        ),
        source="Documentation/process/botching-up-ioctls.rst, Linux 6.12",
        check=_pointers,
    ),
    Rule(
        id="L17",
        title="no parameter is wider than a register, except 64-bit integers",
        severity=Severity.ERROR,
        cost="the kernel does not build: SYSCALL_DEFINE asserts it",
        fix="pass a pointer",
        history="the assertion stands in the macro since wider types reached 32-bit machines as "
        "halves",
        places=(Place("include/linux/syscalls.h", "__SC_TEST"),),
        source="include/linux/syscalls.h, __SC_TEST, Linux 6.12",
        check=_wider_than_long,
    ),
)
