"""arm64: the 64-bit ABI of ARMv8, in both byte orders."""

from pathlib import Path

from syscraft.abi.abi import GENERIC_TABLE, Abi, ElfIdentity
from syscraft.abi.clone_order import CloneOrder
from syscraft.abi.machine import VIRTIO_LINE, Machine, virtio_wires
from syscraft.abi.toolchain import Toolchain
from syscraft.abi.trap import Register, Trap, registers

_TRAP = Trap(
    instruction="svc #0",
    number=Register("x8"),
    arguments=registers("x0 x1 x2 x3 x4 x5"),
    result=Register("x0"),
    # A call that goes on after a stop leaves __NR_restart_syscall there.
    # Source: arch/arm64/kernel/signal.c, Linux 6.12
    number_survives=False,
    clobbers='"memory", "cc"',
    # Source: Documentation/arch/arm64/sve.rst, Linux 6.12
    clobbered="of SVE, what lies above bit 127; programs must not count on it",
)

ABI = Abi(
    key="arm64",
    summary="64-bit Arm, either byte order",
    linux_arch="arm64",
    macro="defined(__aarch64__) && defined(__LP64__)",
    elf=(ElfIdentity(183, 64, True), ElfIdentity(183, 64, False)),  # EM_AARCH64
    long_bytes=8,
    table=GENERIC_TABLE,
    clone_order=CloneOrder.BACKWARDS,  # source: arch/arm64/Kconfig, Linux 6.12
    exit_number=93,
    traps=((None, _TRAP),),
    folder=Path(__file__).parent,
    toolchains=(
        Toolchain(
            "gcc",
            "aarch64-linux-gnu-gcc",
            ("gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"),
            cxx="aarch64-linux-gnu-g++",
            emulator=("qemu-aarch64",),
            native_on=("aarch64",),
        ),
        Toolchain(
            "clang",
            "clang-19",
            ("clang-19", "gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"),
            cxx="clang++-19",
            flags=("--target=aarch64-linux-gnu",),
            emulator=("qemu-aarch64",),
            native_on=("aarch64",),
        ),
        Toolchain(
            "gcc, big-endian",
            "aarch64-linux-gnu-gcc",
            ("gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"),
            cxx="aarch64-linux-gnu-g++",
            flags=("-mbig-endian",),
            libc=False,  # Debian has none for this byte order
            link=(),
            emulator=("qemu-aarch64_be",),
        ),
    ),
    machines=(
        Machine(
            "arm64",
            folder=Path(__file__).parent,
            linux_arch="arm64",
            compiler_prefix="aarch64-linux-gnu-",
            make_target="Image",
            image="arch/arm64/boot/Image",
            command=("qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a57", "-m", "256"),
            packages=("gcc-aarch64-linux-gnu", "qemu-system-arm"),
            programs={"arm64": "gcc", "arm": "gcc"},
            console="ttyAMA0",
            line=VIRTIO_LINE,
            wires=virtio_wires("virtio-serial-device"),
            smp=(),
            host_files="virtio-9p-device",
            native_on=("aarch64",),
        ),
    ),
)
