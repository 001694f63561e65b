"""xtensa: the ABI of Xtensa cores, with or without register windows, in both byte orders."""

from pathlib import Path

from syscraft.abi.abi import Abi, ElfIdentity, NumberTable
from syscraft.abi.clone_order import CloneOrder
from syscraft.abi.layout import Pairs
from syscraft.abi.toolchain import Toolchain
from syscraft.abi.trap import Register, Trap, registers

# Where functions call with register windows or without, the trap is the same: what is live
# of the caller's window comes back. Source: arch/xtensa/kernel/entry.S, Linux 6.12
_TRAP = Trap(
    instruction="syscall",
    number=Register("a2"),
    # Source: arch/xtensa/include/asm/syscall.h, Linux 6.12
    arguments=registers("a6 a3 a4 a5 a8 a9"),
    result=Register("a2"),
)

ABI = Abi(
    key="xtensa",
    summary="Xtensa, with windowed or plain registers, either byte order",
    linux_arch="xtensa",
    macro="defined(__XTENSA__)",
    elf=(ElfIdentity(94, 32, True), ElfIdentity(94, 32, False)),  # EM_XTENSA
    long_bytes=4,
    table=NumberTable("arch/xtensa/kernel/syscalls/syscall.tbl", "common"),
    clone_order=CloneOrder.BACKWARDS,  # source: arch/xtensa/Kconfig, Linux 6.12
    exit_number=118,
    pairs=Pairs.EVEN,
    traps=((None, _TRAP),),
    folder=Path(__file__).parent,
    toolchains=(
        Toolchain(
            "gcc, call0",
            "xtensa-lx106-elf-gcc",
            ("gcc-xtensa-lx106",),
            cxx="xtensa-lx106-elf-g++",
            libc=False,  # a compiler for programs without a system below
            link=("-lgcc",),
            kernel_headers=True,
            emulator=("qemu-xtensa", "-xtensa-abi-call0", "-cpu", "dc232b"),
            native_on=("xtensa",),
            remark="Debian has no assembler for cores with register windows",
        ),
    ),
)
