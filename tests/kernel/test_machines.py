"""Calls on machines of QEMU: other byte orders, 32-bit programs, and kernels in trouble."""

from __future__ import annotations

import functools
import re

import pytest

from kernel.machines import TESTS, TOGETHER, TROUBLES, Row, check_all_pass, run_matrix
from syscraft.build.flavour import find_flavour

# Both byte orders; entry code of its own for fork-like calls, and none; 32-bit programs; a
# kernel that checks itself, on two processors.
GUESTS = {"arm": "plain", "m68k": "plain", "x86_64": "debug"}


@functools.cache
def run_on(kernel: str) -> tuple[list[Row], str]:
    guests = [guest for guest, flavour in GUESTS.items() if flavour == kernel]
    return run_matrix(TOGETHER, guests, "deb:6.12", "--kernel", kernel, "--timeout", "10")


@functools.cache
def matrix() -> tuple[list[Row], str]:
    """One run for all tests here: a kernel takes a minute or two to build."""
    both = [run_on(kernel) for kernel in dict.fromkeys(GUESTS.values())]
    return [row for rows, _ in both for row in rows], "".join(errors for _, errors in both)


def test_every_call_passes() -> None:
    rows, errors = matrix()
    good = [row for row in rows if row["call"] in TESTS]
    check_all_pass(good, tuple(GUESTS), "deb:6.12", errors)


@pytest.mark.parametrize(
    ("test", "verdict", "words"),
    [
        ("test_hang.c", "TIMEOUT", "no end after {deadline_s} s"),
        ("test_panic.c", "CRASH", "asked to panic"),
        ("test_warning.c", "CRASH", "asked to warn"),
        ("test_troubles_cases.c", "PASS", "1 results"),
    ],
)
def test_kernels_in_trouble(test: str, verdict: str, words: str) -> None:
    rows, _ = matrix()
    found = [row for row in rows if row["call"] == "troubles" and row["test"] == test]
    assert {row["guest"] for row in found} == set(GUESTS)
    for row in found:
        # A kernel that checks itself is slower, and has more time.
        deadline_s = 10 * find_flavour(GUESTS[str(row["guest"])]).slower
        told = words.format(deadline_s=f"{deadline_s:g}")
        assert (row["verdict"], told in str(row["detail"])) == (verdict, True), row


def test_a_kernel_names_its_files_as_its_sources_do() -> None:
    """ccache makes paths relative to where a compiler runs: kernels with it were others."""
    _, errors = matrix()
    named = re.findall(r"WARNING: .* at (\S+):\d+ ", errors)  # x86_64's names no files
    assert set(named) == {"kernel/troubles.c"}, errors


def test_a_failure_says_how_to_repeat_it() -> None:
    _, errors = matrix()
    assert f"repeat it: syscraft test {TROUBLES} --on m68k --linux deb:6.12 --again" in errors


def test_good_verdicts_are_kept_and_said_to_be_so() -> None:
    matrix()
    rows, errors = run_matrix(TOGETHER, ("m68k",), "deb:6.12", "--timeout", "10")
    assert {(row["cached"], row["verdict"] == "PASS") for row in rows} == {
        (True, True),
        (False, False),
    }, errors
