"""arm: the 32-bit EABI of Arm, for ARM and Thumb code, in both byte orders."""

from pathlib import Path

from syscraft.abi.abi import Abi, ElfIdentity, NumberTable, PrivateCall
from syscraft.abi.clone_order import CloneOrder
from syscraft.abi.layout import Pairs
from syscraft.abi.machine import VIRTIO_LINE, Machine, virtio_wires
from syscraft.abi.toolchain import Toolchain
from syscraft.abi.trap import Register, Trap, registers

# r7 is Thumb's frame pointer: the number comes in r6, and r12 keeps r7 for that long. Before
# ARMv6, assemblers disagree on moves between two of r0 to r7: hence the way through lr.
_THUMB = Trap(
    instruction="mov r12, r7; mov lr, r6; mov r7, lr; svc #0; mov r7, r12",
    number=Register("r6"),
    arguments=registers("r0 r1 r2 r3 r4 r5"),
    result=Register("r0"),
    clobbers='"r12", "lr", "memory", "cc"',
)

_ARM = Trap(
    instruction="svc #0",
    number=Register("r7"),
    arguments=registers("r0 r1 r2 r3 r4 r5"),
    result=Register("r0"),
    # A call that goes on after a stop leaves __NR_restart_syscall there on 64-bit kernels.
    # Source: arch/arm64/kernel/signal32.c, Linux 6.12
    number_survives=False,
    clobbers='"memory", "cc"',
)

# arm_syscall() takes what it needs from the registers. usr26 and usr32 answer on processors with
# 26-bit addresses only, and are SIGILL on others.
# Source: arch/arm/include/uapi/asm/unistd.h, arm_syscall() in arch/arm/kernel/traps.c, Linux 6.12
_PRIVATE = {
    "breakpoint": "",
    "cacheflush": "unsigned long start, unsigned long end, unsigned long flags",
    "usr26": "",
    "usr32": "",
    "set_tls": "unsigned long value",
    "get_tls": "",
}
_HARD_FLOAT = ("gcc-arm-linux-gnueabihf", "libc6-dev-armhf-cross")
_MACHINES = ("armv7l", "armv8l", "aarch64")

ABI = Abi(
    key="arm",
    summary="32-bit Arm, ARM and Thumb, either byte order",
    linux_arch="arm",
    macro="defined(__arm__) && defined(__ARM_EABI__)",
    elf=(ElfIdentity(40, 32, True), ElfIdentity(40, 32, False)),  # EM_ARM
    long_bytes=4,
    table=NumberTable("arch/arm/tools/syscall.tbl", "common"),
    # AArch32 programs on a 64-bit kernel.
    compat_tables=(NumberTable("arch/arm64/tools/syscall_32.tbl", "common"),),
    private_calls=tuple(
        PrivateCall(
            name,
            f"__ARM_NR_{name}",
            text,
            "arm_syscall",
            "arch/arm/kernel/traps.c",
            f"case NR({name}):",
        )
        for name, text in _PRIVATE.items()
    ),
    clone_order=CloneOrder.BACKWARDS,  # source: arch/arm/Kconfig, Linux 6.12
    exit_number=1,
    pairs=Pairs.EVEN,
    kernel_symbol="CONFIG_ARM64",
    stack_alignment=8,
    traps=(("defined(__thumb__)", _THUMB), (None, _ARM)),
    folder=Path(__file__).parent,
    toolchains=(
        Toolchain(
            "gcc",
            "arm-linux-gnueabihf-gcc",
            _HARD_FLOAT,
            cxx="arm-linux-gnueabihf-g++",
            flags=("-mthumb",),
            emulator=("qemu-arm",),
            native_on=_MACHINES,
        ),
        Toolchain(
            "gcc, ARM",
            "arm-linux-gnueabihf-gcc",
            _HARD_FLOAT,
            cxx="arm-linux-gnueabihf-g++",
            flags=("-marm",),
            emulator=("qemu-arm",),
            native_on=_MACHINES,
        ),
        Toolchain(
            "gcc, Thumb-1",
            "arm-linux-gnueabihf-gcc",
            _HARD_FLOAT,
            cxx="arm-linux-gnueabihf-g++",
            flags=("-march=armv4t", "-mthumb", "-mfloat-abi=soft"),
            libc=False,
            link=("-lgcc",),
            emulator=("qemu-arm",),
            native_on=_MACHINES,
        ),
        Toolchain(
            "gcc, big-endian",
            "arm-linux-gnueabihf-gcc",
            _HARD_FLOAT,
            cxx="arm-linux-gnueabihf-g++",
            flags=("-mbig-endian",),
            libc=False,
            link=("-Wl,--be8", "-Wl,-EB"),
            emulator=("qemu-armeb",),
        ),
        Toolchain(
            "gcc, big-endian BE32",
            "arm-linux-gnueabihf-gcc",
            _HARD_FLOAT,
            cxx="arm-linux-gnueabihf-g++",
            flags=("-mbig-endian", "-march=armv5te", "-marm", "-mfloat-abi=soft"),
            libc=False,
            link=("-Wl,-EB",),
            emulator=("qemu-armeb",),
        ),
        Toolchain(
            "clang",
            "clang-19",
            ("clang-19", *_HARD_FLOAT),
            cxx="clang++-19",
            flags=("--target=arm-linux-gnueabihf", "-march=armv7-a", "-mthumb"),
            emulator=("qemu-arm",),
            native_on=_MACHINES,
        ),
        Toolchain(
            "clang, ARM",
            "clang-19",
            ("clang-19", *_HARD_FLOAT),
            cxx="clang++-19",
            flags=("--target=arm-linux-gnueabihf", "-march=armv7-a", "-marm"),
            emulator=("qemu-arm",),
            native_on=_MACHINES,
        ),
        Toolchain(
            "clang, Thumb-1",
            "clang-19",
            ("clang-19", *_HARD_FLOAT),
            cxx="clang++-19",
            flags=("--target=arm-linux-gnueabihf", "-march=armv4t", "-mthumb", "-mfloat-abi=soft"),
            libc=False,
            link=("-lgcc",),
            emulator=("qemu-arm",),
            native_on=_MACHINES,
        ),
    ),
    machines=(
        Machine(
            "arm",
            folder=Path(__file__).parent,
            linux_arch="arm",
            compiler_prefix="arm-linux-gnueabihf-",
            make_target="zImage",
            image="arch/arm/boot/zImage",
            command=("qemu-system-arm", "-M", "virt", "-cpu", "cortex-a15", "-m", "256"),
            packages=("gcc-arm-linux-gnueabihf", "qemu-system-arm"),
            programs={"arm": "gcc"},
            console="ttyAMA0",
            line=VIRTIO_LINE,
            wires=virtio_wires("virtio-serial-device"),
            smp=("CONFIG_SMP=y",),
        ),
    ),
)
