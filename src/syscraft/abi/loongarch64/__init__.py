"""loongarch64: the 64-bit ABI of LoongArch."""

from pathlib import Path

from syscraft.abi.abi import GENERIC_TABLE, Abi, ElfIdentity
from syscraft.abi.clone_order import CloneOrder
from syscraft.abi.machine import LinkedKernel
from syscraft.abi.toolchain import Toolchain
from syscraft.abi.trap import Register, Trap, registers

_TRAP = Trap(
    instruction="syscall 0",
    number=Register("a7", "$a7"),
    arguments=registers("a0=$a0 a1=$a1 a2=$a2 a3=$a3 a4=$a4 a5=$a5"),
    result=Register("a0", "$a0"),
    # A call that goes on after a stop leaves __NR_restart_syscall there.
    # Source: arch/loongarch/kernel/signal.c, Linux 6.12
    number_survives=False,
    # Source: handle_syscall in arch/loongarch/kernel/entry.S, Linux 6.12
    clobbers=", ".join((*(f'"$t{n}"' for n in range(9)), '"memory"')),
    clobbered="t0..t8 (the kernel does not save them)",
)

ABI = Abi(
    key="loongarch64",
    summary="64-bit LoongArch",
    linux_arch="loongarch",
    macro="defined(__loongarch_lp64)",
    elf=(ElfIdentity(machine=258, bits=64, little_endian=True),),  # EM_LOONGARCH
    long_bytes=8,
    table=GENERIC_TABLE,
    clone_order=CloneOrder.DEFAULT,
    exit_number=93,
    traps=((None, _TRAP),),
    linked=(
        LinkedKernel("loongarch", "loongarch", "", ("clang-19", "lld-19", "llvm-19"), llvm="-19"),
    ),
    folder=Path(__file__).parent,
    toolchains=(
        Toolchain(
            "clang",
            "clang-19",
            ("clang-19", "lld-19"),
            cxx="clang++-19",
            # By default clang uses the vector registers, which QEMU 7.2 does not have.
            flags=("--target=loongarch64-linux-gnu", "-march=loongarch64"),
            libc=False,
            link=("-fuse-ld=lld",),
            kernel_headers=True,
            emulator=("qemu-loongarch64",),
            native_on=("loongarch64",),
        ),
    ),
)
