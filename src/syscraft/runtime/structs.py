"""Structs that system calls take or fill, as dataclasses which are memory at the same time.

A struct is a bytearray of its C struct's size: it goes to ``syscall()``, ``calls``, ``ctypes`` and
``fcntl.ioctl()`` as it is, what the kernel writes is in its fields at once, and ``len()`` is the
size that extensible calls ask for::

    how = OpenHow(flags=os.O_RDONLY, resolve=RESOLVE_BENEATH)
    fd = calls.openat2(dirfd, "file", how, len(how))

The fields have fixed widths and lie without holes, so every ABI has the same layout in its own byte
order. For a kernel that knows an older, shorter version pass its size instead of ``len()``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self, SupportsIndex

if TYPE_CHECKING:
    from typing_extensions import Buffer

# The struct module's letters, with standard sizes and the machine's byte order.
_RANGES = {
    "B": (0, (1 << 8) - 1),
    "H": (0, (1 << 16) - 1),
    "I": (0, (1 << 32) - 1),
    "Q": (0, (1 << 64) - 1),
    "i": (-(1 << 31), (1 << 31) - 1),
    "q": (-(1 << 63), (1 << 63) - 1),
}


class _Field:
    """A field: reads and writes its place in the struct's memory."""

    offset = 0

    def __init__(self, letter: str, default: int, c_name: str | None) -> None:
        self.format = struct.Struct(f"={letter}")
        self.range = _RANGES[letter]
        self.default = default
        self.c_name = c_name
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name
        self.c_name = self.c_name or name

    def __get__(self, instance: Struct | None, owner: type) -> int:
        if instance is None:
            return self.default  # what dataclass takes for the default
        value: int = self.format.unpack_from(instance, self.offset)[0]
        return value

    def __set__(self, instance: Struct, value: SupportsIndex) -> None:
        try:
            self.format.pack_into(instance, self.offset, value)
        except struct.error:
            where = f"{type(instance).__name__}.{self.name}"
            if not hasattr(value, "__index__"):
                raise TypeError(
                    f"{where} is a {type(value).__name__}: expected an integer; an address is one "
                    "too, as ctypes.addressof() gives it"
                ) from None
            low, high = self.range
            raise OverflowError(
                f"{where} does not fit: expected an integer from {low} to {high}"
            ) from None


class _Padding:
    """Bytes of no meaning, which stay 0."""

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes


# They return Any, as dataclasses.field() does, so that a field is what its annotation says.
def _u8(default: int = 0, c_name: str | None = None) -> Any:
    return _Field("B", default, c_name)


def _u16(default: int = 0, c_name: str | None = None) -> Any:
    return _Field("H", default, c_name)


def _u32(default: int = 0, c_name: str | None = None) -> Any:
    return _Field("I", default, c_name)


def _u64(default: int = 0, c_name: str | None = None) -> Any:
    return _Field("Q", default, c_name)


def _s32(default: int = 0, c_name: str | None = None) -> Any:
    return _Field("i", default, c_name)


def _s64(default: int = 0, c_name: str | None = None) -> Any:
    return _Field("q", default, c_name)


class Struct(bytearray):
    """Base of the structs: memory of a fixed size, with fields by name.

    Two are equal if their bytes are. Subclasses say the C struct's name and header.
    """

    SIZE: ClassVar[int] = 0
    """The size in bytes of the newest version that is known here."""
    C_NAME: ClassVar[str] = ""
    HEADER: ClassVar[str] = ""
    OFFSETS: ClassVar[dict[str, tuple[int, int]]] = {}
    """The C name of each field -> its offset and its size, both in bytes."""

    def __init_subclass__(cls, *, c_name: str, header: str) -> None:
        cls.C_NAME, cls.HEADER, cls.SIZE, cls.OFFSETS = c_name, header, 0, {}
        for part in list(vars(cls).values()):
            if isinstance(part, _Field):
                part.offset = cls.SIZE
                cls.OFFSETS[part.c_name or ""] = (cls.SIZE, part.format.size)
                cls.SIZE += part.format.size
            elif isinstance(part, _Padding):
                cls.SIZE += part.size_bytes

    def __new__(cls, *args: object, **kwargs: object) -> Self:
        self = super().__new__(cls)
        bytearray.__init__(self, cls.SIZE)
        return self

    def __str__(self) -> str:
        return repr(self)  # a bytearray's own shows bytes

    def pack(self) -> bytes:
        """Copy the struct's bytes."""
        return bytes(self)

    @classmethod
    def unpack(cls, data: Buffer) -> Self:
        """Make a struct of its bytes.

        Args:
            data: bytes or other memory. The fields of a shorter, older version that are not there
                become 0; what follows the struct is left out.
        """
        found = memoryview(data).cast("B")[: cls.SIZE]
        self = cls.__new__(cls)
        self[: len(found)] = found
        return self

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        return type(self).unpack, (bytes(self),)

    def copy(self) -> Self:
        """Copy the struct."""
        return type(self).unpack(self)

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(key, slice):
            value = bytes(value)
            if len(value) != len(range(*key.indices(len(self)))):
                self._fixed()
        super().__setitem__(key, value)

    # The kernel writes as much as the C struct has: memory must never be less.
    def _fixed(self, *args: object) -> NoReturn:
        raise TypeError(f"the size of {type(self).__name__} is fixed: {self.SIZE} bytes")

    if not TYPE_CHECKING:
        append = extend = insert = pop = remove = clear = _fixed
        __delitem__ = __iadd__ = __imul__ = _fixed


