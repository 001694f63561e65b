"""m68k: the ABI of the Motorola 68000 family, ColdFire included."""

from pathlib import Path

from syscraft.abi.base import (
    VIRTIO_LINE,
    Abi,
    CloneOrder,
    ElfIdentity,
    Machine,
    NumberTable,
    Pairs,
    Register,
    Toolchain,
    Trap,
    registers,
    virtio_wires,
)

_TRAP = Trap(
    instruction="trap #0",
    number=Register("d0"),
    # Source: SAVE_ALL_SYS in arch/m68k/include/asm/entry.h, Linux 6.12
    arguments=registers("d1 d2 d3 d4 d5 a0"),
    result=Register("d0"),
)

ABI = Abi(
    key="m68k",
    summary="Motorola 68000",
    linux_arch="m68k",
    macro="defined(__m68k__)",
    elf=(ElfIdentity(machine=4, bits=32, little_endian=False),),  # EM_68K
    long_bytes=4,
    table=NumberTable("arch/m68k/kernel/syscalls/syscall.tbl", "common"),
    # By code of its own. Source: m68k_clone() in arch/m68k/kernel/process.c, Linux 6.12
    clone_order=CloneOrder.DEFAULT,
    exit_number=1,
    # C functions get all arguments on the stack, which the saved registers are.
    pairs=Pairs.CONSECUTIVE,
    # The ABI wants 2, but a long that straddles two words of memory is slow, and a futex
    # must not. Source: get_futex_key() in kernel/futex/core.c, Linux 6.12
    stack_alignment=4,
    traps=((None, _TRAP),),
    folder=Path(__file__).parent,
    toolchains=(
        Toolchain(
            "gcc",
            "m68k-linux-gnu-gcc",
            ("gcc-m68k-linux-gnu", "libc6-dev-m68k-cross"),
            cxx="m68k-linux-gnu-g++",
            emulator=("qemu-m68k",),
            native_on=("m68k",),
        ),
        Toolchain(
            "gcc, ColdFire",
            "m68k-linux-gnu-gcc",
            ("gcc-m68k-linux-gnu", "libc6-dev-m68k-cross"),
            cxx="m68k-linux-gnu-g++",
            flags=("-mcpu=5475",),
            libc=False,  # Debian's is for the 68020
            link=(),
            emulator=("qemu-m68k", "-cpu", "cfv4e"),
            # native_on is empty: uname(2) calls either machine m68k
        ),
    ),
    machine=Machine(
        "m68k",
        linux_arch="m68k",
        compiler_prefix="m68k-linux-gnu-",
        make_target="vmlinux",
        image="vmlinux",
        command=("qemu-system-m68k", "-M", "virt", "-m", "256"),
        packages=("gcc-m68k-linux-gnu", "qemu-system-misc"),
        programs={"m68k": "gcc"},
        console="ttyGF0",
        line=VIRTIO_LINE,
        wires=virtio_wires("virtio-serial-device"),
    ),
)
