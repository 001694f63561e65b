"""mips_n64: the 64-bit ABI of MIPS, in both byte orders."""

from pathlib import Path

from syscraft.abi.abi import Abi, ElfIdentity, NumberTable
from syscraft.abi.clone_order import CloneOrder
from syscraft.abi.fork_entry import ForkEntry, Imitation
from syscraft.abi.machine import Machine
from syscraft.abi.toolchain import Toolchain
from syscraft.abi.trap import Register, Trap, registers

_TRAP = Trap(
    instruction="syscall",
    number=Register("v0", "$2"),
    arguments=registers("a0=$4 a1=$5 a2=$6 a3=$7 a4=$8 a5=$9"),
    result=Register("v0", "$2"),
    failed=Register("a3", "$7"),
    # Release 6 has no hi and lo: see bare_syscalls.c.j2
    clobbers="SYSCALL_CLOBBERS",
    clobbered="at v1 a6 a7 t0..t3 t8 t9 hi lo",
    error_rule="a3 tells whether it is a positive errno",
)

# Source: save_static_function() in arch/mips/include/asm/sim.h, Linux 6.12
FORK_ENTRY = ForkEntry(
    row="__sys_{name}",
    imitations=(
        Imitation(("arch/mips/kernel/syscall.c",), r"save_static_function\(sys_clone3?\);"),
    ),
)


ABI = Abi(
    key="mips_n64",
    summary="64-bit MIPS, either byte order",
    linux_arch="mips",
    macro="defined(__mips__) && _MIPS_SIM == _ABI64",
    elf=(ElfIdentity(8, 64, False), ElfIdentity(8, 64, True)),  # EM_MIPS
    long_bytes=8,
    # Source: arch/mips/include/uapi/asm/unistd.h, Linux 6.12
    number_offset=5000,
    table=NumberTable("arch/mips/kernel/syscalls/syscall_n64.tbl", "n64"),
    clone_order=CloneOrder.BACKWARDS,  # source: arch/mips/Kconfig, Linux 6.12
    exit_number=5058,
    traps=((None, _TRAP),),
    fork_entry=FORK_ENTRY,
    folder=Path(__file__).parent,
    toolchains=tuple(
        Toolchain(
            f"{kind}{', little-endian' if machine == 'mips64el' else ''}",
            f"{machine}-linux-gnuabi64-gcc" if kind == "gcc" else "clang-19",
            (
                *(("clang-19",) if kind == "clang" else ()),
                f"gcc-{machine}-linux-gnuabi64",
                f"libc6-dev-{machine}-cross",
            ),
            cxx=f"{machine}-linux-gnuabi64-g++" if kind == "gcc" else "clang++-19",
            flags=(f"--target={machine}-linux-gnuabi64",) if kind == "clang" else (),
            emulator=(f"qemu-{machine}",),
            native_on=("mips64",),
        )
        for kind in ("gcc", "clang")
        for machine in ("mips64", "mips64el")
    ),
    machines=(
        Machine(
            # Its kernel cannot switch the machine off: "Unable to poweroff system".
            "mips64",
            folder=Path(__file__).parent,
            linux_arch="mips",
            compiler_prefix="mips64-linux-gnuabi64-",
            make_target="vmlinux",
            image="vmlinux",
            command=("qemu-system-mips64", "-M", "malta", "-cpu", "MIPS64R2-generic", "-m", "256"),
            packages=("gcc-mips64-linux-gnuabi64", "qemu-system-mips"),
            programs={"mips_n64": "gcc", "mips_n32": "gcc", "mips_o32": "gcc"},
            console="ttyS0",
            restarts=True,
        ),
    ),
)
