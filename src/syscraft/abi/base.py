"""What syscraft knows of a user-space ABI; each ABI fills this in, in its one place."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class CloneOrder(Enum):
    """The orders in which kernels take clone(2)'s arguments.

    ``condition`` is the Kconfig symbol that selects the order (None: the default);
    ``parameters`` are the canonical names of :data:`CLONE_PARAMETERS`. microblaze
    has a ``stack_size`` that the kernel ignores.

    Source: SYSCALL_DEFINE(clone) in kernel/fork.c, Linux 6.12; selects in arch/*/Kconfig.
    """

    BACKWARDS = ("CONFIG_CLONE_BACKWARDS", ("flags", "stack", "ptid", "tls", "ctid"))
    BACKWARDS2 = ("CONFIG_CLONE_BACKWARDS2", ("stack", "flags", "ptid", "ctid", "tls"))
    BACKWARDS3 = (
        "CONFIG_CLONE_BACKWARDS3",
        ("flags", "stack", "stack_size", "ptid", "ctid", "tls"),
    )
    DEFAULT = (None, ("flags", "stack", "ptid", "ctid", "tls"))

    @property
    def condition(self) -> str | None:
        condition: str | None = self.value[0]
        return condition

    def parameters(self, extras: tuple[str, ...]) -> tuple[str, ...]:
        """The order of a clone variant with *extras* behind clone's own arguments.

        An unused ``stack_size`` gives its place to the first extra, so that six
        arguments still suffice where clone itself has six.
        """
        names = list(self.value[1])
        rest = list(extras)
        if "stack_size" in names and rest:
            names[names.index("stack_size")] = rest.pop(0)
        return (*names, *rest)


@dataclass(frozen=True)
class NumberTable:
    """A table of call numbers in the kernel tree, and the word that selects this ABI's rows."""

    path: str
    abi_word: str


@dataclass(frozen=True)
class ElfIdentity:
    """What the header of every program of the ABI says.

    ``machine`` is e_machine, ``bits`` is 32 or 64 (EI_CLASS), ``little_endian`` is EI_DATA.
    A process tells its own ABI by these and not by uname(2), which names the kernel's.
    """

    machine: int
    bits: int
    little_endian: bool


@dataclass(frozen=True)
class Abi:
    """One user-space ABI of Linux.

    Args:
        key: the name used everywhere; the kernel tables' word where there is one.
        summary: one line for people.
        linux_arch: ``ARCH=`` of the kernel build.
        macro: C preprocessor expression that is true when compiling for this ABI.
        elf: how a running process recognises it.
        long_bytes: sizeof(long) and sizeof(void *).
        number_offset: what is added to the number in the kernel's table.
        table: where a native call's number is entered.
        clone_order: the order of clone(2)'s arguments.
        folder: holds the ABI's C: ``bare_syscalls.c.j2`` and ``clone.c.j2``.
    """

    key: str
    summary: str
    linux_arch: str
    macro: str
    elf: ElfIdentity
    long_bytes: int
    number_offset: int
    table: NumberTable
    clone_order: CloneOrder
    folder: Path

    def number(self, table_number: int) -> int:
        """The number that user space passes for a row of the kernel's table."""
        return table_number + self.number_offset

    def template(self, name: str) -> str:
        """The text of one of the ABI's C templates."""
        return (self.folder / name).read_text(encoding="utf-8")
