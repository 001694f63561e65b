"""Kernels of an ABI's architecture: those that a guest boots, those that are only linked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType


@dataclass(frozen=True)
class Machine:
    """A machine of QEMU that boots a kernel of the ABI's architecture.

    What its kernel needs besides the options that all guests have is ``guest.config`` in
    ``folder``. ``guest.patch`` there, if any, repairs a tree that does not build.

    Args:
        key: what the guest is called.
        folder: the place of the architecture.
        linux_arch: ``ARCH=`` of the kernel build.
        compiler_prefix: ``CROSS_COMPILE=`` of the kernel build.
        make_target: what to make; ``image`` is what QEMU boots, below the build folder.
        command: QEMU's command, with the machine, its processor and its memory.
        packages: the Debian packages that bring the compiler and the emulator.
        programs: ABI -> the toolchain whose programs this kernel runs; its own ABI first.
        console: what the kernel calls the console.
        line: the device file of the line that commands come over.
        wires: QEMU's arguments that connect both, from the character devices ``console``
            and ``line``.
        arguments: what the kernel's command line needs besides.
        restarts: whether a restart has to end the guest, for it cannot be switched off.
        smp: the options of a kernel for more than one processor, lines as in ``.config``, and
            empty where it always is one; None: QEMU's machine, or its kernel here, has one.
        host_files: QEMU's device that brings files over 9p; what it is plugged in is in
            ``guest.config``. None: there is none.
        native_on: what uname(2) calls the hosts whose KVM may run the guest.
        libraries: path in the guest -> file of this machine, for programs that cannot be static.
    """

    key: str
    folder: Path
    linux_arch: str
    compiler_prefix: str
    make_target: str
    image: str
    command: tuple[str, ...]
    packages: tuple[str, ...]
    programs: Mapping[str, str]
    console: str
    line: str = "/dev/ttyS1"
    wires: tuple[str, ...] = ("-serial", "chardev:console", "-serial", "chardev:line")
    arguments: tuple[str, ...] = ()
    restarts: bool = False
    smp: tuple[str, ...] | None = None
    host_files: str | None = None
    native_on: tuple[str, ...] = ()
    libraries: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def text(self, name: str) -> str | None:
        """The text of ``guest.config`` or ``guest.patch``, or None if there is none."""
        path = self.folder / name
        return path.read_text(encoding="utf-8") if path.exists() else None


@dataclass(frozen=True)
class LinkedKernel:
    """A kernel of the ABI's architecture that no guest boots, but a compiler links.

    That is enough to see that the entries of its tables are there.

    Args:
        key: what the kernel is called.
        linux_arch: ``ARCH=`` of the kernel build.
        compiler_prefix: ``CROSS_COMPILE=`` of the kernel build.
        packages: the Debian packages that bring the compiler.
        tables: the symbols of its arrays of entries.
        options: what its configuration needs besides, lines as in ``.config``.
        llvm: the suffix of clang and its tools, such as ``-19``, where gcc is not to be had.
        repair: a patch for trees that do not build for it.
    """

    key: str
    linux_arch: str
    compiler_prefix: str
    packages: tuple[str, ...]
    tables: tuple[str, ...] = ("sys_call_table",)
    options: tuple[str, ...] = ()
    llvm: str | None = None
    repair: str | None = None


# The first port of the first virtio-serial device. Source: drivers/char/virtio_console.c, 6.12
VIRTIO_LINE = "/dev/vport0p1"


def virtio_wires(device: str) -> tuple[str, ...]:
    """A console on the machine's serial port, and a line on the virtio-serial *device*."""
    return (
        "-serial", "chardev:console",
        "-device", device,
        "-device", "virtserialport,chardev=line",
    )  # fmt: skip
