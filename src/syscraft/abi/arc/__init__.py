"""arc: the ABI of Synopsys ARC, for ARCompact and ARCv2, in both byte orders."""

from pathlib import Path

from syscraft.abi.abi import GENERIC_TABLE, Abi, ElfIdentity
from syscraft.abi.clone_order import CloneOrder
from syscraft.abi.fork_entry import Addition, ForkEntry, Imitation
from syscraft.abi.layout import Pairs
from syscraft.abi.machine import LinkedKernel
from syscraft.abi.toolchain import Toolchain
from syscraft.abi.trap import Register, Trap, registers

_TRAP = Trap(
    instruction="trap_s 0",
    number=Register("r8"),
    arguments=registers("r0 r1 r2 r3 r4 r5"),
    result=Register("r0"),
    # A call that goes on after a stop leaves __NR_restart_syscall there.
    # Source: arch/arc/kernel/signal.c, Linux 6.12
    number_survives=False,
    # The kernel restores the flags, but arc_usr_cmpxchg answers in one of them.
    # Source: arch/arc/kernel/process.c, Linux 6.12
    clobbers='"memory", "cc"',
    clobbered="the Z flag, by arc_usr_cmpxchg alone",
)

_PACKAGES = ("gcc-arc-linux-gnu", "libc6-dev-arc-cross")

# The row is the generic one; a macro leads it to the wrapper.
# Source: arch/arc/kernel/{entry.S,sys.c}, Linux 6.12
_FORK_ENTRY = ForkEntry(
    row="sys_{name}",
    imitations=(
        Imitation(
            ("arch/arc/kernel/entry.S",),
            r"ENTRY\(sys_clone3?_wrapper\)",
            r"END\(sys_clone3?_wrapper\)",
        ),
        Imitation(("arch/arc/kernel/sys.c",), r"#define sys_clone3?\tsys_clone3?_wrapper"),
    ),
    additions=(
        Addition(
            "arch/arc/include/asm/syscalls.h",
            "fork_entry.h.j2",
            r"int sys_clone3?_wrapper\(.*\);",
        ),
    ),
)


ABI = Abi(
    key="arc",
    summary="Synopsys ARC, either byte order",
    linux_arch="arc",
    macro="defined(__arc__)",
    # EM_ARCOMPACT and EM_ARCV2
    elf=tuple(
        ElfIdentity(machine, 32, little) for machine in (93, 195) for little in (True, False)
    ),
    long_bytes=4,
    table=GENERIC_TABLE,
    clone_order=CloneOrder.BACKWARDS,  # source: arch/arc/Kconfig, Linux 6.12
    exit_number=93,
    # Version 4 of the C ABI lets 64-bit values start in any register.
    # Source: EF_ARC_OSABI_V4 in arch/arc/include/uapi/asm/elf.h, Linux 6.12
    pairs=Pairs.NEXT,
    stack_alignment=4,
    traps=((None, _TRAP),),
    fork_entry=_FORK_ENTRY,
    linked=(LinkedKernel("arc", "arc", "arc-linux-gnu-", ("gcc-arc-linux-gnu",)),),
    folder=Path(__file__).parent,
    toolchains=(
        Toolchain(
            "gcc",
            "arc-linux-gnu-gcc",
            _PACKAGES,
            cxx="arc-linux-gnu-g++",
            native_on=("arc",),
            remark="QEMU has no ARC: compiled only",
        ),
        *(
            Toolchain(
                name,
                "arc-linux-gnu-gcc",
                _PACKAGES,
                cxx="arc-linux-gnu-g++",
                flags=(flag, "-mno-millicode"),
                libc=False,  # Debian has none for these, nor a libgcc
                link=(),
                native_on=("arc",),
                remark="QEMU has no ARC: compiled only",
            )
            for name, flag in (
                ("gcc, ARC 700", "-mcpu=arc700"),
                ("gcc, big-endian", "-mbig-endian"),
            )
        ),
    ),
)
