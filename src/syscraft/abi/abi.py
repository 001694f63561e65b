"""What syscraft knows of a user-space ABI; each ABI fills this in, in its one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from syscraft.abi.clone_order import CloneOrder
from syscraft.abi.fork_entry import ForkEntry
from syscraft.abi.layout import Pairs
from syscraft.abi.machine import LinkedKernel, Machine
from syscraft.abi.toolchain import Toolchain
from syscraft.abi.trap import Trap


@dataclass(frozen=True)
class NumberTable:
    """A table of call numbers in the kernel tree, and the word that selects this ABI's rows."""

    path: str
    abi_word: str


@dataclass(frozen=True)
class PrivateCall:
    """A call of one architecture that stands in no table of numbers.

    Args:
        macro: of its number, in the architecture's ``asm/unistd.h``.
        text: the parameters in the kernel's order, as C text.
        symbol, path, entry: the function that serves it, the function's file, and the text
            there that does.
    """

    name: str
    macro: str
    text: str
    symbol: str
    path: str
    entry: str


# Shared by arc, arm64, csky, hexagon, loongarch, nios2, openrisc and riscv.
# Source: scripts/Makefile.asm-headers, Linux 6.12
GENERIC_TABLE = NumberTable("scripts/syscall.tbl", "common")


@dataclass(frozen=True)
class ElfIdentity:
    """What the header of every program of the ABI says.

    ``machine`` is e_machine, ``bits`` is 32 or 64 (EI_CLASS), ``little_endian`` is EI_DATA;
    of e_flags, the bits of ``flags_mask`` are ``flags``. A process tells its own ABI by these
    and not by uname(2), which names the kernel's.
    """

    machine: int
    bits: int
    little_endian: bool
    flags_mask: int = 0
    flags: int = 0

    def matches(self, found: ElfIdentity) -> bool:
        """Whether a program whose header says *found*, with all its flags, is of this ABI."""
        return (
            (self.machine, self.bits, self.little_endian)
            == (found.machine, found.bits, found.little_endian)
            and found.flags & self.flags_mask == self.flags
        )  # fmt: skip


@dataclass(frozen=True)
class Abi:
    """One user-space ABI of Linux.

    Args:
        key: the name used everywhere; the kernel tables' word where there is one.
        summary: one line for people.
        linux_arch: ``ARCH=`` of the kernel build.
        own_folder: of the architecture under arch/, where it is not called like ``ARCH=``.
            Source: SRCARCH in Makefile, Linux 6.12
        macro: C preprocessor expression that is true when compiling for this ABI.
        elf: how a running process recognises it, one for each byte order.
        long_bytes: sizeof(long) and sizeof(void *).
        number_offset: what a program adds to the number in the kernel's table.
        row_offset: what the number in the kernel's table has over the common one.
        table: where a native call's number is entered.
        compat_tables: what a 64-bit kernel has for programs of this ABI besides.
        clone_order: the order of clone(2)'s arguments.
        exit_number: the number of exit(2) as programs pass it.
        compat_clone: where the 64-bit kernel that runs its programs has another order of clone's
            arguments: what the name of their entry begins with, and its Kconfig symbol.
        folder: holds the ABI's C: ``clone.c.j2``, ``probe.h``, and ``bare_syscalls.c.j2`` where
            something has to be added to what is made from ``traps``.
        traps: how to enter the kernel; each with the condition under which it is the right
            one, the last without.
        register_bytes: width of an argument register where it is not a long's.
        pairs: how a 64-bit argument travels.
        kernel_symbol: the Kconfig symbol of the kernels of 64 bits that run its programs, where
            ``pairs`` is EVEN; ``split_symbol`` of those of 32 with ARCH_SPLIT_ARG64.
        stack_alignment: bytes that a child's stack pointer must be a multiple of.
        stack_grows_up: whether a stack starts at the lowest address of its memory.
        toolchains: ways to make and run programs, the preferred one first.
        fork_entry: what a call that returns in a child too needs in the kernel.
        machines: guests whose kernel has this ABI as its own, the preferred one first.
        linked: kernels that can be linked where there is no such guest.
        private_calls: those that no table has.
        texts: files of ``folder`` that are not there but here, for an ABI in one file.
    """

    key: str
    summary: str
    linux_arch: str
    macro: str
    elf: tuple[ElfIdentity, ...]
    long_bytes: int
    table: NumberTable
    clone_order: CloneOrder
    exit_number: int
    folder: Path
    compat_tables: tuple[NumberTable, ...] = ()
    compat_clone: tuple[str, str] | None = None
    traps: tuple[tuple[str | None, Trap], ...] = ()
    number_offset: int = 0
    row_offset: int = 0
    register_bytes: int = 0
    pairs: Pairs = Pairs.WHOLE
    kernel_symbol: str | None = None
    split_symbol: str | None = None
    stack_alignment: int = 16
    stack_grows_up: bool = False
    toolchains: tuple[Toolchain, ...] = ()
    fork_entry: ForkEntry | None = None
    machines: tuple[Machine, ...] = ()
    linked: tuple[LinkedKernel, ...] = ()
    own_folder: str | None = None
    private_calls: tuple[PrivateCall, ...] = ()
    texts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def arch_folder(self) -> str:
        """The folder of the architecture under arch/ of a kernel tree."""
        return self.own_folder or self.linux_arch

    def number(self, common_number: int) -> int:
        """The number that user space passes for a row of the kernel's tables."""
        return common_number + self.row_offset + self.number_offset

    @property
    def register_type(self) -> str:
        """The C type that is as wide as an argument register."""
        return (
            "long" if (self.register_bytes or self.long_bytes) == self.long_bytes else "long long"
        )

    def template(self, name: str) -> str | None:
        """The text of one of the ABI's files, or None if it has no such file."""
        if name in self.texts:
            return self.texts[name]
        path = self.folder / name
        return path.read_text(encoding="utf-8") if path.exists() else None
