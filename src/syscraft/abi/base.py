"""What syscraft knows of a user-space ABI; each ABI fills this in, in its one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import MappingProxyType


class CloneOrder(Enum):
    """The orders in which kernels take clone(2)'s arguments.

    ``condition`` is the Kconfig symbol that selects the order (None: the default);
    ``parameters`` are the canonical names of :data:`CLONE_PARAMETERS`. microblaze
    has a ``stack_size`` that the kernel ignores.

    Source: SYSCALL_DEFINE(clone) in kernel/fork.c, Linux 6.12; selects in arch/*/Kconfig.
    """

    BACKWARDS = ("CONFIG_CLONE_BACKWARDS", ("flags", "stack", "ptid", "tls", "ctid"))
    BACKWARDS2 = ("CONFIG_CLONE_BACKWARDS2", ("stack", "flags", "ptid", "ctid", "tls"))
    BACKWARDS3 = (
        "CONFIG_CLONE_BACKWARDS3",
        ("flags", "stack", "stack_size", "ptid", "ctid", "tls"),
    )
    DEFAULT = (None, ("flags", "stack", "ptid", "ctid", "tls"))

    @property
    def condition(self) -> str | None:
        condition: str | None = self.value[0]
        return condition

    def parameters(self, extras: tuple[str, ...]) -> tuple[str, ...]:
        """The order of a clone variant with *extras* behind clone's own arguments.

        An unused ``stack_size`` gives its place to the first extra, so that six
        arguments still suffice where clone itself has six.
        """
        names = list(self.value[1])
        rest = list(extras)
        if "stack_size" in names and rest:
            names[names.index("stack_size")] = rest.pop(0)
        return (*names, *rest)


@dataclass(frozen=True)
class NumberTable:
    """A table of call numbers in the kernel tree, and the word that selects this ABI's rows."""

    path: str
    abi_word: str


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
class Register:
    """A register: ``name`` in C and in comments, ``asm`` for the assembler where that differs."""

    name: str
    asm: str = ""

    @property
    def spelling(self) -> str:
        return self.asm or self.name


def registers(text: str) -> tuple[Register, ...]:
    """Read ``x0 x1`` or, where the assembler has other names, ``a0=$4 a1=$5``."""
    return tuple(Register(*word.split("=")) for word in text.split())


@dataclass(frozen=True)
class Trap:
    """How a program of the ABI enters the kernel.

    Args:
        instruction: assembly, lines separated by ``; ``, operands by a blank.
        number, arguments, result: the registers; ``arguments`` are six.
        failed: a register that is not 0 when ``result`` is a positive errno. Where another
            kind of flag tells it, ``instruction`` itself makes -errno of it.
        clobbers: C text of the clobber list, without the registers named above.
        arguments_survive: whether the kernel gives argument registers back unchanged;
            all but those of ``temporaries``.
        number_survives: the same of the number's register.
        by_arity: what replaces ``instruction`` for calls with this many arguments.
        error_rule: how the kernel tells of an error, for the comment.
        stack: what the trap does with the user's stack, for the comment.
        stacked: where in memory the kernel looks for the last of ``arguments``.
        clobbered: the clobber list in words, for the comment.
    """

    instruction: str
    number: Register
    arguments: tuple[Register, ...]
    result: Register
    failed: Register | None = None
    clobbers: str = '"memory"'
    arguments_survive: bool = True
    temporaries: tuple[Register, ...] = ()
    number_survives: bool = True
    by_arity: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    error_rule: str = "-4095..-1 is -errno"
    stack: str = "not used"
    stacked: tuple[str, ...] = ()
    clobbered: str = "nothing else"


class Pairs(Enum):
    """Where the two halves of a 64-bit argument go.

    On big-endian ABIs the high half is in the first register, on others the low one.
    """

    WHOLE = "one register holds it"
    CONSECUTIVE = "the next two registers hold it"
    EVEN = "an even-numbered register and the next one hold it; one may stay unused before"


@dataclass(frozen=True)
class Imitation:
    """Text of a kernel that serves clone3 or clone, to be there once more for another call.

    Args:
        paths: files that may have it; the first one that does is edited.
        first, last: regular expressions of its first and last line. The last such place is
            imitated, and the copy stands behind it. Without ``last`` it is one line.
        words: regular expression of what the copy has the call's name for.
        optional: whether some kernels do not have it, nor need it.
    """

    paths: tuple[str, ...]
    first: str
    last: str | None = None
    words: str = "clone3?"
    optional: bool = False


@dataclass(frozen=True)
class Addition:
    """Text of our own for a kernel, from the file ``template`` of the ABI's folder.

    It goes behind the last place from a line that matches ``first`` to one that matches ``last``,
    unless a line of the file matches ``unless``.
    """

    path: str
    template: str
    first: str
    last: str | None = None
    unless: str | None = None


@dataclass(frozen=True)
class ForkEntry:
    """What a call that returns in a child too needs besides a row in a table.

    Its child inherits registers that an ordinary call does not save. What is described here
    for one ABI holds for its architecture; the others refer to it.

    Args:
        row: the entry that a table of the architecture's own names, made of ``{name}``.
        imitations, additions: the edits.
        registers: C expressions of the six arguments, for templates of ``additions``.
        order: the order in which the generic code of this architecture takes clone(2)'s
            arguments, where its own code has another one for programs.
        keeps_no_stack: the Kconfig symbol of an architecture whose child gets a stack pointer
            of 0 when it asks for 0; elsewhere it goes on with the parent's.
    """

    row: str
    imitations: tuple[Imitation, ...] = ()
    additions: tuple[Addition, ...] = ()
    registers: tuple[str, ...] = ()
    order: CloneOrder | None = None
    keeps_no_stack: str | None = None


@dataclass(frozen=True)
class Toolchain:
    """A compiler that makes programs of the ABI, and what runs them.

    Args:
        name: tells it from the ABI's others, such as ``gcc`` or ``gcc, big-endian``.
        compiler: the command; ``cxx`` is its C++ brother, None if there is none.
        packages: the Debian packages that bring the compiler and the libc's headers.
        flags: what the compiler needs to make programs of this ABI.
        libc: whether there is a libc to link with; without one, programs start at the
            ``_start`` of the ABI's ``probe.h``.
        link: what linking needs besides.
        kernel_headers: whether the uapi headers come from a kernel tree, because no package
            has them.
        emulator: the command line of a QEMU user emulator; empty if there is none.
        native_on: what uname(2) calls the machines whose kernel may run the programs.
        levels: the levels of optimization at which the compiler can be trusted.
        pie: whether it can make position-independent programs.
        remark: what a reader of the matrix has to know.
    """

    name: str
    compiler: str
    packages: tuple[str, ...]
    cxx: str | None = None
    flags: tuple[str, ...] = ()
    libc: bool = True
    link: tuple[str, ...] = ("-static", "-lgcc_eh")
    kernel_headers: bool = False
    emulator: tuple[str, ...] = ()
    native_on: tuple[str, ...] = ()
    levels: tuple[str, ...] = ("-O0", "-O2", "-Os")
    pie: bool = True
    remark: str = ""


@dataclass(frozen=True)
class Machine:
    """A machine of QEMU that boots a kernel of the ABI's architecture.

    What its kernel needs besides the options that all guests have is ``guest.config`` in
    ``folder``. ``guest.patch`` there, if any, repairs a tree that does not build.

    Args:
        key: what the guest is called.
        folder: the place of the architecture.
        linux_arch: ``ARCH=`` of the kernel build.
        compiler_prefix: ``CROSS_COMPILE=`` of the kernel build.
        make_target: what to make; ``image`` is what QEMU boots, below the build folder.
        command: QEMU's command, with the machine, its processor and its memory.
        packages: the Debian packages that bring the compiler and the emulator.
        programs: ABI -> the toolchain whose programs this kernel runs; its own ABI first.
        console: what the kernel calls the console.
        line: the device file of the line that commands come over.
        wires: QEMU's arguments that connect both, from the character devices ``console``
            and ``line``.
        arguments: what the kernel's command line needs besides.
        restarts: whether a restart has to end the guest, for it cannot be switched off.
        smp: the options of a kernel for more than one processor, lines as in ``.config``, and
            empty where it always is one; None: QEMU's machine, or its kernel here, has one.
        host_files: QEMU's device that brings files over 9p; what it is plugged in is in
            ``guest.config``. None: there is none.
        native_on: what uname(2) calls the hosts whose KVM may run the guest.
        libraries: path in the guest -> file of this machine, for programs that cannot be static.
    """

    key: str
    folder: Path
    linux_arch: str
    compiler_prefix: str
    make_target: str
    image: str
    command: tuple[str, ...]
    packages: tuple[str, ...]
    programs: Mapping[str, str]
    console: str
    line: str = "/dev/ttyS1"
    wires: tuple[str, ...] = ("-serial", "chardev:console", "-serial", "chardev:line")
    arguments: tuple[str, ...] = ()
    restarts: bool = False
    smp: tuple[str, ...] | None = None
    host_files: str | None = None
    native_on: tuple[str, ...] = ()
    libraries: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def text(self, name: str) -> str | None:
        """The text of ``guest.config`` or ``guest.patch``, or None if there is none."""
        path = self.folder / name
        return path.read_text(encoding="utf-8") if path.exists() else None


@dataclass(frozen=True)
class LinkedKernel:
    """A kernel of the ABI's architecture that no guest boots, but a compiler links.

    That is enough to see that the entries of its tables are there.

    Args:
        key: what the kernel is called.
        linux_arch: ``ARCH=`` of the kernel build.
        compiler_prefix: ``CROSS_COMPILE=`` of the kernel build.
        packages: the Debian packages that bring the compiler.
        tables: the symbols of its arrays of entries.
        options: what its configuration needs besides, lines as in ``.config``.
        llvm: the suffix of clang and its tools, such as ``-19``, where gcc is not to be had.
        repair: a patch for trees that do not build for it.
    """

    key: str
    linux_arch: str
    compiler_prefix: str
    packages: tuple[str, ...]
    tables: tuple[str, ...] = ("sys_call_table",)
    options: tuple[str, ...] = ()
    llvm: str | None = None
    repair: str | None = None


# The first port of the first virtio-serial device. Source: drivers/char/virtio_console.c, 6.12
VIRTIO_LINE = "/dev/vport0p1"


def virtio_wires(device: str) -> tuple[str, ...]:
    """A console on the machine's serial port, and a line on the virtio-serial *device*."""
    return (
        "-serial", "chardev:console",
        "-device", device,
        "-device", "virtserialport,chardev=line",
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
        fork_trap: what the functions are called that return 0 in a child, where those of
            ``traps`` do not.
        toolchains: ways to make and run programs, the preferred one first.
        fork_entry: what a call that returns in a child too needs in the kernel.
        machine: a guest whose kernel has this ABI as its own.
        linked: kernels that can be linked where there is no such guest.
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
    fork_trap: str = "syscall"
    toolchains: tuple[Toolchain, ...] = ()
    fork_entry: ForkEntry | None = None
    machine: Machine | None = None
    linked: tuple[LinkedKernel, ...] = ()
    own_folder: str | None = None
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
