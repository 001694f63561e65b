"""hexagon: the ABI of Qualcomm's Hexagon."""

from pathlib import Path

from syscraft.abi.abi import GENERIC_TABLE, Abi, ElfIdentity
from syscraft.abi.clone_order import CloneOrder
from syscraft.abi.layout import Pairs
from syscraft.abi.machine import LinkedKernel
from syscraft.abi.toolchain import Toolchain
from syscraft.abi.trap import Register, Trap, registers

_TRAP = Trap(
    instruction="trap0(#1)",
    number=Register("r6"),
    arguments=registers("r0 r1 r2 r3 r4 r5"),
    result=Register("r0"),
    # A call that goes on after a stop leaves __NR_restart_syscall there.
    # Source: arch/hexagon/kernel/signal.c, Linux 6.12
    number_survives=False,
    # Source: do_trap0 in arch/hexagon/kernel/traps.c, Linux 6.12
    error_rule="-4095..-1 is -errno; -1 if there is no such number",
)

ABI = Abi(
    key="hexagon",
    summary="Qualcomm Hexagon",
    linux_arch="hexagon",
    macro="defined(__hexagon__)",
    elf=(ElfIdentity(machine=164, bits=32, little_endian=True),),  # EM_HEXAGON
    long_bytes=4,
    table=GENERIC_TABLE,
    clone_order=CloneOrder.DEFAULT,
    exit_number=93,
    # The kernel calls its handlers with the six registers as C functions' arguments.
    # Source: do_trap0 in arch/hexagon/kernel/traps.c, Linux 6.12
    pairs=Pairs.EVEN,
    stack_alignment=8,
    traps=((None, _TRAP),),
    linked=(LinkedKernel("hexagon", "hexagon", "", ("clang-19", "lld-19", "llvm-19"), llvm="-19"),),
    folder=Path(__file__).parent,
    toolchains=(
        Toolchain(
            "clang",
            "clang-19",
            ("clang-19", "lld-19"),
            cxx="clang++-19",
            # Without -G0, code that is not position-independent finds small data by the gp
            # register, which nobody sets and whose relocations lld 19 does not know.
            flags=("--target=hexagon-unknown-linux-musl", "-G0"),
            libc=False,
            link=("-fuse-ld=lld",),
            kernel_headers=True,
            emulator=("qemu-hexagon",),
            native_on=("hexagon",),
        ),
    ),
)
