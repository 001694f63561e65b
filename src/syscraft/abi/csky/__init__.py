"""csky: version 2 of the ABI of C-SKY processors."""

from pathlib import Path

from syscraft.abi.abi import GENERIC_TABLE, Abi, ElfIdentity
from syscraft.abi.clone_order import CloneOrder
from syscraft.abi.layout import Pairs
from syscraft.abi.trap import Register, Trap, registers

_TRAP = Trap(
    instruction="trap 0",
    # A call that goes on after a stop has another number.
    # Source: do_signal() in arch/csky/kernel/signal.c, Linux 6.12
    number=Register("r7"),
    number_survives=False,
    # Source: arch/csky/kernel/entry.S, arch/csky/abiv2/inc/abi/regdef.h, Linux 6.12
    arguments=registers("a0 a1 a2 a3 r4 r5"),
    result=Register("a0"),
    clobbers='"memory", "cc"',
    clobbered="r7",
)

ABI = Abi(
    key="csky",
    summary="C-SKY, ABI version 2",
    linux_arch="csky",
    macro="defined(__csky__) && defined(__CSKYABIV2__)",
    elf=(ElfIdentity(252, 32, True),),  # EM_CSKY
    long_bytes=4,
    table=GENERIC_TABLE,
    clone_order=CloneOrder.DEFAULT,
    exit_number=93,
    pairs=Pairs.NEXT,
    stack_alignment=8,
    traps=((None, _TRAP),),
    folder=Path(__file__).parent,
    toolchains=(),  # Debian has none
)
