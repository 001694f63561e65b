"""riscv64: the 64-bit ABI of RISC-V."""

from pathlib import Path

from syscraft.abi.abi import GENERIC_TABLE, Abi, ElfIdentity
from syscraft.abi.clone_order import CloneOrder
from syscraft.abi.machine import VIRTIO_LINE, Machine, virtio_wires
from syscraft.abi.toolchain import Toolchain
from syscraft.abi.trap import Register, Trap, registers

_TRAP = Trap(
    instruction="ecall",
    number=Register("a7"),
    arguments=registers("a0 a1 a2 a3 a4 a5"),
    result=Register("a0"),
    # A call that goes on after a stop leaves __NR_restart_syscall there.
    # Source: arch/riscv/kernel/signal.c, Linux 6.12
    number_survives=False,
    clobbers="SYSCALL_CLOBBERS",
    # Source: Documentation/arch/riscv/vector.rst, Linux 6.12
    clobbered="of the vector extension, v0..v31 vl vtype vxrm vxsat",
)

ABI = Abi(
    key="riscv64",
    summary="64-bit RISC-V",
    linux_arch="riscv",
    macro="defined(__riscv) && __riscv_xlen == 64",
    elf=(ElfIdentity(machine=243, bits=64, little_endian=True),),  # EM_RISCV
    long_bytes=8,
    table=GENERIC_TABLE,
    clone_order=CloneOrder.BACKWARDS,  # source: arch/riscv/Kconfig, Linux 6.12
    exit_number=93,
    traps=((None, _TRAP),),
    folder=Path(__file__).parent,
    toolchains=(
        Toolchain(
            "gcc",
            "riscv64-linux-gnu-gcc",
            ("gcc-riscv64-linux-gnu", "libc6-dev-riscv64-cross"),
            cxx="riscv64-linux-gnu-g++",
            emulator=("qemu-riscv64",),
            native_on=("riscv64",),
        ),
        Toolchain(
            "clang",
            "clang-19",
            ("clang-19", "gcc-riscv64-linux-gnu", "libc6-dev-riscv64-cross"),
            cxx="clang++-19",
            flags=("--target=riscv64-linux-gnu",),
            emulator=("qemu-riscv64",),
            native_on=("riscv64",),
        ),
        Toolchain(
            "clang, vector",
            "clang-19",
            ("clang-19", "gcc-riscv64-linux-gnu", "libc6-dev-riscv64-cross"),
            cxx="clang++-19",
            flags=("--target=riscv64-linux-gnu", "-march=rv64gcv"),
            emulator=("qemu-riscv64", "-cpu", "rv64,v=true,vext_spec=v1.0"),
            # native_on is empty, for not every riscv64 machine has the extension
            remark="QEMU keeps the vector registers that a kernel destroys",
        ),
    ),
    machines=(
        Machine(
            "riscv64",
            folder=Path(__file__).parent,
            linux_arch="riscv",
            compiler_prefix="riscv64-linux-gnu-",
            make_target="Image",
            image="arch/riscv/boot/Image",
            command=("qemu-system-riscv64", "-M", "virt", "-m", "256"),
            packages=("gcc-riscv64-linux-gnu", "opensbi", "qemu-system-misc"),
            programs={"riscv64": "gcc"},
            console="ttyS0",
            line=VIRTIO_LINE,
            wires=virtio_wires("virtio-serial-device"),
            smp=("CONFIG_SMP=y",),
            host_files="virtio-9p-device",
            native_on=("riscv64",),
        ),
    ),
)
