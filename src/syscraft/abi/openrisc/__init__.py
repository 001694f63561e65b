"""openrisc: the ABI of the OpenRISC 1000 family."""

from pathlib import Path

from syscraft.abi.abi import GENERIC_TABLE, Abi, ElfIdentity
from syscraft.abi.clone_order import CloneOrder
from syscraft.abi.fork_entry import Addition, ForkEntry, Imitation
from syscraft.abi.layout import Pairs
from syscraft.abi.machine import LinkedKernel
from syscraft.abi.toolchain import Toolchain
from syscraft.abi.trap import Register, Trap, registers

_TRAP = Trap(
    # Programs may fill a delay slot, as the kernel's own do.
    # Source: setup_rt_frame() in arch/openrisc/kernel/signal.c, Linux 6.12
    instruction="l.sys 1; l.nop",
    number=Register("r11"),
    arguments=registers("r3 r4 r5 r6 r7 r8"),
    # They come back, but the kernel promises no more than a function does.
    # Source: _syscall_resume_userspace in arch/openrisc/kernel/entry.S, Linux 6.12
    arguments_survive=False,
    result=Register("r11"),
    clobbers='"r12", "r13", "r15", "r17", "r19", "r21", "r23", "r25", "r27", "r29", "r31", '
    '"memory", "cc"',
    clobbered="r3..r8 r12 r13 and odd ones from r15, as by functions",
)

# The row is the generic one; a macro leads it to the wrapper, which Linux 6.1 has in the header.
# Source: arch/openrisc/kernel/{entry.S,sys_call_table.c}, Linux 6.12
_FORK_ENTRY = ForkEntry(
    row="sys_{name}",
    imitations=(
        Imitation(
            ("arch/openrisc/kernel/entry.S",),
            r"ENTRY\(__sys_clone3?\)",
            r"\s+l\.ori\s+r29,r29,lo\(sys_clone3?\)",
        ),
        Imitation(
            ("arch/openrisc/kernel/sys_call_table.c", "arch/openrisc/include/asm/syscalls.h"),
            r"#define sys_clone3? __sys_clone3?",
        ),
    ),
    additions=(
        Addition(
            "arch/openrisc/include/asm/syscalls.h",
            "fork_entry.h.j2",
            r"asmlinkage long __sys_clone3?\(struct .*\);",
        ),
    ),
)


ABI = Abi(
    key="openrisc",
    summary="OpenRISC 1000",
    linux_arch="openrisc",
    macro="defined(__or1k__)",
    elf=(ElfIdentity(92, 32, False),),  # EM_OPENRISC
    long_bytes=4,
    table=GENERIC_TABLE,
    clone_order=CloneOrder.DEFAULT,
    exit_number=93,
    pairs=Pairs.NEXT,
    stack_alignment=4,
    traps=((None, _TRAP),),
    fork_entry=_FORK_ENTRY,
    linked=(LinkedKernel("openrisc", "openrisc", "or1k-elf-", ("gcc-or1k-elf",)),),
    folder=Path(__file__).parent,
    toolchains=(
        Toolchain(
            "gcc",
            "or1k-elf-gcc",
            ("gcc-or1k-elf",),
            libc=False,  # a compiler for programs without a system below
            # Its linker starts programs at the reset vector, and puts them at address 0.
            link=("-Wl,--entry=_start,-Ttext-segment=0x10000", "-lgcc"),
            kernel_headers=True,
            emulator=("qemu-or1k",),
            native_on=("openrisc",),
        ),
    ),
)
