"""Which ABI the programs of this machine have."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Literal

from syscraft.abi.abi import Abi, ElfIdentity
from syscraft.abi.discover import all_abis
from syscraft.errors import EnvironmentLacks


@functools.cache
def host_abi() -> Abi:
    """The ABI that the compiler's and the guest's programs have; User Mode Linux runs no other.

    Raises:
        EnvironmentLacks: syscraft does not know it.
    """
    identity = read_identity(Path("/proc/self/exe"))
    for abi in all_abis():
        if any(elf.matches(identity) for elf in abi.elf):
            return abi
    raise EnvironmentLacks.of(
        "no guest here can run this machine's programs",
        expected="a machine with one of " + ", ".join(abi.key for abi in all_abis()),
        found=f"ELF machine {identity.machine}, {identity.bits} bits",
    )


def read_identity(program: Path) -> ElfIdentity:
    """Read a program's header, all of its flags included.

    Source: elf(5), e_ident, e_machine and e_flags.
    """
    with program.open("rb") as file:
        header = file.read(52)
    order: Literal["little", "big"] = "little" if header[5] == 1 else "big"
    bits = 64 if header[4] == 2 else 32
    place = 48 if bits == 64 else 36
    return ElfIdentity(
        machine=int.from_bytes(header[18:20], order),
        bits=bits,
        little_endian=order == "little",
        flags=int.from_bytes(header[place : place + 4], order),
    )
