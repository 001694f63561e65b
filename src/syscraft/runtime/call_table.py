"""What is known of every system call: numbers by ABI, parameters, and how they are passed.

The data under ``data`` is made from a kernel tree by ``tools/make_calls.py``, and read when the
first call is asked for.
"""

from __future__ import annotations

import functools
import keyword
import os
import sys
from typing import Any, NamedTuple

from syscraft.runtime.policy import READ_ONLY

_DATA = os.path.join(os.path.dirname(__file__), "data")

KEEP_GIL = frozenset(
    "getpid getppid gettid getpgid getpgrp getsid umask "
    "getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 "
    "getxpid getxuid getxgid getpagesize sched_get_priority_max sched_get_priority_min".split()
)
"""Calls that are made with the GIL held: other threads cannot run meanwhile.

The rule: they take all they need from registers, touch no memory of the caller's (a page may have
to be read from a disk), take no lock that a sleeper can hold, and read or exchange a few words of
the task; giving the GIL away would take longer than the call. sched_yield(2) is cheap as well, but
there to let others run. What is in doubt is not here.

Source: kernel/sys.c, kernel/sched/syscalls.c, arch/alpha/kernel/osf_sys.c, Linux 6.12
"""

# Parameters that name a file: OSError tells them. "name" is one in some calls only.
_PATHS = frozenset(
    "filename pathname path oldname newname from_pathname to_pathname new_root put_old dev_name "
    "dir_name special specialfile library u_name".split()
)
_NAME_IS_A_PATH = frozenset("acct name_to_handle_at oldumount umount umount2".split())

# Integers as wide as an address, which some calls use as one (ioctl, prctl, keyctl), and typedefs
# of pointers. include/uapi/linux/capability.h, include/uapi/asm-generic/signal-defs.h
_WORDS = frozenset(
    "long,unsigned long,compat_long_t,compat_ulong_t,uintptr_t,compat_uptr_t,cap_user_header_t,"
    "cap_user_data_t,__sighandler_t,utrap_handler_t".split(",")
)
# Types of 64 bits on every ABI.
_WIDE = frozenset(
    "long long,unsigned long long,loff_t,s64,u64,__s64,__u64,int64_t,uint64_t,__be64,__le64,"
    "__aligned_u64,__aligned_be64,__aligned_le64".split(",")
)

# The registers that the kernel looks at.
_MAX_REGISTERS = 6


class Parameter(NamedTuple):
    """A parameter: its name, which is safe in Python, and its C type as user space sees it.

    ``is_written``: the kernel may write to what it points to.
    """

    name: str
    c_type: str
    is_path: bool
    is_written: bool = False

    @property
    def is_pointer(self) -> bool:
        """Whether it is an address, and nothing else."""
        return self.c_type.endswith("*")

    @property
    def takes_memory(self) -> bool:
        """Whether it may be an address."""
        return self.is_pointer or self.c_type in _WORDS

    @property
    def is_word(self) -> bool:
        """Whether it may be an address, of memory for whatever the other arguments say."""
        return self.takes_memory and not self.is_pointer

    @property
    def is_wide(self) -> bool:
        """Whether it takes two registers where those have 32 bits."""
        return self.c_type in _WIDE


class Abi(NamedTuple):
    """What a program of an ABI has to know of it; ``pairs`` is ``WHOLE``, ``NEXT`` or ``EVEN``."""

    key: str
    long_bytes: int
    pairs: str


class Prototype(NamedTuple):
    """A call on one ABI.

    ``number`` is -1 if the ABI has no such call; ``retired`` means that the number is kept,
    but Linux has no such call any more, so that nothing is known of its parameters.
    """

    name: str
    number: int
    parameters: tuple[Parameter, ...]
    retired: bool

    @property
    def c_text(self) -> str:
        """``long openat2(int dfd, const char *filename, struct open_how *how, size_t usize)``"""
        listed = ", ".join(
            p.c_type + ("" if p.is_pointer else " ") + p.name for p in self.parameters
        )
        return f"long {self.name}({listed or 'void'})"


