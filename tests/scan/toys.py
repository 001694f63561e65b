"""Kernel trees of a few lines."""

from __future__ import annotations

from pathlib import Path

from syscraft.abi.abi import GENERIC_TABLE
from syscraft.tree.source import KernelTree

SKELETON = {
    "Kconfig": "",
    "kernel/fork.c": "",
    "include/linux/syscalls.h": "",
    "Makefile": "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 3\nEXTRAVERSION =\n",
    GENERIC_TABLE.path: "5 common toy sys_toy\n6 32 other sys_other\n",
    "scripts/Makefile.asm-headers": "syscall_abis_64  += common,64\n",
    "arch/riscv/kernel/Makefile.syscalls": "syscall_abis_64 += riscv\n",
}
TWO = "SYSCALL_DEFINE2(toy, const char __user *, path, /* bytes */ size_t,\n\t\tlen)\n{\n}\n"
ONE = "SYSCALL_DEFINE1(toy, int, fd)\n{\n}\n"


def make_tree(root: Path, files: dict[str, str]) -> KernelTree:
    for name, text in {**SKELETON, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return KernelTree(root, "key", "linux")
