"""mips_n32: 32-bit pointers on 64-bit MIPS; registers have 64 bits."""

from dataclasses import replace
from pathlib import Path

from syscraft.abi.base import Abi, ElfIdentity, NumberTable, Toolchain
from syscraft.abi.mips_n64 import ABI as N64

_FLAGS = ("-mabi=n32", "-mno-abicalls", "-fno-pic", "-G0")

ABI: Abi = replace(
    N64,
    key="mips_n32",
    summary="32-bit pointers on 64-bit MIPS, either byte order",
    macro="defined(__mips__) && _MIPS_SIM == _ABIN32",
    # EM_MIPS; EF_MIPS_ABI2 tells it from o32. Source: arch/mips/include/asm/elf.h, Linux 6.12
    elf=tuple(ElfIdentity(8, 32, little, flags_mask=0x20, flags=0x20) for little in (False, True)),
    long_bytes=4,
    register_bytes=8,
    number_offset=6000,
    table=NumberTable("arch/mips/kernel/syscalls/syscall_n32.tbl", "n32"),
    exit_number=6058,
    folder=Path(__file__).parent,
    toolchains=tuple(
        Toolchain(
            f"gcc{', little-endian' if machine == 'mips64el' else ''}",
            f"{machine}-linux-gnuabi64-gcc",
            (f"gcc-{machine}-linux-gnuabi64", f"libc6-dev-{machine}-cross"),
            cxx=f"{machine}-linux-gnuabi64-g++",
            flags=_FLAGS,
            libc=False,  # a libc for this ABI cannot be installed beside the one for o32
            link=(),
            emulator=(f"qemu-mipsn32{'el' if machine == 'mips64el' else ''}",),
            native_on=("mips64",),
            pie=False,
        )
        for machine in ("mips64", "mips64el")
    ),
)