class Table:
    """The calls of one ABI."""

    def __init__(self, abi: Abi) -> None:
        self.abi = abi
        self._rows: dict[str, int | list[int]] = _read(f"calls-{abi.key}.json")

    @functools.cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each call of the ABI."""
        return {name: row if isinstance(row, int) else row[0] for name, row in self._rows.items()}

    def prototype(self, name: str) -> Prototype | None:
        """Look a call up; None if no ABI has it."""
        row = self._rows.get(name, [-1, 0])
        number, variant = (row, 0) if isinstance(row, int) else row
        signatures = _signatures().get(name)
        if variant < 0 or (signatures is None and name in retired_names()):
            return Prototype(name, number, (), retired=True)
        if signatures is None:
            return None
        return Prototype(name, number, parameters(name, signatures[variant]), retired=False)


def parameters(call: str, text: str) -> tuple[Parameter, ...]:
    """Read ``int dfd, const char *filename``."""
    found = []
    read_only = READ_ONLY.get(call, "").split()
    for part in text.split(", ") if text else ():
        name = part.rpartition(" ")[2].lstrip("*")
        c_type = part.removesuffix(name).rstrip()
        is_path = c_type in ("const char *", "char *") and (
            name in _PATHS or (name == "name" and call in _NAME_IS_A_PATH)
        )
        is_written = may_be_written(c_type) and not is_path and name not in read_only
        safe = f"{name}_" if keyword.iskeyword(name) else name
        found.append(Parameter(safe, c_type, is_path, is_written))
    return tuple(found)


def may_be_written(c_type: str) -> bool:
    """Whether *c_type* is a pointer to what is not const."""
    # What the last * points to: of "char *const *argv", pointers that stay as they are.
    pointee = c_type.removesuffix("*").rpartition("*")[2]
    return c_type.endswith("*") and "const" not in pointee.split()


@functools.cache
def _signatures() -> dict[str, list[str]]:
    return _read("signatures.json")  # type: ignore[no-any-return]


@functools.cache
def retired_names() -> frozenset[str]:
    """The names whose number some ABI keeps, while no ABI has the call."""
    return frozenset(_read("retired.json"))


def all_names() -> tuple[str, ...]:
    """The name of every call that some ABI has or had, in order."""
    return tuple(sorted({*_signatures(), *retired_names()}))


def near(name: str) -> str:
    """What follows the message that no call is named *name*: the name that was meant, if any."""
    import difflib  # it loads slowly, and few programs make this mistake

    found = difflib.get_close_matches(name, all_names(), n=1)
    return f"; did you mean {found[0]!r}?" if found else ""


def _read(name: str) -> Any:
    import json  # for the first call only: most imports of the package make none

    with open(os.path.join(_DATA, name), encoding="utf-8") as file:
        return json.load(file)


@functools.cache
def own_table() -> Table:
    """The table of the running program's ABI.

    Raises:
        EnvironmentLacks: the program's ELF header cannot be read, or is of no known ABI.
    """
    return Table(_abi_of(_own_header()))


def _own_header() -> bytes:
    # uname(2) would name the kernel's architecture, which a 32-bit program does not share.
    program = "/proc/self/exe"
    try:
        with open(program, "rb") as file:
            return file.read(64)
    except OSError as error:
        from syscraft.errors import EnvironmentLacks, Where

        raise EnvironmentLacks.of(
            "this program's own ABI cannot be told",
            Where(program),
            expected="the program's ELF header",
            found=error.strerror,
            hint="mount -t proc proc /proc; syscall() takes numbers without it",
        ) from error


def _abi_of(header: bytes) -> Abi:
    """Find the ABI of a program by the first bytes of its file.

    Source: the ELF header, System V ABI, chapter 4: EI_CLASS, EI_DATA, e_machine, e_flags
    """
    if len(header) >= 52 and header[:4] == b"\x7fELF":
        order = "little" if header[5] == 1 else "big"
        place = 48 if header[4] == 2 else 36
        machine, flags = _number(header, 18, 2, order), _number(header, place, 4, order)
        found = f"machine {machine}, class {header[4]}, data {header[5]}, flags {flags:#x}"
        for abi in _read("abis.json"):
            for program in abi["programs"]:
                if program[:3] == [machine, *header[4:6]] and flags & program[3] == program[4]:
                    return Abi(abi["key"], abi["long_bytes"], abi["pairs"])
    else:
        found = f"{header[:4]!r} and {len(header)} bytes in all"
    from syscraft.errors import EnvironmentLacks, Where

    raise EnvironmentLacks.of(
        "this program's ABI is not known",
        Where("/proc/self/exe"),
        expected="an ELF header of an ABI that syscraft list --abis knows",
        found=found,
        hint="CONTRIBUTING.md says how to add an ABI; syscall() takes numbers without it",
    )


def _number(header: bytes, place: int, size: int, order: str) -> int:
    digits = header[place : place + size]
    return int.from_bytes(digits, "little" if order == "little" else "big")


class Registers(NamedTuple):
    """Where the values of a call go: for each register the parameter's index and a part.

    The part is ``whole``, ``low``, ``high``, or ``pad`` for a register that stays 0.
    """

    places: tuple[tuple[int, str], ...]

    def fill(self, values: list[Any]) -> list[Any]:
        """Make the registers' values of the parameters'."""
        return [_part(values[index], part) for index, part in self.places]


def _part(value: Any, part: str) -> Any:
    if part == "whole":
        return value
    return {"pad": 0, "low": value & 0xFFFFFFFF, "high": value >> 32 & 0xFFFFFFFF}[part]


def registers(abi: Abi, wanted: tuple[Parameter, ...], order: str = sys.byteorder) -> Registers:
    """Lay a call's parameters out over registers.

    Args:
        order: ``little`` or ``big``: which half of a 64-bit value comes first.
    """
    places: list[tuple[int, str]] = []
    for index, parameter in enumerate(wanted):
        if abi.pairs == "WHOLE" or not parameter.is_wide:
            places.append((index, "whole"))
            continue
        if abi.pairs == "EVEN" and len(places) % 2:
            places.append((index, "pad"))
        halves = [(index, "low"), (index, "high")]
        places += halves if order == "little" else halves[::-1]
    return Registers(tuple(places))


def fits(laid_out: Registers) -> bool:
    """Whether the registers suffice."""
    return len(laid_out.places) <= _MAX_REGISTERS