@dataclass(eq=False)
class CloneArgs(Struct, c_name="clone_args", header="linux/sched.h"):
    """What clone3(2) takes. From Python use clone() or spawn().

    Source: include/uapi/linux/sched.h, Linux 6.12
    """

    flags: int = _u64()
    pidfd: int = _u64()
    child_tid: int = _u64()
    parent_tid: int = _u64()
    exit_signal: int = _u64()
    stack: int = _u64()
    stack_size: int = _u64()
    tls: int = _u64()
    set_tid: int = _u64()
    set_tid_size: int = _u64()
    cgroup: int = _u64()


@dataclass(eq=False)
class OpenHow(Struct, c_name="open_how", header="linux/openat2.h"):
    """What openat2(2) takes.

    Source: include/uapi/linux/openat2.h, Linux 6.12
    """

    flags: int = _u64()
    mode: int = _u64()
    resolve: int = _u64()


@dataclass(eq=False)
class MountAttr(Struct, c_name="mount_attr", header="linux/mount.h"):
    """What mount_setattr(2) takes.

    Source: include/uapi/linux/mount.h, Linux 6.12
    """

    attr_set: int = _u64()
    attr_clr: int = _u64()
    propagation: int = _u64()
    userns_fd: int = _u64()


@dataclass(eq=False)
class MntIdReq(Struct, c_name="mnt_id_req", header="linux/mount.h"):
    """What statmount(2) and listmount(2) take.

    Source: include/uapi/linux/mount.h, Linux 6.12
    """

    size: int = _u32(32)
    mnt_ns_fd: int = _u32()
    mnt_id: int = _u64()
    param: int = _u64()
    mnt_ns_id: int = _u64()


@dataclass(eq=False)
class Statmount(Struct, c_name="statmount", header="linux/mount.h"):
    """What statmount(2) fills; strings follow it, at the offsets that some fields have.

    Source: include/uapi/linux/mount.h, Linux 6.12
    """

    size: int = _u32()
    mnt_opts: int = _u32()
    mask: int = _u64()
    sb_dev_major: int = _u32()
    sb_dev_minor: int = _u32()
    sb_magic: int = _u64()
    sb_flags: int = _u32()
    fs_type: int = _u32()
    mnt_id: int = _u64()
    mnt_parent_id: int = _u64()
    mnt_id_old: int = _u32()
    mnt_parent_id_old: int = _u32()
    mnt_attr: int = _u64()
    mnt_propagation: int = _u64()
    mnt_peer_group: int = _u64()
    mnt_master: int = _u64()
    propagate_from: int = _u64()
    mnt_root: int = _u32()
    mnt_point: int = _u32()
    mnt_ns_id: int = _u64()
    _spare2 = _Padding(49 * 8)


@dataclass(eq=False)
class LandlockRulesetAttr(Struct, c_name="landlock_ruleset_attr", header="linux/landlock.h"):
    """What landlock_create_ruleset(2) takes.

    Source: include/uapi/linux/landlock.h, Linux 6.12
    """

    handled_access_fs: int = _u64()
    handled_access_net: int = _u64()
    scoped: int = _u64()


@dataclass(eq=False)
class LandlockPathBeneathAttr(
    Struct, c_name="landlock_path_beneath_attr", header="linux/landlock.h"
):
    """A rule for files, for landlock_add_rule(2).

    Source: include/uapi/linux/landlock.h, Linux 6.12; it is packed
    """

    allowed_access: int = _u64()
    parent_fd: int = _s32(-1)


@dataclass(eq=False)
class LandlockNetPortAttr(Struct, c_name="landlock_net_port_attr", header="linux/landlock.h"):
    """A rule for TCP ports, for landlock_add_rule(2).

    Source: include/uapi/linux/landlock.h, Linux 6.12
    """

    allowed_access: int = _u64()
    port: int = _u64()


