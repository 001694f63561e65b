"""Kernels that are linked only: what the slots of their tables point to.

Where no guest boots, this shows that every entry of a table is there, and stands where the number
says.
"""

from __future__ import annotations

from syscraft.abi.abi import Abi
from syscraft.abi.discover import all_abis
from syscraft.abi.machine import LinkedKernel
from syscraft.build.kconfig import parse_option
from syscraft.build.target import Target


def linked_kernels() -> tuple[tuple[Abi, LinkedKernel], ...]:
    """Every such kernel and the ABI in whose place it is described, ordered by its key."""
    found = [(abi, kernel) for abi in all_abis() for kernel in abi.linked]
    return tuple(sorted(found, key=lambda pair: pair[1].key))


def target(kernel: LinkedKernel) -> Target:
    """What the kernel is made of: as little as its architecture allows."""
    return Target(
        key=f"link-{kernel.key}",
        linux_arch=kernel.linux_arch,
        compiler_prefix=kernel.compiler_prefix,
        make_target="vmlinux",
        image="vmlinux",
        options=tuple(parse_option(option) for option in kernel.options),
        packages=kernel.packages,
        llvm=kernel.llvm,
        repair=kernel.repair,
    )
