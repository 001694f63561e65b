"""Every guest, on two generations of the kernel; for "make test-all", since it takes long."""

from __future__ import annotations

import functools

import pytest
from conftest import REPOSITORY, check_golden
from kernel.machines import DECLARATIONS, Row, check_all_pass, run_matrix
from pages import between

from syscraft.guest.discover import all_guests

ALL = tuple(guest.key for guest in all_guests() if not guest.quick)
KERNELS = {"deb:6.12": ALL, "deb:6.1": ("arm64", "mips64", "mipsel", "s390x", "x86_64")}


@functools.cache
def matrix(linux: str) -> tuple[list[Row], str]:
    return run_matrix(DECLARATIONS, KERNELS[linux], linux)


@pytest.mark.parametrize("linux", KERNELS)
def test_every_call_passes(linux: str) -> None:
    rows, errors = matrix(linux)
    check_all_pass(rows, KERNELS[linux], linux, errors)


def test_golden_guests() -> None:
    """The README's table of guests is what the tests in them said."""
    found = {
        linux: {
            (str(row["guest"]), str(row["abi"])): [
                r["verdict"]
                for r in matrix(linux)[0]
                if (r["guest"], r["abi"]) == (row["guest"], row["abi"])
            ]
            for row in matrix(linux)[0]
        }
        for linux in KERNELS
    }
    lines = [
        f"| guest | ABI | {' | '.join(f'Linux {linux[4:]}' for linux in KERNELS)} |",
        "| --- " * (2 + len(KERNELS)) + "|",
    ]
    for guest, abi in sorted(found["deb:6.12"]):
        cells = [_cell(found[linux].get((guest, abi))) for linux in KERNELS]
        lines.append(f"| {guest} | {abi} | {' | '.join(cells)} |")
    page = REPOSITORY / "README.md"
    check_golden(page, between(page, "guests", "\n".join(lines) + "\n"))


def _cell(verdicts: list[object] | None) -> str:
    if verdicts is None:
        return "not run"
    good = verdicts.count("PASS")
    return f"PASS, {good} tests" if good == len(verdicts) else f"{good} of {len(verdicts)} tests"
