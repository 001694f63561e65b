"""microblaze: the ABI of Xilinx's MicroBlaze, in both byte orders."""

from pathlib import Path

from syscraft.abi.abi import Abi, ElfIdentity, NumberTable
from syscraft.abi.clone_order import CloneOrder
from syscraft.abi.layout import Pairs
from syscraft.abi.trap import Register, Trap, registers

_TRAP = Trap(
    # The vector is at 8; r14 gets the return address, and belongs to the kernel.
    instruction="brki r14, 8",
    number=Register("r12"),
    # Source: arch/microblaze/include/asm/syscall.h, Linux 6.12
    arguments=registers("r5 r6 r7 r8 r9 r10"),
    # They come back from where a C function may keep its arguments.
    arguments_survive=False,
    result=Register("r3"),
    # The upper half of what a C function returns.
    # Source: ret_from_trap in arch/microblaze/kernel/entry.S, Linux 6.12
    clobbers='"r4", "memory"',
    clobbered="r4..r10",
)

ABI = Abi(
    key="microblaze",
    summary="MicroBlaze, either byte order",
    linux_arch="microblaze",
    macro="defined(__microblaze__)",
    elf=(ElfIdentity(189, 32, True), ElfIdentity(189, 32, False)),  # EM_MICROBLAZE
    long_bytes=4,
    table=NumberTable("arch/microblaze/kernel/syscalls/syscall.tbl", "common"),
    clone_order=CloneOrder.BACKWARDS3,  # source: arch/microblaze/Kconfig, Linux 6.12
    exit_number=1,
    pairs=Pairs.NEXT,
    stack_alignment=4,
    traps=((None, _TRAP),),
    folder=Path(__file__).parent,
    toolchains=(),  # Debian has none
)
