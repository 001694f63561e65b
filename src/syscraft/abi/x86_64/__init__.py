"""x86_64: the 64-bit ABI of AMD64 and Intel 64."""

from pathlib import Path

from syscraft.abi.abi import Abi, ElfIdentity, NumberTable
from syscraft.abi.clone_order import CloneOrder
from syscraft.abi.machine import Machine
from syscraft.abi.toolchain import Toolchain
from syscraft.abi.trap import Register, Trap, registers

_TRAP = Trap(
    instruction="syscall",
    number=Register("rax"),
    arguments=registers("rdi rsi rdx r10 r8 r9"),
    result=Register("rax"),
    # The instruction saves rip in rcx and rflags in r11.
    clobbers='"rcx", "r11", "memory", "cc"',
    clobbered="rcx r11 (the instruction saves rip and rflags there)",
    stack="not used; the red zone stays intact",
)

ABI = Abi(
    key="x86_64",
    summary="64-bit x86",
    linux_arch="x86_64",
    own_folder="x86",
    # x32 defines __x86_64__ as well; only the data model tells them apart.
    macro="defined(__x86_64__) && defined(__LP64__)",
    elf=(ElfIdentity(machine=62, bits=64, little_endian=True),),  # EM_X86_64
    long_bytes=8,
    # "common" rows serve x32 too. Source: arch/x86/entry/syscalls/Makefile, Linux 6.12
    table=NumberTable("arch/x86/entry/syscalls/syscall_64.tbl", "common"),
    clone_order=CloneOrder.DEFAULT,
    exit_number=60,
    traps=((None, _TRAP),),
    folder=Path(__file__).parent,
    toolchains=(
        Toolchain(
            "gcc",
            "x86_64-linux-gnu-gcc",
            ("gcc", "libc6-dev"),
            cxx="x86_64-linux-gnu-g++",
            emulator=("qemu-x86_64",),
            native_on=("x86_64",),
        ),
        Toolchain(
            "clang",
            "clang-19",
            ("clang-19", "libc6-dev"),
            cxx="clang++-19",
            flags=("--target=x86_64-linux-gnu",),
            emulator=("qemu-x86_64",),
            native_on=("x86_64",),
        ),
    ),
    machines=(
        Machine(
            # There is no ACPI in this kernel, which could switch the machine off.
            "x86_64",
            folder=Path(__file__).parent,
            linux_arch="x86_64",
            compiler_prefix="x86_64-linux-gnu-",
            make_target="bzImage",
            image="arch/x86/boot/bzImage",
            command=("qemu-system-x86_64", "-M", "q35", "-m", "256"),
            packages=("gcc", "libelf-dev", "qemu-system-x86"),
            programs={"x86_64": "gcc", "i386": "gcc", "x32": "gcc"},
            console="ttyS0",
            restarts=True,
            # On a busy machine the emulated timer is late, and the kernel takes it for broken.
            arguments=("no_timer_check",),
            smp=("CONFIG_SMP=y",),
            host_files="virtio-9p-pci",
            native_on=("x86_64",),
        ),
    ),
)
