"""sparc32: the 32-bit ABI of SPARC V8, and of V9 as it extends that."""

from pathlib import Path

from syscraft.abi.abi import Abi, ElfIdentity, NumberTable
from syscraft.abi.clone_order import CloneOrder
from syscraft.abi.layout import Pairs
from syscraft.abi.machine import LinkedKernel
from syscraft.abi.sparc64 import ABI as SPARC64
from syscraft.abi.sparc64 import FORK_ENTRY
from syscraft.abi.toolchain import Toolchain
from syscraft.abi.trap import Register, Trap, registers

_PACKAGES = (
    "gcc-sparc64-linux-gnu",
    "gcc-multilib-sparc64-linux-gnu",
    "libc6-dev-sparc-sparc64-cross",
)

_TRAP = Trap(
    instruction="ta 0x10; bcs,a 2f; sub %g0, %o0, %o0; 2:",
    # A call that goes on after a stop has another number.
    # Source: arch/sparc/kernel/signal_32.c, Linux 6.12
    number=Register("g1"),
    number_survives=False,
    arguments=registers("o0 o1 o2 o3 o4 o5"),
    # Second results: fork-like calls and pipe.
    # Source: arch/sparc/kernel/{process_32,sys_sparc_32}.c, Linux 6.12
    temporaries=registers("o1"),
    result=Register("o0"),
    # Source: copy_thread() in arch/sparc/kernel/process_64.c, do_fpdis in fpu_traps.S, Linux 6.12
    clobbers="SYSCALL_CLOBBERS",
    clobbered="g1 o1, and f0..f62 in the child of a fork",
    error_rule="a carry tells that it is a positive errno",
    stack="not used; unsaved register windows may be written to it",
)

ABI = Abi(
    key="sparc32",
    summary="32-bit SPARC",
    linux_arch="sparc",
    macro="defined(__sparc__) && !defined(__arch64__)",
    elf=(ElfIdentity(2, 32, False), ElfIdentity(18, 32, False)),  # EM_SPARC, EM_SPARC32PLUS
    long_bytes=4,
    # "common" rows serve sparc64 too. Source: arch/sparc/kernel/syscalls/Makefile, Linux 6.12
    table=NumberTable("arch/sparc/kernel/syscalls/syscall.tbl", "common"),
    # By code of its own. Source: sparc_clone() in arch/sparc/kernel/process.c, Linux 6.12
    clone_order=CloneOrder.BACKWARDS,
    exit_number=1,
    pairs=Pairs.NEXT,
    traps=((None, _TRAP),),
    fork_entry=FORK_ENTRY,
    linked=(
        LinkedKernel(
            "sparc",
            "sparc",
            "sparc64-linux-gnu-",
            ("gcc-sparc64-linux-gnu",),
            repair=SPARC64.machines[0].text("guest.patch"),
        ),
    ),
    folder=Path(__file__).parent,
    toolchains=(
        Toolchain(
            "gcc",
            "sparc64-linux-gnu-gcc",
            _PACKAGES,
            cxx="sparc64-linux-gnu-g++",
            flags=("-m32",),
            emulator=("qemu-sparc32plus",),
            native_on=("sparc64",),
        ),
        Toolchain(
            "clang",
            "clang-19",
            ("clang-19", *_PACKAGES),
            cxx="clang++-19",
            flags=("--target=sparc-linux-gnu",),
            emulator=("qemu-sparc32plus",),
            native_on=("sparc64",),
        ),
        Toolchain(
            "gcc, V8",
            "sparc64-linux-gnu-gcc",
            _PACKAGES,
            cxx="sparc64-linux-gnu-g++",
            flags=("-m32", "-mcpu=v8"),
            libc=False,  # Debian's is for V9
            link=(),
            emulator=("qemu-sparc",),
            native_on=("sparc", "sparc64"),
        ),
    ),
)
