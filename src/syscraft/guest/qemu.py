"""Machines of QEMU as guests: their kernels' configuration and command line."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from syscraft import proc
from syscraft.abi.abi import Abi
from syscraft.abi.discover import all_abis
from syscraft.abi.machine import Machine
from syscraft.abi.toolchain import Toolchain
from syscraft.build.flavour import Flavour
from syscraft.build.target import Target
from syscraft.errors import EnvironmentLacks
from syscraft.guest.acceleration import Acceleration, acceleration
from syscraft.guest.base import Guest, Has
from syscraft.guest.host import host_abi
from syscraft.guest.initramfs import initramfs
from syscraft.guest.kernel_guest import KernelGuest
from syscraft.guest.options import guest_options
from syscraft.guest.sandbox import opening
from syscraft.guest.session import Booted, Wires

_TWO = 2


class QemuMachine(KernelGuest):
    """A machine that QEMU emulates, or runs by KVM where the host can.

    Where the host's programs run there, it has the host's files, over 9p and read-only, under a
    layer in its memory; else its only files are those that it is given.
    """

    def __init__(self, abi: Abi, machine: Machine) -> None:
        self.abi = abi
        self.hardware = machine
        self.key = machine.key
        self.summary = f"{abi.summary}, in QEMU"
        self.machine = " ".join(machine.command)
        self.abis = machine.programs
        self.libraries = machine.libraries
        shares = machine.host_files is not None and _host_abi() in machine.programs
        self.has = Has(host_files=shares, python=shares, cpus=1 if machine.smp is None else _TWO)

    def target(self, flavour: Flavour) -> Target:
        machine = self.hardware
        target = Target(
            key=machine.key,
            linux_arch=machine.linux_arch,
            compiler_prefix=machine.compiler_prefix,
            make_target=machine.make_target,
            image=machine.image,
            options=guest_options(
                machine.text("guest.config") or "", host_files=self.has.host_files
            ),
            packages=machine.packages,
            strip=machine.image.endswith("vmlinux"),
            repair=machine.text("guest.patch"),
        )
        return flavour.applied(target, machine.smp)

    def tools(self) -> Mapping[str, Sequence[str]]:
        machine = self.hardware
        names = (machine.command[0], f"{machine.compiler_prefix}gcc", self._toolchain.compiler)
        return dict.fromkeys(names, (*machine.packages, *self._toolchain.packages))

    def state(self) -> str:
        """The emulator, as it is installed."""
        path = shutil.which(self.hardware.command[0])
        if path is None:
            return ""
        stat = os.stat(path)
        return f"{stat.st_size} {stat.st_mtime_ns}"

    def boot(self, kernel: Path, flavour: Flavour, files: Mapping[str, Path]) -> Booted:
        archive = self._archive(files)
        how = self._acceleration(kernel, flavour, archive)
        return self._booted(kernel, flavour, archive, how, self.boot_deadline_s)

    def how(self, kernel: Path, flavour: Flavour) -> str:
        return self._acceleration(kernel, flavour, self._archive({})).shown

    def _acceleration(self, kernel: Path, flavour: Flavour, archive: Path) -> Acceleration:
        return acceleration(
            self.key,
            self.hardware.native_on,
            self.state(),
            lambda how, deadline_s: self._booted(kernel, flavour, archive, how, deadline_s),
        )

    @property
    def _toolchain(self) -> Toolchain:
        """What makes the guest's first program."""
        name = self.hardware.programs[self.abi.key]
        return next(t for t in self.abi.toolchains if t.name == name)

    def _archive(self, files: Mapping[str, Path]) -> Path:
        if self.has.host_files:
            return initramfs(self._toolchain)
        libraries = {name: Path(path) for name, path in self.hardware.libraries.items()}
        return initramfs(self._toolchain, {**files, **libraries})

    def _booted(
        self, kernel: Path, flavour: Flavour, archive: Path, how: Acceleration, deadline_s: float
    ) -> Booted:
        machine = self.hardware
        emulator = proc.need(machine.command[0], packages=machine.packages)
        cpus = flavour.cpus_on(machine.smp)
        words = (
            f"console={machine.console}", "rdinit=/init", "panic=-1",
            # A kernel that oopses or warns shall not go on to a good result.
            "oops=panic",
            f"SYSCRAFT_LINE={machine.line}",
            f"SYSCRAFT_ROOT={'9p' if self.has.host_files else 'initramfs'}",
            *(("SYSCRAFT_END=restart",) if machine.restarts else ()),
            *machine.arguments, *flavour.boot,
        )  # fmt: skip

        # Each processor in a socket of its own: without ACPI, firmware of x86 lists no others.
        def command(wires: Wires) -> Sequence[str]:
            return (
                emulator, *_with_memory(machine.command[1:], flavour.memory_mib),
                *how.arguments, *(("-smp", f"{cpus},sockets={cpus}") if cpus > 1 else ()),
                "-nodefaults", "-nographic", "-no-reboot",
                "-chardev", f"file,id=console,path=/dev/fd/{wires.console},append=on",
                "-chardev", f"socket,id=line,fd={wires.line}",
                *machine.wires,
                *(_host_files(machine.host_files) if self.has.host_files else ()),
                "-kernel", str(kernel), "-initrd", str(archive), "-append", " ".join(words),
            )  # fmt: skip

        return Booted(command, deadline_s=deadline_s * flavour.slower, devices=how.devices)


def _host_files(device: str | None) -> Sequence[str]:
    """QEMU itself refuses every write, and its sandbox those to folders that are not open."""
    shares = {"host": "readonly=on", **({"writable": "readonly=off"} if opening().rw else {})}
    return tuple(
        word
        for name, mode in shares.items()
        for word in (
            "-fsdev", f"local,id={name},path=/,security_model=none,{mode},multidevs=remap",
            "-device", f"{device},fsdev={name},mount_tag={name}",
        )
    )  # fmt: skip


def _with_memory(command: Sequence[str], least_mib: int) -> Sequence[str]:
    """QEMU's arguments with at least so much memory for the machine."""
    words = list(command)
    place = words.index("-m") + 1
    words[place] = str(max(int(words[place]), least_mib))
    return words


def _host_abi() -> str | None:
    try:
        return host_abi().key
    except EnvironmentLacks:
        return None


def guests() -> tuple[Guest, ...]:
    return tuple(QemuMachine(abi, machine) for abi in all_abis() for machine in abi.machines)
