"""x86_64: the 64-bit ABI of AMD64 and Intel 64."""

from pathlib import Path

from syscraft.abi.base import Abi, CloneOrder, ElfIdentity, NumberTable

ABI = Abi(
    key="x86_64",
    summary="64-bit x86",
    linux_arch="x86_64",
    # x32 defines __x86_64__ as well; only the data model tells them apart.
    macro="defined(__x86_64__) && defined(__LP64__)",
    elf=ElfIdentity(machine=62, bits=64, little_endian=True),  # EM_X86_64
    long_bytes=8,
    number_offset=0,
    # "common" rows serve x32 too. Source: arch/x86/entry/syscalls/Makefile, Linux 6.12
    table=NumberTable("arch/x86/entry/syscalls/syscall_64.tbl", "common"),
    clone_order=CloneOrder.DEFAULT,
    folder=Path(__file__).parent,
)
