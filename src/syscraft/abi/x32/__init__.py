"""x32: 32-bit pointers on 64-bit x86; registers have 64 bits."""

from dataclasses import replace
from pathlib import Path

from syscraft.abi.abi import Abi, ElfIdentity, NumberTable
from syscraft.abi.toolchain import Toolchain
from syscraft.abi.x86_64 import ABI as X86_64

_X32_SYSCALL_BIT = 0x40000000  # source: arch/x86/include/uapi/asm/unistd.h, Linux 6.12

ABI: Abi = replace(
    X86_64,
    key="x32",
    summary="32-bit pointers on 64-bit x86",
    macro="defined(__x86_64__) && defined(__ILP32__)",
    elf=(ElfIdentity(machine=62, bits=32, little_endian=True),),  # EM_X86_64
    long_bytes=4,
    register_bytes=8,
    number_offset=_X32_SYSCALL_BIT,
    # New calls share the row of the 64-bit ABI.
    table=NumberTable("arch/x86/entry/syscalls/syscall_64.tbl", "common"),
    exit_number=_X32_SYSCALL_BIT + 60,
    folder=Path(__file__).parent,
    machines=(),
    toolchains=(
        Toolchain(
            "gcc",
            "x86_64-linux-gnux32-gcc",
            ("gcc-x86-64-linux-gnux32", "libc6-dev-x32-cross"),
            cxx="x86_64-linux-gnux32-g++",
            native_on=("x86_64",),
            remark="runs on kernels with CONFIG_X86_X32_ABI; Debian's need syscall.x32=y besides",
        ),
        Toolchain(
            "clang",
            "clang-19",
            ("clang-19", "lld-19"),
            cxx="clang++-19",
            flags=("--target=x86_64-linux-gnux32",),
            libc=False,  # it does not look where Debian has this ABI's
            link=("-fuse-ld=lld",),
            kernel_headers=True,
            native_on=("x86_64",),
            remark="runs on kernels with CONFIG_X86_X32_ABI; Debian's need syscall.x32=y besides",
        ),
    ),
)
