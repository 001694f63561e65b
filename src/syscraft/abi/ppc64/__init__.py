"""ppc64: the 64-bit ABI of PowerPC in big-endian byte order, with ELFv1 or ELFv2."""

from pathlib import Path

from syscraft.abi.abi import Abi, ElfIdentity
from syscraft.abi.machine import Machine
from syscraft.abi.ppc import ABI as PPC
from syscraft.abi.ppc import TRAP
from syscraft.abi.toolchain import Toolchain

ABI = Abi(
    key="ppc64",
    summary="64-bit PowerPC, big-endian",
    linux_arch="powerpc",
    macro="defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__",
    elf=(ElfIdentity(machine=21, bits=64, little_endian=False),),  # EM_PPC64
    long_bytes=8,
    table=PPC.table,
    clone_order=PPC.clone_order,
    exit_number=PPC.exit_number,
    traps=((None, TRAP),),
    folder=Path(__file__).parent,
    toolchains=(
        Toolchain(
            "gcc",
            "powerpc64-linux-gnu-gcc",
            ("gcc-powerpc64-linux-gnu", "libc6-dev-ppc64-cross"),
            cxx="powerpc64-linux-gnu-g++",
            emulator=("qemu-ppc64",),
            native_on=("ppc64",),
        ),
        Toolchain(
            "clang",
            "clang-19",
            ("clang-19", "gcc-powerpc64-linux-gnu", "libc6-dev-ppc64-cross"),
            cxx="clang++-19",
            flags=("--target=powerpc64-linux-gnu",),
            emulator=("qemu-ppc64",),
            native_on=("ppc64",),
        ),
        Toolchain(
            "gcc, ELFv2",
            "powerpc64-linux-gnu-gcc",
            ("gcc-powerpc64-linux-gnu", "libc6-dev-ppc64-cross"),
            cxx="powerpc64-linux-gnu-g++",
            flags=("-mabi=elfv2",),
            libc=False,  # Debian's is ELFv1
            link=(),
            emulator=("qemu-ppc64",),
            native_on=("ppc64",),
        ),
        Toolchain(
            "clang, ELFv2",
            "clang-19",
            ("clang-19", "gcc-powerpc64-linux-gnu", "libc6-dev-ppc64-cross"),
            cxx="clang++-19",
            flags=("--target=powerpc64-linux-gnu", "-mabi=elfv2"),
            libc=False,
            link=(),
            emulator=("qemu-ppc64",),
            native_on=("ppc64",),
        ),
    ),
    machines=(
        Machine(
            # x-vof: without SLOF, which takes five seconds to start.
            "ppc64",
            folder=Path(__file__).parent,
            linux_arch="powerpc",
            compiler_prefix="powerpc64-linux-gnu-",
            make_target="vmlinux",
            image="vmlinux",
            command=("qemu-system-ppc64", "-M", "pseries,x-vof=on", "-m", "256"),
            packages=("gcc-powerpc64-linux-gnu", "qemu-system-ppc"),
            programs={"ppc64": "gcc", "ppc": "gcc"},
            console="hvc0",
            line="/dev/hvc1",
            wires=("-device", "spapr-vty,chardev=console", "-device", "spapr-vty,chardev=line"),
            smp=("CONFIG_SMP=y",),
            native_on=("ppc64le", "ppc64"),
        ),
    ),
)
