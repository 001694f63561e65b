"""Kernels that no guest boots: their tables' slots lead to our entries, or to the stub."""

from __future__ import annotations

import functools
import re
import struct
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import REPOSITORY, missing_packages
from elftools.elf.elffile import ELFFile
from kernel.making import left_out

import syscraft as library
from syscraft.abi.abi import Abi
from syscraft.abi.machine import LinkedKernel
from syscraft.build.kconfig import parse_option
from syscraft.build.kernel import build_kernel
from syscraft.build.linked import linked_kernels, target
from syscraft.errors import EnvironmentLacks
from syscraft.guest.workload import merged
from syscraft.tree.adding import KernelChange
from syscraft.tree.source import open_tree
from syscraft.tree.together import wired_together

KERNELS = linked_kernels()
CALLS = ("splork", "splork8", "clone_nice")


@functools.cache
def changes() -> tuple[KernelChange, ...]:
    calls = [library.load(REPOSITORY / "examples" / name).unit for name in CALLS]
    return wired_together(calls, open_tree())


def build(kernel: LinkedKernel, *, configured: bool) -> Path:
    """Link a kernel with all calls in it, or with none of them configured."""
    change = merged(changes())
    if not configured:
        change = left_out(change)
    wanted = target(kernel)
    if not configured:  # only an expert may leave a call out
        wanted = replace(wanted, options=(*wanted.options, parse_option("EXPERT=y")))
    try:
        return build_kernel(open_tree(), change, wanted, print).image
    except EnvironmentLacks:
        missing_packages(kernel.packages)


class Linked:
    """A kernel's image: symbols by address, and words of its memory."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._elf = ELFFile(self._file)
        table = self._elf.get_section_by_name(".symtab")
        self.names: dict[int, set[str]] = {}
        self.addresses: dict[str, int] = {}
        self.weak: set[str] = set()
        for symbol in table.iter_symbols():
            if symbol["st_info"]["bind"] == "STB_WEAK":
                self.weak.add(symbol.name)
            self.names.setdefault(symbol["st_value"], set()).add(symbol.name)
            self.addresses[symbol.name] = symbol["st_value"]

    def slot(self, table: str, number: int) -> set[str]:
        """The names of what an entry of a table points to."""
        size = self._elf.elfclass // 8
        address = self.addresses[table] + number * size
        for section in self._elf.iter_sections():
            start = section["sh_addr"]
            if section["sh_type"] == "SHT_PROGBITS" and (
                start <= address < start + section["sh_size"]
            ):
                order = "<" if self._elf.little_endian else ">"
                data = section.data()[address - start :][:size]
                (value,) = struct.unpack(order + ("Q" if size == 8 else "I"), data)
                return self.names.get(value, set())
        raise AssertionError(f"{table} is nowhere in the image")


@pytest.mark.parametrize(("abi", "kernel"), KERNELS, ids=[kernel.key for _, kernel in KERNELS])
def test_slots_lead_to_the_entries(abi: Abi, kernel: LinkedKernel) -> None:
    linked = Linked(build(kernel, configured=True))
    for change, name in zip(changes(), CALLS, strict=True):
        for table in kernel.tables:
            found = linked.slot(table, change.number + abi.row_offset)
            entries = {symbol for symbol in found if re.search(rf"sys_{name}(_wrapper)?$", symbol)}
            assert entries - linked.weak, (table, found)


@pytest.mark.parametrize(("abi", "kernel"), KERNELS, ids=[kernel.key for _, kernel in KERNELS])
def test_slots_lead_to_the_stub_where_the_calls_are_left_out(
    abi: Abi, kernel: LinkedKernel
) -> None:
    """Entry code in assembly stays, and what it calls is the stub.

    Where entries take registers, the stub of a call is a weak function of its own that calls
    the common one. Source: arch/riscv/include/asm/syscall_wrapper.h (COND_SYSCALL), Linux 6.12
    """
    linked = Linked(build(kernel, configured=False))
    for change, name in zip(changes(), CALLS, strict=True):
        for table in kernel.tables:
            found = linked.slot(table, change.number + abi.row_offset)
            if f"sys_{name}_wrapper" in found or f"__sys_{name}" in found:
                found = linked.names[linked.addresses[f"sys_{name}"]]
            own = {symbol for symbol in found if symbol.endswith(f"_sys_{name}")} & linked.weak
            assert "sys_ni_syscall" in found or own, (table, found)
