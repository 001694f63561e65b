"""parisc: the 32-bit ABI of PA-RISC, which 64-bit kernels serve as well."""

from pathlib import Path

from syscraft.abi.abi import Abi, ElfIdentity, NumberTable
from syscraft.abi.clone_order import CloneOrder
from syscraft.abi.fork_entry import ForkEntry, Imitation
from syscraft.abi.layout import Pairs
from syscraft.abi.machine import LinkedKernel
from syscraft.abi.toolchain import Toolchain
from syscraft.abi.trap import Register, Trap, registers

# The gateway page is at address 0 of space 2. When a call starts again, the kernel looks into
# the delay slot: it knows a nop there, and some ways to load r20; others it reports in its log.
# Source: check_syscallno_in_delay_branch in arch/parisc/kernel/signal.c, Linux 6.12
_GATE = "ble 0x100(%sr2, %r0)"

# The kernel's own headers count r19 as lost, by which position-independent code finds its data
# and which inline assembly must not name.
# Source: arch/parisc/include/asm/unistd.h, Linux 6.12
_KEEPING_R19 = f"copy %r19, %r4; {_GATE}; nop; copy %r4, %r19"

_TRAP = Trap(
    instruction=_GATE,
    by_arity=dict.fromkeys(range(7), _KEEPING_R19),
    number=Register("r20"),
    arguments=registers("r26 r25 r24 r23 r22 r21"),
    result=Register("r28"),
    arguments_survive=False,
    number_survives=False,
    clobbers='"r1", "r2", "r4", "r29", "r31", "memory"',
    clobbered="r1 r2 r20 r29 r31 and the arguments; r4 keeps r19",
)

# Source: fork_like in arch/parisc/kernel/entry.S, Linux 6.12
_FORK_ENTRY = ForkEntry(
    row="sys_{name}_wrapper",
    imitations=(Imitation(("arch/parisc/kernel/entry.S",), r"fork_like clone3?"),),
)


ABI = Abi(
    key="parisc",
    summary="32-bit PA-RISC",
    linux_arch="parisc",
    macro="defined(__hppa__) && !defined(__LP64__)",
    elf=(ElfIdentity(machine=15, bits=32, little_endian=False),),  # EM_PARISC
    long_bytes=4,
    table=NumberTable("arch/parisc/kernel/syscalls/syscall.tbl", "common"),
    clone_order=CloneOrder.BACKWARDS,  # source: arch/parisc/Kconfig, Linux 6.12
    exit_number=1,
    # The kernel's handlers take halves, high one first.
    # Source: arch/parisc/kernel/sys_parisc.c, Linux 6.12
    pairs=Pairs.NEXT,
    stack_alignment=64,
    stack_grows_up=True,
    traps=((None, _TRAP),),
    fork_entry=_FORK_ENTRY,
    linked=(
        LinkedKernel("parisc", "parisc", "hppa-linux-gnu-", ("gcc-hppa-linux-gnu",)),
        LinkedKernel(
            "parisc64",
            "parisc64",
            "hppa64-linux-gnu-",
            ("gcc-hppa64-linux-gnu",),
            tables=("sys_call_table", "sys_call_table64"),
            options=("CONFIG_64BIT=y", "CONFIG_COMPAT=y"),
        ),
    ),
    folder=Path(__file__).parent,
    toolchains=(
        Toolchain(
            "gcc",
            "hppa-linux-gnu-gcc",
            ("gcc-hppa-linux-gnu", "libc6-dev-hppa-cross"),
            cxx="hppa-linux-gnu-g++",
            emulator=("qemu-hppa",),
            native_on=("parisc", "parisc64"),
        ),
    ),
)
