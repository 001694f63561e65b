"""riscv32: the 32-bit ABI of RISC-V; its C is riscv64's."""

from syscraft.abi.abi import GENERIC_TABLE, Abi, ElfIdentity
from syscraft.abi.layout import Pairs
from syscraft.abi.machine import LinkedKernel
from syscraft.abi.riscv64 import ABI as RISCV64
from syscraft.abi.toolchain import Toolchain

_MACHINE = ("-march=rv32imac", "-mabi=ilp32")

ABI = Abi(
    key="riscv32",
    summary="32-bit RISC-V",
    linux_arch="riscv",
    macro="defined(__riscv) && __riscv_xlen == 32",
    elf=(ElfIdentity(machine=243, bits=32, little_endian=True),),  # EM_RISCV
    long_bytes=4,
    table=GENERIC_TABLE,
    clone_order=RISCV64.clone_order,
    exit_number=RISCV64.exit_number,
    # The psABI aligns pairs for variadic functions only, and the kernel's handlers take
    # the registers as they come. Source: arch/riscv/include/asm/syscall_wrapper.h, Linux 6.12
    pairs=Pairs.NEXT,
    traps=RISCV64.traps,
    linked=(
        LinkedKernel(
            "riscv32",
            "riscv",
            "riscv64-linux-gnu-",
            ("gcc-riscv64-linux-gnu",),
            options=("CONFIG_NONPORTABLE=y", "CONFIG_ARCH_RV32I=y"),
        ),
    ),
    folder=RISCV64.folder,
    toolchains=(
        Toolchain(
            "gcc",
            "riscv64-linux-gnu-gcc",
            ("gcc-riscv64-linux-gnu", "libc6-dev-riscv64-cross"),
            cxx="riscv64-linux-gnu-g++",
            flags=_MACHINE,
            libc=False,  # Debian has none for 32 bits
            link=(),
            emulator=("qemu-riscv32",),
            native_on=("riscv32", "riscv64"),
        ),
        Toolchain(
            "clang",
            "clang-19",
            ("clang-19", "lld-19", "libc6-dev-riscv64-cross"),
            cxx="clang++-19",
            flags=("--target=riscv32-linux-gnu", *_MACHINE),
            libc=False,
            link=("-fuse-ld=lld",),
            kernel_headers=True,
            emulator=("qemu-riscv32",),
            native_on=("riscv32", "riscv64"),
        ),
    ),
)
