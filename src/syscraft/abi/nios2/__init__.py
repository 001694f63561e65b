"""nios2: the ABI of Altera's Nios II."""

from pathlib import Path

from syscraft.abi.abi import GENERIC_TABLE, Abi, ElfIdentity
from syscraft.abi.clone_order import CloneOrder
from syscraft.abi.fork_entry import Addition, ForkEntry
from syscraft.abi.layout import Pairs
from syscraft.abi.trap import Register, Trap, registers

# The kernel takes every negative result for an error; made positive and negative again, it
# is what it was. Source: translate_rc_and_ret in arch/nios2/kernel/entry.S, Linux 6.12
_TRAP = Trap(
    instruction="trap",
    number=Register("r2"),
    # Source: arch/nios2/include/asm/syscall.h, Linux 6.12
    arguments=registers("r4 r5 r6 r7 r8 r9"),
    result=Register("r2"),
    failed=Register("r7"),
    error_rule="r7 tells whether it is a positive errno",
    clobbered="r7",
)

# The row is the generic one; a macro leads it to the wrapper. A child gets its parent's
# registers from the switch stack. Source: sys_clone in arch/nios2/kernel/entry.S, Linux 6.12
_FORK_ENTRY = ForkEntry(
    row="sys_{name}",
    additions=(
        Addition("arch/nios2/kernel/entry.S", "fork_entry.S.j2", r"ENTRY\(sys_clone\)", r"\s+ret"),
        Addition(
            "arch/nios2/kernel/syscall_table.c", "fork_macro.h.j2", r"#include <asm/syscalls\.h>"
        ),
        Addition(
            "arch/nios2/include/asm/syscalls.h",
            "fork_entry.h.j2",
            r"#include <asm-generic/syscalls\.h>",
        ),
    ),
)


ABI = Abi(
    key="nios2",
    summary="Nios II",
    linux_arch="nios2",
    macro="defined(__nios2__)",
    elf=(ElfIdentity(113, 32, True),),  # EM_ALTERA_NIOS2
    long_bytes=4,
    table=GENERIC_TABLE,
    # By code of its own. Source: nios2_clone() in arch/nios2/kernel/process.c, Linux 6.12
    clone_order=CloneOrder.DEFAULT,
    exit_number=93,
    pairs=Pairs.NEXT,
    stack_alignment=4,
    traps=((None, _TRAP),),
    fork_entry=_FORK_ENTRY,
    folder=Path(__file__).parent,
    toolchains=(),  # Debian has none
)
