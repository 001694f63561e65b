"""Every guest, on two generations of the kernel; for "make test-all", since it takes long."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "guest"))

from machines import DECLARATIONS, check_all_pass, run_matrix

from syscraft.lab.qemu import machines

ALL = tuple(machine.key for _, machine in machines())


@pytest.mark.parametrize(
    ("linux", "guests"),
    [("deb:6.12", ALL), ("deb:6.1", ("arm64", "mips64", "mipsel", "s390x", "x86_64"))],
)
def test_every_call_passes(linux: str, guests: tuple[str, ...]) -> None:
    rows, errors = run_matrix(DECLARATIONS, guests, linux)
    check_all_pass(rows, guests, linux, errors)