@dataclass(eq=False)
class CachestatRange(Struct, c_name="cachestat_range", header="linux/mman.h"):
    """The part of a file that cachestat(2) looks at; a length of 0 is all that follows.

    Source: include/uapi/linux/mman.h, Linux 6.12
    """

    off: int = _u64()
    len: int = _u64()


@dataclass(eq=False)
class Cachestat(Struct, c_name="cachestat", header="linux/mman.h"):
    """What cachestat(2) fills, in pages.

    Source: include/uapi/linux/mman.h, Linux 6.12
    """

    nr_cache: int = _u64()
    nr_dirty: int = _u64()
    nr_writeback: int = _u64()
    nr_evicted: int = _u64()
    nr_recently_evicted: int = _u64()


@dataclass(eq=False)
class SchedAttr(Struct, c_name="sched_attr", header="linux/sched/types.h"):
    """What sched_setattr(2) takes and sched_getattr(2) fills; times in nanoseconds.

    Source: include/uapi/linux/sched/types.h, Linux 6.12
    """

    size: int = _u32(56)
    sched_policy: int = _u32()
    sched_flags: int = _u64()
    sched_nice: int = _s32()
    sched_priority: int = _u32()
    sched_runtime: int = _u64()
    sched_deadline: int = _u64()
    sched_period: int = _u64()
    sched_util_min: int = _u32()
    sched_util_max: int = _u32()


@dataclass(eq=False)
class FutexWaitv(Struct, c_name="futex_waitv", header="linux/futex.h"):
    """One futex of those that futex_waitv(2) waits for.

    Source: include/uapi/linux/futex.h, Linux 6.12
    """

    val: int = _u64()
    uaddr: int = _u64()
    flags: int = _u32()
    _reserved = _Padding(4)


@dataclass(eq=False)
class Statx(Struct, c_name="statx", header="linux/stat.h"):
    """What statx(2) fills.

    Source: include/uapi/linux/stat.h, Linux 6.12
    """

    stx_mask: int = _u32()
    stx_blksize: int = _u32()
    stx_attributes: int = _u64()
    stx_nlink: int = _u32()
    stx_uid: int = _u32()
    stx_gid: int = _u32()
    stx_mode: int = _u16()
    _spare0 = _Padding(2)
    stx_ino: int = _u64()
    stx_size: int = _u64()
    stx_blocks: int = _u64()
    stx_attributes_mask: int = _u64()
    stx_atime_sec: int = _s64(c_name="stx_atime.tv_sec")
    stx_atime_nsec: int = _u32(c_name="stx_atime.tv_nsec")
    _reserved_atime = _Padding(4)
    stx_btime_sec: int = _s64(c_name="stx_btime.tv_sec")
    stx_btime_nsec: int = _u32(c_name="stx_btime.tv_nsec")
    _reserved_btime = _Padding(4)
    stx_ctime_sec: int = _s64(c_name="stx_ctime.tv_sec")
    stx_ctime_nsec: int = _u32(c_name="stx_ctime.tv_nsec")
    _reserved_ctime = _Padding(4)
    stx_mtime_sec: int = _s64(c_name="stx_mtime.tv_sec")
    stx_mtime_nsec: int = _u32(c_name="stx_mtime.tv_nsec")
    _reserved_mtime = _Padding(4)
    stx_rdev_major: int = _u32()
    stx_rdev_minor: int = _u32()
    stx_dev_major: int = _u32()
    stx_dev_minor: int = _u32()
    stx_mnt_id: int = _u64()
    stx_dio_mem_align: int = _u32()
    stx_dio_offset_align: int = _u32()
    stx_subvol: int = _u64()
    stx_atomic_write_unit_min: int = _u32()
    stx_atomic_write_unit_max: int = _u32()
    stx_atomic_write_segments_max: int = _u32()
    _spare1 = _Padding(4)
    _spare3 = _Padding(9 * 8)


@dataclass(eq=False)
class EpollParams(Struct, c_name="epoll_params", header="linux/eventpoll.h"):
    """What the ioctls of epoll(7) take that set busy polling.

    Source: include/uapi/linux/eventpoll.h, Linux 6.12
    """

    busy_poll_usecs: int = _u32()
    busy_poll_budget: int = _u16()
    prefer_busy_poll: int = _u8()
    _pad = _Padding(1)


def all_structs() -> Iterable[type[Struct]]:
    """Every struct of this module."""
    return tuple(Struct.__subclasses__())
