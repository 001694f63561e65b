"""mips_o32: the 32-bit ABI of MIPS, in both byte orders."""

from pathlib import Path

from syscraft.abi.abi import Abi, ElfIdentity, NumberTable
from syscraft.abi.clone_order import CloneOrder
from syscraft.abi.layout import Pairs
from syscraft.abi.machine import Machine
from syscraft.abi.mips_n64 import FORK_ENTRY
from syscraft.abi.toolchain import Toolchain
from syscraft.abi.trap import Register, Trap, registers

# Arguments from the fifth on go to the stack, above the room that a C function has for four;
# the kernel takes eight.
# Source: arch/mips/kernel/scall32-o32.S, Linux 6.12
_STACKED = "addiu $29, $29, -32; sw $8, 16($29); sw $9, 20($29); syscall; addiu $29, $29, 32"

_TRAP = Trap(
    instruction="syscall",
    number=Register("v0", "$2"),
    arguments=registers("a0=$4 a1=$5 a2=$6 a3=$7 t0=$8 t1=$9"),
    temporaries=registers("t0=$8 t1=$9"),
    result=Register("v0", "$2"),
    failed=Register("a3", "$7"),
    by_arity={5: _STACKED, 6: _STACKED},
    clobbers="SYSCALL_CLOBBERS",
    # Release 6 has no hi and lo: see bare_syscalls.c.j2
    clobbered="at v1 t0..t9 hi lo",
    error_rule="a3 tells whether it is a positive errno",
    stack="takes arguments five and six at 16(sp) and 20(sp)",
    stack_bytes=32,
    in_registers=4,
    stacked=("16(sp)", "20(sp)", "24(sp)", "28(sp)"),
)

ABI = Abi(
    key="mips_o32",
    summary="32-bit MIPS, either byte order",
    linux_arch="mips",
    macro="defined(__mips__) && _MIPS_SIM == _ABIO32",
    # EM_MIPS; of the flags, EF_MIPS_ABI2 is n32's
    elf=tuple(ElfIdentity(8, 32, little, flags_mask=0x20) for little in (False, True)),
    long_bytes=4,
    # Source: arch/mips/include/uapi/asm/unistd.h, Linux 6.12
    number_offset=4000,
    table=NumberTable("arch/mips/kernel/syscalls/syscall_o32.tbl", "o32"),
    clone_order=CloneOrder.BACKWARDS,  # source: arch/mips/Kconfig, Linux 6.12
    exit_number=4001,
    pairs=Pairs.EVEN,
    kernel_symbol="CONFIG_MIPS",
    stack_alignment=8,
    traps=((None, _TRAP),),
    fork_entry=FORK_ENTRY,
    folder=Path(__file__).parent,
    toolchains=tuple(
        Toolchain(
            f"{kind}{', little-endian' if machine == 'mipsel' else ''}",
            f"{machine}-linux-gnu-gcc" if kind == "gcc" else "clang-19",
            (
                *(("clang-19",) if kind == "clang" else ()),
                f"gcc-{machine}-linux-gnu",
                f"libc6-dev-{machine}-cross",
            ),
            cxx=f"{machine}-linux-gnu-g++" if kind == "gcc" else "clang++-19",
            flags=(f"--target={machine}-linux-gnu",) if kind == "clang" else (),
            emulator=(f"qemu-{machine}",),
            native_on=("mips", "mips64"),
        )
        for kind in ("gcc", "clang")
        for machine in ("mips", "mipsel")
    ),
    machines=(
        Machine(
            # Its kernel cannot switch the machine off: "Unable to poweroff system".
            "mipsel",
            folder=Path(__file__).parent,
            linux_arch="mips",
            compiler_prefix="mipsel-linux-gnu-",
            make_target="vmlinux",
            image="vmlinux",
            command=("qemu-system-mipsel", "-M", "malta", "-cpu", "24Kf", "-m", "256"),
            packages=("gcc-mipsel-linux-gnu", "qemu-system-mips"),
            programs={"mips_o32": "gcc, little-endian"},
            console="ttyS0",
            restarts=True,
        ),
    ),
)
