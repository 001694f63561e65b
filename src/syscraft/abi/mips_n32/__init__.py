"""mips_n32: 32-bit pointers on 64-bit MIPS; registers have 64 bits."""

from dataclasses import replace
from pathlib import Path

from syscraft.abi.abi import Abi, ElfIdentity, NumberTable
from syscraft.abi.mips_n64 import ABI as N64

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
    machines=(),
    toolchains=tuple(
        replace(
            toolchain,
            # "multilib" has this ABI's libc and libgcc.
            packages=(*toolchain.packages, f"gcc-multilib-{machine}-linux-gnuabi64"),
            flags=(*toolchain.flags, "-mabi=n32"),
            emulator=(f"qemu-{machine.replace('mips64', 'mipsn32')}",),
        )
        for toolchain in N64.toolchains
        for machine in ("mips64", "mips64el")
        if toolchain.emulator == (f"qemu-{machine}",)
    ),
)
