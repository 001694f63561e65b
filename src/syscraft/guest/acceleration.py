"""Whether KVM of this machine can run a guest: found out by booting, and kept."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from syscraft.errors import LabError
from syscraft.files import cache_root, digest, read_record, write_record
from syscraft.guest.session import Booted

_KVM = Path("/dev/kvm")
_KVM_DEADLINE_S = 5.0


@dataclass(frozen=True)
class Acceleration:
    """How QEMU runs the guest's instructions, and by what ``devices`` of this machine.

    ``shown`` is for the report.
    """

    arguments: tuple[str, ...]
    shown: str
    devices: tuple[str, ...] = ()


EMULATION = Acceleration(("-accel", "tcg"), "emulation")
# A para-virtual KVM hangs with x86 guests, or stops them at the first odd instruction.
_ACCELERATED = Acceleration(("-accel", "kvm", "-cpu", "host"), "KVM", (str(_KVM),))

Boot = Callable[[Acceleration, float], Booted]


def acceleration(
    key: str, native_on: tuple[str, ...], emulator_state: str, boot: Boot
) -> Acceleration:
    """Find out how to run the guest *key*.

    Args:
        native_on: what uname(2) calls the hosts whose KVM may run it.
        emulator_state: changes when the emulator does; the answer is then found anew.
        boot: makes a session that is run in a given way, with a deadline in seconds.
    """
    if platform.machine() not in native_on:
        return EMULATION
    if not os.access(_KVM, os.R_OK | os.W_OK):
        why = "cannot be opened" if _KVM.exists() else "does not exist"
        return Acceleration(EMULATION.arguments, f"emulation: {_KVM} {why}")
    state = digest(platform.release(), emulator_state)
    kept = cache_root() / "kvm" / f"{key}-{state}.json"
    answer = read_record(kept)
    if not isinstance(answer, str):
        answer = _probe(boot)
        write_record(kept, answer)
    if answer == "boots":
        return _ACCELERATED
    return Acceleration(EMULATION.arguments, f"emulation: KVM {answer}")


def _probe(boot: Boot) -> str:
    guest = boot(_ACCELERATED, _KVM_DEADLINE_S)
    try:
        with guest:
            return "boots"
    except TimeoutError:
        return f"did not boot within {_KVM_DEADLINE_S:g} s"
    except (EOFError, LabError):
        words = [line for line in guest.log().splitlines() if line.strip()]
        return f"died at boot: {words[-1].strip()[:100]}" if words else "died at boot"
