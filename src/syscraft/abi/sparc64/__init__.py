"""sparc64: the 64-bit ABI of SPARC V9."""

from pathlib import Path

from syscraft.abi.abi import Abi, ElfIdentity, NumberTable
from syscraft.abi.clone_order import CloneOrder
from syscraft.abi.fork_entry import Addition, ForkEntry, Imitation
from syscraft.abi.machine import VIRTIO_LINE, Machine, virtio_wires
from syscraft.abi.toolchain import Toolchain
from syscraft.abi.trap import Register, Trap, registers

_TRAP = Trap(
    instruction="ta 0x6d; bcs,a,pn %xcc, 2f; sub %g0, %o0, %o0; 2:",
    # A call that goes on after a stop has another number.
    # Source: arch/sparc/kernel/signal_64.c, Linux 6.12
    number=Register("g1"),
    number_survives=False,
    arguments=registers("o0 o1 o2 o3 o4 o5"),
    # Second results: fork-like calls and pipe.
    # Source: arch/sparc/kernel/{process_64,sys_sparc_64}.c, Linux 6.12
    temporaries=registers("o1"),
    result=Register("o0"),
    # Source: copy_thread() in arch/sparc/kernel/process_64.c, do_fpdis in fpu_traps.S, Linux 6.12
    clobbers="SYSCALL_CLOBBERS",
    clobbered="g1 o1, and f0..f62 in the child of a fork",
    error_rule="a carry tells that it is a positive errno",
    stack="not used; unsaved register windows may be written to it",
)

# Register windows go to the stack, and a helper takes the arguments from where they were saved.
# Source: sys_clone in arch/sparc/kernel/{syscalls.S,entry.S,head_32.S,process.c}, Linux 6.12
FORK_ENTRY = ForkEntry(
    row="__sys_{name}",
    imitations=(
        Imitation(
            ("arch/sparc/kernel/kernel.h",),
            r"asmlinkage long sparc_clone\(struct pt_regs \*regs\);",
        ),
    ),
    additions=(
        Addition(
            "arch/sparc/kernel/syscalls.S",
            "fork_entry.S.j2",
            r"sys_clone:",
            r"\s+add\s+%sp, PTREGS_OFF, %o0",
        ),
        Addition(
            "arch/sparc/kernel/entry.S", "fork_entry_32.S.j2", r"sys_clone:", r"\s+mov\s+%l5, %o7"
        ),
        # Processors with seven register windows have less to flush.
        Addition(
            "arch/sparc/kernel/head_32.S",
            "fork_patch_32.S.j2",
            r"\s+set\s+flush_patch_three, %g5",
            r"\s+st\s+%g4, \[%g5 \+ 0x1c\]",
        ),
        Addition(
            "arch/sparc/kernel/process.c",
            "fork_include.h.j2",
            r"#include <linux/signal\.h>",
            unless=r"#include <linux/syscalls\.h>",
        ),
        Addition(
            "arch/sparc/kernel/process.c",
            "fork_entry.c.j2",
            r"asmlinkage long sparc_clone\(struct pt_regs \*regs\)",
            r"\}",
        ),
    ),
    registers=tuple(f"args[{i}]" for i in range(6)),
    order=CloneOrder.DEFAULT,
    keeps_no_stack="CONFIG_SPARC",
)


ABI = Abi(
    key="sparc64",
    summary="64-bit SPARC",
    linux_arch="sparc64",
    own_folder="sparc",
    macro="defined(__sparc__) && defined(__arch64__)",
    elf=(ElfIdentity(43, 64, False),),  # EM_SPARCV9
    long_bytes=8,
    # "common" rows serve sparc32 too. Source: arch/sparc/kernel/syscalls/Makefile, Linux 6.12
    table=NumberTable("arch/sparc/kernel/syscalls/syscall.tbl", "common"),
    # By code of its own. Source: sparc_clone() in arch/sparc/kernel/process.c, Linux 6.12
    clone_order=CloneOrder.BACKWARDS,
    exit_number=1,
    traps=((None, _TRAP),),
    fork_entry=FORK_ENTRY,
    folder=Path(__file__).parent,
    toolchains=(
        Toolchain(
            "gcc",
            "sparc64-linux-gnu-gcc",
            ("gcc-sparc64-linux-gnu", "libc6-dev-sparc64-cross"),
            cxx="sparc64-linux-gnu-g++",
            emulator=("qemu-sparc64",),
            native_on=("sparc64",),
        ),
        Toolchain(
            "clang",
            "clang-19",
            ("clang-19", "gcc-sparc64-linux-gnu", "libc6-dev-sparc64-cross"),
            cxx="clang++-19",
            flags=("--target=sparc64-linux-gnu",),
            emulator=("qemu-sparc64",),
            native_on=("sparc64",),
        ),
    ),
    machines=(
        Machine(
            "sparc64",
            folder=Path(__file__).parent,
            linux_arch="sparc64",
            compiler_prefix="sparc64-linux-gnu-",
            make_target="image",
            image="arch/sparc/boot/image",
            command=("qemu-system-sparc64", "-M", "sun4u", "-m", "256"),
            packages=("gcc-sparc64-linux-gnu", "qemu-system-sparc"),
            programs={"sparc64": "gcc", "sparc32": "gcc"},
            console="ttyS0",
            line=VIRTIO_LINE,
            # The slots of the first bus are taken.
            wires=virtio_wires("virtio-serial-pci,bus=pciB"),
        ),
    ),
)
