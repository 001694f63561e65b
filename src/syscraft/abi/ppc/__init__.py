"""ppc: the 32-bit ABI of PowerPC."""

from pathlib import Path

from syscraft.abi.abi import Abi, ElfIdentity, NumberTable
from syscraft.abi.clone_order import CloneOrder
from syscraft.abi.layout import Pairs
from syscraft.abi.machine import VIRTIO_LINE, Machine, virtio_wires
from syscraft.abi.toolchain import Toolchain
from syscraft.abi.trap import Register, Trap, registers

# The same on 64 bits. Source: Documentation/arch/powerpc/syscall64-abi.rst,
# syscall_exit_finish in arch/powerpc/kernel/entry_32.S, Linux 6.12
TRAP = Trap(
    instruction="sc; bns+ 2f; neg 3, 3; 2:",
    number=Register("r0"),
    number_survives=False,
    arguments=registers("r3 r4 r5 r6 r7 r8"),
    arguments_survive=False,
    result=Register("r3"),
    clobbers='"r9", "r10", "r11", "r12", "cr0", "ctr", "xer", "memory"',
    clobbered="r0 r4..r12 cr0 ctr xer",
    error_rule="cr0.SO tells that it is a positive errno",
)

ABI = Abi(
    key="ppc",
    summary="32-bit PowerPC",
    linux_arch="powerpc",
    macro="defined(__powerpc__) && !defined(__powerpc64__)",
    elf=(ElfIdentity(machine=20, bits=32, little_endian=False),),  # EM_PPC
    long_bytes=4,
    # "common" rows serve 64 bits too. Source: arch/powerpc/kernel/syscalls/Makefile, Linux 6.12
    table=NumberTable("arch/powerpc/kernel/syscalls/syscall.tbl", "common"),
    clone_order=CloneOrder.BACKWARDS,  # source: arch/powerpc/Kconfig, Linux 6.12
    exit_number=1,
    # r3 is the first of a pair. Source: arch/powerpc/kernel/sys_ppc32.c, Linux 6.12
    pairs=Pairs.EVEN,
    kernel_symbol="CONFIG_PPC",
    split_symbol="CONFIG_PPC",
    traps=((None, TRAP),),
    folder=Path(__file__).parent,
    toolchains=(
        Toolchain(
            "gcc",
            "powerpc-linux-gnu-gcc",
            ("gcc-powerpc-linux-gnu", "libc6-dev-powerpc-cross"),
            cxx="powerpc-linux-gnu-g++",
            emulator=("qemu-ppc",),
            native_on=("ppc", "ppc64"),
        ),
        Toolchain(
            "clang",
            "clang-19",
            ("clang-19", "gcc-powerpc-linux-gnu", "libc6-dev-powerpc-cross"),
            cxx="clang++-19",
            flags=("--target=powerpc-linux-gnu",),
            emulator=("qemu-ppc",),
            native_on=("ppc", "ppc64"),
        ),
    ),
    machines=(
        Machine(
            "ppc",
            folder=Path(__file__).parent,
            linux_arch="powerpc",
            compiler_prefix="powerpc-linux-gnu-",
            make_target="vmlinux",
            image="vmlinux",
            command=("qemu-system-ppc", "-M", "mac99", "-cpu", "g4", "-m", "256"),
            packages=("gcc-powerpc-linux-gnu", "qemu-system-ppc"),
            programs={"ppc": "gcc"},
            console="ttyS0",
            # The second serial port of this machine takes a second for a few bytes.
            line=VIRTIO_LINE,
            wires=virtio_wires("virtio-serial-pci"),
        ),
    ),
)
