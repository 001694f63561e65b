"""Machines of QEMU as guests: their kernels' configuration, command line, and acceleration."""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from syscraft import proc
from syscraft.abi.abi import Abi
from syscraft.abi.discover import all_abis
from syscraft.abi.machine import Machine
from syscraft.build.kconfig import merged, read_options
from syscraft.build.target import Target
from syscraft.errors import LabError
from syscraft.files import cache_root, digest, write_atomic
from syscraft.guest.session import BOOT_DEADLINE_S, Booted

_CONFIG = Path(__file__).parent / "guest.config"
_KVM = Path("/dev/kvm")
_KVM_DEADLINE_S = 5.0
# A para-virtual KVM hangs with x86 guests, or stops them at the first odd instruction.
_KVM_ARGUMENTS = ("-accel", "kvm", "-cpu", "host")


@dataclass(frozen=True)
class Acceleration:
    """How QEMU runs the guest's instructions; ``shown`` is for the report."""

    arguments: tuple[str, ...]
    shown: str


EMULATION = Acceleration(("-accel", "tcg"), "emulation")


def machines() -> tuple[tuple[Abi, Machine], ...]:
    """Every machine and the ABI in whose place it is described, ordered by the machine's key."""
    found = [(abi, machine) for abi in all_abis() for machine in abi.machines]
    return tuple(sorted(found, key=lambda pair: pair[1].key))


def target(machine: Machine) -> Target:
    """What the machine's kernel is made of."""
    return Target(
        key=machine.key,
        linux_arch=machine.linux_arch,
        compiler_prefix=machine.compiler_prefix,
        make_target=machine.make_target,
        image=machine.image,
        options=merged(
            read_options(_CONFIG.read_text(encoding="utf-8")),
            read_options(machine.text("guest.config") or ""),
        ),
        packages=machine.packages,
        strip=machine.image.endswith("vmlinux"),
        repair=machine.text("guest.patch"),
    )


def qemu(
    machine: Machine,
    kernel: Path,
    initramfs: Path,
    acceleration: Acceleration = EMULATION,
    *,
    deadline_s: float | None = None,
) -> Booted:
    """A guest whose only files are those of *initramfs*.

    Args:
        deadline_s: how long it may take to boot; as long as any guest by default.

    Raises:
        EnvironmentLacks: the emulator is not here.
    """
    emulator = proc.need(machine.command[0], packages=machine.packages)
    words = (
        f"console={machine.console}", "rdinit=/init", "panic=-1",
        # A kernel that oopses or warns shall not go on to a good result.
        "oops=panic",
        f"SYSCRAFT_LINE={machine.line}", "SYSCRAFT_ROOT=initramfs",
        *(("SYSCRAFT_END=restart",) if machine.restarts else ()),
        *machine.arguments,
    )  # fmt: skip

    def command(line: int, log: int) -> Sequence[str]:
        return (
            emulator, *machine.command[1:], *acceleration.arguments,
            "-nodefaults", "-nographic", "-no-reboot",
            "-chardev", f"file,id=console,path=/dev/fd/{log},append=on",
            "-chardev", f"socket,id=line,fd={line}",
            *machine.wires,
            "-kernel", str(kernel), "-initrd", str(initramfs), "-append", " ".join(words),
        )  # fmt: skip

    return Booted(command, deadline_s=deadline_s or BOOT_DEADLINE_S)


def acceleration(machine: Machine, kernel: Path, initramfs: Path) -> Acceleration:
    """Find out by booting whether this machine's KVM can run the guest; the answer is kept."""
    if platform.machine() not in machine.native_on:
        return EMULATION
    if not os.access(_KVM, os.R_OK | os.W_OK):
        why = "cannot be opened" if _KVM.exists() else "is not there"
        return Acceleration(EMULATION.arguments, f"emulation: {_KVM} {why}")
    kept = cache_root() / "kvm" / f"{machine.key}-{_host_state(machine)}.json"
    try:
        answer = str(json.loads(kept.read_text(encoding="utf-8"))["answer"])
    except (OSError, ValueError, KeyError, TypeError):
        answer = _probe(machine, kernel, initramfs)
        write_atomic(kept, json.dumps({"answer": answer}).encode())
    if answer == "boots":
        return Acceleration(_KVM_ARGUMENTS, "KVM")
    return Acceleration(EMULATION.arguments, f"emulation: KVM {answer}")


def _probe(machine: Machine, kernel: Path, initramfs: Path) -> str:
    accelerated = Acceleration(_KVM_ARGUMENTS, "KVM")
    guest = qemu(machine, kernel, initramfs, accelerated, deadline_s=_KVM_DEADLINE_S)
    try:
        with guest:
            return "boots"
    except TimeoutError:
        return f"did not boot within {_KVM_DEADLINE_S:g} s"
    except (EOFError, LabError):
        words = [line for line in guest.log().splitlines() if line.strip()]
        return f"died at boot: {words[-1].strip()[:100]}" if words else "died at boot"


def _host_state(machine: Machine) -> str:
    return digest(platform.release(), emulator_state(machine))


def emulator_state(machine: Machine) -> str:
    """What changes when the emulator does; empty if it is not here."""
    path = shutil.which(machine.command[0])
    if path is None:
        return ""
    stat = os.stat(path)
    return f"{stat.st_size} {stat.st_mtime_ns}"
