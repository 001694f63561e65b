"""What tests on machines of QEMU have in common."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from conftest import REPOSITORY, command, missing_packages

from kernel.examples import EXAMPLES
from syscraft.api import build_together
from syscraft.guest.base import Ready
from syscraft.guest.discover import all_guests, find_guest
from syscraft.lab.plan import toolchains

DECLARATIONS = (
    REPOSITORY / "examples" / "splork",
    REPOSITORY / "examples" / "splork8",
    REPOSITORY / "examples" / "clone_nice",
    REPOSITORY / "examples" / "clone3_nice",
    REPOSITORY / "examples" / "ring",
    *(REPOSITORY / "tests" / "kernel" / name for name in ("arity", "longs", "wide", "forklike")),
)
TESTS = {
    "splork": ("test_splork.c", "test_splork_cases.c"),
    "splork8": ("test_splork8.c", "test_splork8_cases.c"),
    "clone_nice": ("test_clone_nice.c", "test_clone_nice_cases.c", "test_same_as_clone.c"),
    "clone3_nice": ("test_clone3_nice.c", "test_clone3_nice_cases.c"),
    "ring": ("test_ring.c",),
    "ring_put": ("test_ring_put_cases.c",),
    "ring_get": ("test_ring_get_cases.c",),
    "arity": ("test_arity.c", "test_arity_cases.c"),
    "longs": ("test_longs.c", "test_longs_cases.c"),
    "wide": ("test_wide.c", "test_wide_cases.c"),
    "forklike": ("test_forklike.c",),
    "fork_tell": ("test_fork_tell_cases.c",),
    "vfork_tell": ("test_vfork_tell_cases.c",),
    "twice_tell": ("test_twice_tell_cases.c",),
}

TROUBLES = REPOSITORY / "tests" / "kernel" / "troubles"
FAULTS = REPOSITORY / "tests" / "kernel" / "faults"
# What the kernels of the guests that "make test" boots have, in this order: all tests share them.
TOGETHER = (*DECLARATIONS, TROUBLES, FAULTS)

# Those that see this machine's files.
GUESTS_WITH_FILES = [g.key for g in all_guests() if g.has.host_files and g.has.kernel_log]

Row = dict[str, object]


@functools.cache
def ready(guest: str, flavour: str, declarations: tuple[Path, ...] = TOGETHER) -> Ready:
    """A guest whose kernel has the calls of *declarations*."""
    need_guests([guest])
    return build_together(declarations, guest, kernel=flavour, progress=print)


def ready_guest(key: str) -> Ready:
    """A guest with this machine's files, on a kernel that other tests have as well."""
    if find_guest(key).quick:
        return ready(key, "plain", EXAMPLES)
    return ready(key, "debug")


def need_guests(guests: Sequence[str]) -> None:
    """Skip the test where a guest's compiler or emulator is missing; in CI that is a failure."""
    missing: set[str] = set()
    for guest in all_guests():
        if guest.key in guests:
            tools = dict(guest.tools())
            tools |= {t.compiler: t.packages for _, t in toolchains(guest)}
            for tool, packages in tools.items():
                missing |= set() if shutil.which(tool) else set(packages)
    if missing:
        missing_packages(missing)


def run_matrix(
    declarations: Sequence[Path], guests: Sequence[str], linux: str, *options: str
) -> tuple[list[Row], str]:
    """Run the matrix in a process of its own.

    Returns: its cells, and what it wrote to standard error.
    """
    need_guests(guests)
    done = subprocess.run(
        command("test", *declarations, "--on", ",".join(guests), "--linux", linux, "--json",
                *options),
        env={**os.environ, "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    assert done.stdout, done.stderr
    rows: list[Row] = json.loads(done.stdout)
    return rows, done.stderr


def expected_cells(guests: Sequence[str], linux: str) -> set[tuple[str, ...]]:
    """Guest, kernel, ABI, call, test and level of each cell of a test in C that has to be there."""
    return {
        (guest.key, linux, abi, call, test, level)
        for guest in all_guests()
        if guest.key in guests
        for abi in guest.abis
        for call, tests in TESTS.items()
        for test in tests
        for level in ("-O0", "-O2")
    }


def check_all_pass(rows: Sequence[Row], guests: Sequence[str], linux: str, errors: str) -> None:
    """Want every cell, and PASS in each."""
    bad = [row for row in rows if row["verdict"] != "PASS"]
    assert not bad, errors
    names = ("guest", "linux", "abi", "call", "test", "level")
    in_c = [row for row in rows if row["level"]]
    assert {tuple(str(row[name]) for name in names) for row in in_c} == expected_cells(
        guests, linux
    )
