"""What a compiler makes of the numbers in a kernel's headers."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from conftest import missing_packages

from syscraft.abi.abi import Abi

# Bounds and blocks of numbers, and names for numbers that were never a call's.
_NO_CALLS = frozenset(
    "syscalls arch_specific_syscall SYSCALL_MASK SYSCALL_BASE OABI_SYSCALL_BASE Linux "
    "Linux_syscalls 64_Linux 64_Linux_syscalls N32_Linux N32_Linux_syscalls O32_Linux "
    "O32_Linux_syscalls".split()
)
_NEVER = re.compile(r"(?:available|reserved|unused)\d+")

_HEADER = "#include <asm/unistd.h>\n"


def header_numbers(abi: Abi, headers: Path | None = None) -> dict[str, int]:
    """The number of each ``__NR_NAME`` that a program of *abi* sees.

    Args:
        headers: of a kernel, for instead of those that come with the compiler.
    """
    names = {
        name
        for name in _numbers(abi, headers, "__NR_")
        if name not in _NO_CALLS and not _NEVER.fullmatch(name)
    }
    return _values(abi, headers, {name: f"__NR_{name}" for name in names})


def private_numbers(abi: Abi, headers: Path | None = None) -> dict[str, int]:
    """The numbers of calls that have macros of the architecture's own: ``__ARM_NR_NAME``."""
    prefix = f"__{abi.linux_arch.upper()}_NR_"
    names = _numbers(abi, headers, prefix) - {"BASE"}
    return _values(abi, headers, {name: f"{prefix}{name}" for name in names})


def _numbers(abi: Abi, headers: Path | None, prefix: str) -> set[str]:
    macros = _run([*_preprocessor(abi, headers), "-dM", "-"], _HEADER)
    return set(re.findall(rf"^#define {prefix}(\w+)", macros, re.MULTILINE))


def _values(abi: Abi, headers: Path | None, macros: dict[str, str]) -> dict[str, int]:
    asked = "".join(f"@ {name} {macros[name]}\n" for name in sorted(macros))
    said = _run([*_preprocessor(abi, headers), "-"], _HEADER + asked)
    lines = (line.split(" ", 2) for line in said.splitlines() if line.startswith("@ "))
    # "(5000 + 3)", by a compiler
    return {name: eval(expression) for _, name, expression in lines}


def _preprocessor(abi: Abi, headers: Path | None) -> list[str]:
    own = [] if headers is None else ["-nostdinc", "-isystem", str(headers)]
    if not abi.toolchains:  # Debian has no compiler, but headers ask for no more than a width
        width = [f"-D__SIZEOF_LONG__={abi.long_bytes}", "-D__CHAR_BIT__=8"]
        return ["gcc", "-undef", *width, "-E", "-P", "-x", "c", *own]
    toolchain = next((t for t in abi.toolchains if shutil.which(t.compiler)), None)
    if toolchain is None:
        missing_packages(abi.toolchains[0].packages)
    return [toolchain.compiler, *toolchain.flags, "-E", "-P", "-x", "c", *own]


def _run(argv: list[str], text: str) -> str:
    return subprocess.run(argv, input=text, capture_output=True, text=True, check=True).stdout


def differences(found: dict[str, int], ours: dict[str, int]) -> list[str]:
    """What a header has and we have not, and the other way round."""
    return [
        f"{name} is {found.get(name)} in the header, {ours.get(name)} here"
        for name in sorted(found.keys() | ours.keys())
        if found.get(name) != ours.get(name)
    ]
