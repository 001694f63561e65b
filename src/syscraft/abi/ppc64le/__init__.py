"""ppc64le: the 64-bit ABI of PowerPC in little-endian byte order; its C is ppc64's."""

from pathlib import Path

from syscraft.abi.abi import Abi, ElfIdentity
from syscraft.abi.machine import Machine
from syscraft.abi.ppc64 import ABI as PPC64
from syscraft.abi.toolchain import Toolchain

ABI = Abi(
    key="ppc64le",
    summary="64-bit PowerPC, little-endian",
    linux_arch="powerpc",
    macro="defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__",
    elf=(ElfIdentity(machine=21, bits=64, little_endian=True),),  # EM_PPC64
    long_bytes=8,
    table=PPC64.table,
    clone_order=PPC64.clone_order,
    exit_number=PPC64.exit_number,
    traps=PPC64.traps,
    folder=PPC64.folder,
    toolchains=(
        Toolchain(
            "gcc",
            "powerpc64le-linux-gnu-gcc",
            ("gcc-powerpc64le-linux-gnu", "libc6-dev-ppc64el-cross"),
            cxx="powerpc64le-linux-gnu-g++",
            emulator=("qemu-ppc64le",),
            native_on=("ppc64le",),
        ),
        Toolchain(
            "clang",
            "clang-19",
            ("clang-19", "gcc-powerpc64le-linux-gnu", "libc6-dev-ppc64el-cross"),
            cxx="clang++-19",
            flags=("--target=powerpc64le-linux-gnu",),
            emulator=("qemu-ppc64le",),
            native_on=("ppc64le",),
        ),
    ),
    machines=(
        Machine(
            # x-vof: without SLOF, which takes five seconds to start.
            "ppc64le",
            folder=Path(__file__).parent,
            linux_arch="powerpc",
            compiler_prefix="powerpc64le-linux-gnu-",
            make_target="vmlinux",
            image="vmlinux",
            command=("qemu-system-ppc64", "-M", "pseries,x-vof=on", "-m", "256"),
            packages=("gcc-powerpc64le-linux-gnu", "qemu-system-ppc"),
            programs={"ppc64le": "gcc"},
            console="hvc0",
            line="/dev/hvc1",
            wires=("-device", "spapr-vty,chardev=console", "-device", "spapr-vty,chardev=line"),
            smp=("CONFIG_SMP=y",),
            native_on=("ppc64le", "ppc64"),
        ),
    ),
)
