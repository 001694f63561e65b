"""sh4: the ABI of SuperH SH-4, in both byte orders."""

from pathlib import Path

from syscraft.abi.abi import Abi, ElfIdentity, NumberTable
from syscraft.abi.clone_order import CloneOrder
from syscraft.abi.layout import Pairs
from syscraft.abi.machine import LinkedKernel
from syscraft.abi.toolchain import Toolchain
from syscraft.abi.trap import Register, Trap, registers

_TRAP = Trap(
    # The number that serves every SuperH.
    # Source: arch/sh/kernel/entry-common.S, Linux 6.12
    instruction="trapa #0x1f",
    # A call that goes on after a stop has another number.
    # Source: arch/sh/kernel/signal_32.c, Linux 6.12
    number=Register("r3"),
    number_survives=False,
    arguments=registers("r4 r5 r6 r7 r0 r1"),
    # pipe's second result. Source: arch/sh/kernel/sys_sh32.c, Linux 6.12
    temporaries=registers("r1"),
    result=Register("r0"),
    clobbered="r1 r3",
)

_BUG = "gcc 12 loses instructions above -O0, and so has Debian's libc"

ABI = Abi(
    key="sh4",
    summary="SuperH SH-4, either byte order",
    linux_arch="sh",
    # Under FDPIC, an ABI of its own, a function's address is that of a descriptor.
    macro="defined(__sh__) && !defined(__SH_FDPIC__)",
    # EM_SH; of the flags, EF_SH_FDPIC
    elf=tuple(ElfIdentity(42, 32, little, flags_mask=0x8000) for little in (True, False)),
    long_bytes=4,
    table=NumberTable("arch/sh/kernel/syscalls/syscall.tbl", "common"),
    clone_order=CloneOrder.DEFAULT,
    exit_number=1,
    # Kernels are compiled for a machine without FPU, for which C functions take a pair even
    # from the last register and the stack. Source: arch/sh/Makefile, Linux 6.12
    pairs=Pairs.NEXT,
    stack_alignment=4,
    traps=((None, _TRAP),),
    linked=(LinkedKernel("sh", "sh", "sh4-linux-gnu-", ("gcc-sh4-linux-gnu",)),),
    folder=Path(__file__).parent,
    toolchains=(
        Toolchain(
            "gcc",
            "sh4-linux-gnu-gcc",
            ("gcc-sh4-linux-gnu", "libc6-dev-sh4-cross"),
            cxx="sh4-linux-gnu-g++",
            libc=False,
            link=("-lgcc",),
            emulator=("qemu-sh4",),
            native_on=("sh4", "sh4a"),
            levels=("-O0",),
            remark=_BUG,
        ),
        Toolchain(
            "gcc, big-endian",
            "sh4-linux-gnu-gcc",
            ("gcc-sh4-linux-gnu", "libc6-dev-sh4-cross"),
            cxx="sh4-linux-gnu-g++",
            flags=("-mb",),
            libc=False,
            # The linker does not know the emulation that gcc asks for.
            link=("-Wl,-m,shlelf_linux,-EB",),
            emulator=("qemu-sh4eb",),
            native_on=("sh4eb", "sh4aeb"),
            levels=("-O0",),
            remark=_BUG,
        ),
    ),
)
