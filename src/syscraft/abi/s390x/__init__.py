"""s390x: the 64-bit ABI of z/Architecture."""

from pathlib import Path

from syscraft.abi.abi import Abi, ElfIdentity, NumberTable
from syscraft.abi.clone_order import CloneOrder
from syscraft.abi.machine import VIRTIO_LINE, Machine, virtio_wires
from syscraft.abi.toolchain import Toolchain
from syscraft.abi.trap import Register, Trap, registers

_TRAP = Trap(
    # A 0 in the instruction sends the kernel to r1.
    # Source: do_syscall() in arch/s390/kernel/syscall.c, Linux 6.12
    instruction="svc 0",
    number=Register("r1"),
    arguments=registers("r2 r3 r4 r5 r6 r7"),
    result=Register("r2"),
)

ABI = Abi(
    key="s390x",
    summary="64-bit z/Architecture",
    linux_arch="s390",
    macro="defined(__s390x__)",
    elf=(ElfIdentity(machine=22, bits=64, little_endian=False),),  # EM_S390
    long_bytes=8,
    # "common" rows serve 31 bits too. Source: arch/s390/kernel/syscalls/Makefile, Linux 6.12
    table=NumberTable("arch/s390/kernel/syscalls/syscall.tbl", "common"),
    clone_order=CloneOrder.BACKWARDS2,  # source: arch/s390/Kconfig, Linux 6.12
    exit_number=1,
    stack_alignment=8,
    traps=((None, _TRAP),),
    folder=Path(__file__).parent,
    toolchains=(
        Toolchain(
            "gcc",
            "s390x-linux-gnu-gcc",
            ("gcc-s390x-linux-gnu", "libc6-dev-s390x-cross"),
            cxx="s390x-linux-gnu-g++",
            emulator=("qemu-s390x",),
            native_on=("s390x",),
        ),
        Toolchain(
            "clang",
            "clang-19",
            ("clang-19", "gcc-s390x-linux-gnu", "libc6-dev-s390x-cross"),
            cxx="clang++-19",
            flags=("--target=s390x-linux-gnu",),
            emulator=("qemu-s390x",),
            native_on=("s390x",),
        ),
    ),
    machines=(
        Machine(
            "s390x",
            folder=Path(__file__).parent,
            linux_arch="s390",
            compiler_prefix="s390x-linux-gnu-",
            make_target="bzImage",
            image="arch/s390/boot/bzImage",
            command=("qemu-system-s390x", "-M", "s390-ccw-virtio", "-m", "256"),
            packages=("gcc-s390x-linux-gnu", "qemu-system-misc"),
            programs={"s390x": "gcc"},
            console="ttysclp0",
            line=VIRTIO_LINE,
            wires=virtio_wires("virtio-serial-ccw"),
            smp=(),
            host_files="virtio-9p-ccw",
            native_on=("s390x",),
        ),
    ),
)
