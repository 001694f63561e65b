"""i386: the 32-bit ABI of x86."""

from pathlib import Path

from syscraft.abi.abi import Abi, ElfIdentity, NumberTable
from syscraft.abi.clone_order import CloneOrder
from syscraft.abi.layout import Pairs
from syscraft.abi.machine import Machine
from syscraft.abi.toolchain import Toolchain
from syscraft.abi.trap import Register, Trap, registers

# Not through the vDSO: its entry returns to an address on the old stack, and not every
# program has one. syscall6() is in bare_syscalls.c.j2.
_TRAP = Trap(
    instruction="int $0x80",
    number=Register("eax"),
    arguments=registers("ebx ecx edx esi edi ebp"),
    result=Register("eax"),
    clobbers='"memory", "cc"',
)

ABI = Abi(
    key="i386",
    summary="32-bit x86",
    linux_arch="i386",
    own_folder="x86",
    macro="defined(__i386__)",
    elf=(ElfIdentity(machine=3, bits=32, little_endian=True),),  # EM_386
    long_bytes=4,
    table=NumberTable("arch/x86/entry/syscalls/syscall_32.tbl", "i386"),
    clone_order=CloneOrder.BACKWARDS,  # source: arch/x86/Kconfig, Linux 6.12
    # Source: COMPAT_SYSCALL_DEFINE5(ia32_clone) in arch/x86/kernel/sys_ia32.c, Linux 6.12
    compat_clone=("ia32_", "CONFIG_IA32_EMULATION"),
    exit_number=1,
    pairs=Pairs.NEXT,
    traps=((None, _TRAP),),
    folder=Path(__file__).parent,
    toolchains=(
        Toolchain(
            "gcc",
            "i686-linux-gnu-gcc",
            ("gcc-i686-linux-gnu", "libc6-dev-i386-cross"),
            cxx="i686-linux-gnu-g++",
            emulator=("qemu-i386",),
            native_on=("x86_64", "i686", "i586"),
        ),
        Toolchain(
            "clang",
            "clang-19",
            ("clang-19", "gcc-i686-linux-gnu", "libc6-dev-i386-cross"),
            cxx="clang++-19",
            flags=("--target=i686-linux-gnu",),
            emulator=("qemu-i386",),
            native_on=("x86_64", "i686", "i586"),
        ),
    ),
    machines=(
        Machine(
            # There is no ACPI in this kernel, which could switch the machine off.
            "i386",
            folder=Path(__file__).parent,
            linux_arch="i386",
            compiler_prefix="i686-linux-gnu-",
            make_target="bzImage",
            image="arch/x86/boot/bzImage",
            command=("qemu-system-i386", "-M", "q35", "-m", "256"),
            packages=("gcc-i686-linux-gnu", "qemu-system-x86"),
            programs={"i386": "gcc"},
            console="ttyS0",
            restarts=True,
            # On a busy machine the emulated timer is late, and the kernel takes it for broken.
            arguments=("no_timer_check",),
            smp=("CONFIG_SMP=y",),
            native_on=("i386", "i486", "i586", "i686", "x86_64"),
        ),
    ),
)
