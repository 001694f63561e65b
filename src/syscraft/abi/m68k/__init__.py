"""m68k: the ABI of the Motorola 68000 family, ColdFire included."""

from pathlib import Path

from syscraft.abi.abi import Abi, ElfIdentity, NumberTable
from syscraft.abi.clone_order import CloneOrder
from syscraft.abi.fork_entry import Addition, ForkEntry, Imitation
from syscraft.abi.layout import Pairs
from syscraft.abi.machine import VIRTIO_LINE, Machine, virtio_wires
from syscraft.abi.toolchain import Toolchain
from syscraft.abi.trap import Register, Trap, registers

_TRAP = Trap(
    instruction="trap #0",
    number=Register("d0"),
    # Source: SAVE_ALL_SYS in arch/m68k/include/asm/entry.h, Linux 6.12
    arguments=registers("d1 d2 d3 d4 d5 a0"),
    result=Register("d0"),
)

# Arguments are on the stack, where the saved registers bury them: a helper takes them from
# where they were saved first. Source: arch/m68k/kernel/{entry.S,process.c}, Linux 6.12
_FORK_ENTRY = ForkEntry(
    row="__sys_{name}",
    imitations=(
        Imitation(("arch/m68k/kernel/entry.S",), r"ENTRY\(__sys_clone3?\)", r"\s+rts"),
        # Linux 6.1 has no prototypes.
        Imitation(
            ("arch/m68k/kernel/process.h",),
            r"asmlinkage int m68k_clone3?\(struct pt_regs \*regs\);",
            optional=True,
        ),
    ),
    additions=(
        Addition(
            "arch/m68k/kernel/process.c",
            "fork_entry.c.j2",
            r"asmlinkage int m68k_clone3?\(struct pt_regs \*regs\)",
            r"\}",
        ),
    ),
    registers=("regs->d1", "regs->d2", "regs->d3", "regs->d4", "regs->d5", "regs->a0"),
)


ABI = Abi(
    key="m68k",
    summary="Motorola 68000",
    linux_arch="m68k",
    macro="defined(__m68k__)",
    elf=(ElfIdentity(machine=4, bits=32, little_endian=False),),  # EM_68K
    long_bytes=4,
    table=NumberTable("arch/m68k/kernel/syscalls/syscall.tbl", "common"),
    # By code of its own. Source: m68k_clone() in arch/m68k/kernel/process.c, Linux 6.12
    clone_order=CloneOrder.DEFAULT,
    exit_number=1,
    # C functions get all arguments on the stack, which the saved registers are.
    pairs=Pairs.NEXT,
    # The ABI wants 2, but a long that straddles two words of memory is slow, and a futex
    # must not. Source: get_futex_key() in kernel/futex/core.c, Linux 6.12
    stack_alignment=4,
    traps=((None, _TRAP),),
    fork_entry=_FORK_ENTRY,
    folder=Path(__file__).parent,
    toolchains=(
        Toolchain(
            "gcc",
            "m68k-linux-gnu-gcc",
            ("gcc-m68k-linux-gnu", "libc6-dev-m68k-cross"),
            cxx="m68k-linux-gnu-g++",
            emulator=("qemu-m68k",),
            native_on=("m68k",),
        ),
        Toolchain(
            "gcc, ColdFire",
            "m68k-linux-gnu-gcc",
            ("gcc-m68k-linux-gnu", "libc6-dev-m68k-cross"),
            cxx="m68k-linux-gnu-g++",
            flags=("-mcpu=5475",),
            libc=False,  # Debian's is for the 68020
            link=(),
            emulator=("qemu-m68k", "-cpu", "cfv4e"),
            # native_on is empty: uname(2) calls either machine m68k
        ),
    ),
    machines=(
        Machine(
            "m68k",
            folder=Path(__file__).parent,
            linux_arch="m68k",
            compiler_prefix="m68k-linux-gnu-",
            make_target="vmlinux",
            image="vmlinux",
            command=("qemu-system-m68k", "-M", "virt", "-m", "256"),
            packages=("gcc-m68k-linux-gnu", "qemu-system-misc"),
            programs={"m68k": "gcc"},
            console="ttyGF0",
            line=VIRTIO_LINE,
            wires=virtio_wires("virtio-serial-device"),
        ),
    ),
)
