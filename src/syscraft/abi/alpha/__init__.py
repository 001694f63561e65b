"""alpha: the ABI of DEC Alpha."""

from pathlib import Path

from syscraft.abi.abi import Abi, ElfIdentity, NumberTable
from syscraft.abi.clone_order import CloneOrder
from syscraft.abi.fork_entry import ForkEntry, Imitation
from syscraft.abi.machine import Machine
from syscraft.abi.toolchain import Toolchain
from syscraft.abi.trap import Register, Trap, registers

_TRAP = Trap(
    instruction="callsys",
    number=Register("v0", "$0"),
    arguments=registers("a0=$16 a1=$17 a2=$18 a3=$19 a4=$20 a5=$21"),
    result=Register("v0", "$0"),
    failed=Register("a3", "$19"),
    arguments_survive=False,
    # To a program, the call is like that of a function. clone(2) changes a4 in the parent, too.
    # Source: entSys in arch/alpha/kernel/entry.S, copy_thread in process.c, Linux 6.12
    clobbers=(
        '"$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8", '
        '"$22", "$23", "$24", "$25", "$27", "$28", "memory"'
    ),
    clobbered="t0..t7 t8..t11 t12 at, and the arguments",
    error_rule="a3 tells whether it is a positive errno",
)

# A child gets its parent's registers from what do_switch_stack saves.
# Source: fork_like in arch/alpha/kernel/entry.S, Linux 6.12
_FORK_ENTRY = ForkEntry(
    row="alpha_{name}",
    imitations=(Imitation(("arch/alpha/kernel/entry.S",), r"fork_like clone3?"),),
)


ABI = Abi(
    key="alpha",
    summary="DEC Alpha",
    linux_arch="alpha",
    macro="defined(__alpha__)",
    elf=(ElfIdentity(machine=0x9026, bits=64, little_endian=True),),  # EM_ALPHA
    long_bytes=8,
    # Source: arch/alpha/kernel/syscalls/syscall.tbl, Linux 6.12: all common calls are 110 up.
    row_offset=110,
    table=NumberTable("arch/alpha/kernel/syscalls/syscall.tbl", "common"),
    clone_order=CloneOrder.DEFAULT,
    exit_number=1,
    traps=((None, _TRAP),),
    fork_entry=_FORK_ENTRY,
    folder=Path(__file__).parent,
    toolchains=(
        Toolchain(
            "gcc",
            "alpha-linux-gnu-gcc",
            ("gcc-alpha-linux-gnu", "libc6.1-dev-alpha-cross"),
            cxx="alpha-linux-gnu-g++",
            # Static programs with Debian's libc die before main().
            link=("-lgcc_s",),
            emulator=("qemu-alpha", "-L", "/usr/alpha-linux-gnu"),
            native_on=("alpha",),
        ),
    ),
    machines=(
        Machine(
            "alpha",
            folder=Path(__file__).parent,
            linux_arch="alpha",
            compiler_prefix="alpha-linux-gnu-",
            make_target="vmlinux",
            image="vmlinux",
            command=("qemu-system-alpha", "-M", "clipper", "-m", "256"),
            packages=("gcc-alpha-linux-gnu", "qemu-system-misc"),
            programs={"alpha": "gcc"},
            console="ttyS0",
            # Static programs with Debian's libc die before main().
            libraries={
                "lib/ld-linux.so.2": "/usr/alpha-linux-gnu/lib/ld-linux.so.2",
                "lib/libc.so.6.1": "/usr/alpha-linux-gnu/lib/libc.so.6.1",
            },
        ),
    ),
)
