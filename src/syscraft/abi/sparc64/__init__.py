"""sparc64: the 64-bit ABI of SPARC V9."""

from pathlib import Path

from syscraft.abi.base import (
    VIRTIO_LINE,
    Abi,
    CloneOrder,
    ElfIdentity,
    Machine,
    NumberTable,
    Register,
    Toolchain,
    Trap,
    registers,
    virtio_wires,
)

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

ABI = Abi(
    key="sparc64",
    summary="64-bit SPARC",
    linux_arch="sparc64",
    macro="defined(__sparc__) && defined(__arch64__)",
    elf=(ElfIdentity(43, 64, False),),  # EM_SPARCV9
    long_bytes=8,
    # "common" rows serve sparc32 too. Source: arch/sparc/kernel/syscalls/Makefile, Linux 6.12
    table=NumberTable("arch/sparc/kernel/syscalls/syscall.tbl", "common"),
    # By code of its own. Source: sparc_clone() in arch/sparc/kernel/process.c, Linux 6.12
    clone_order=CloneOrder.BACKWARDS,
    exit_number=1,
    fork_trap="fork_syscall",
    traps=((None, _TRAP),),
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
    machine=Machine(
        "sparc64",
        linux_arch="sparc64",
        compiler_prefix="sparc64-linux-gnu-",
        make_target="image",
        image="arch/sparc/boot/image",
        command=("qemu-system-sparc64", "-M", "sun4u", "-m", "256"),
        packages=("gcc-sparc64-linux-gnu", "qemu-system-sparc"),
        programs={"sparc64": "gcc", "sparc32": "gcc"},
        console="ttyS0",
        line=VIRTIO_LINE,
        wires=virtio_wires("virtio-serial-pci"),
    ),
)
