"""Calls of every kind answer in a kernel: all tested by one command."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from conftest import Syscraft

import syscraft as library
from kernel.examples import FORK_LIKE, Others, Row
from syscraft.emit.kernel.selftest import selftest_files
from syscraft.guest.workload import Workload
from syscraft.tree.source import open_tree


def told(rows: list[Row], call: str) -> set[tuple[object, ...]]:
    return {
        (row["test"], row["level"], row["verdict"], row["detail"])
        for row in rows
        if row["call"] == call
    }


def both(test: str, detail: str) -> set[tuple[object, ...]]:
    """A test in C that passes at the levels that it is compiled at."""
    return {(test, level, "PASS", detail) for level in ("-O0", "-O2")}


def test_struct_based_clone(other_rows: list[Row]) -> None:
    """A variant with more parameters than registers are left: they travel in a struct."""
    assert told(other_rows, "clone_pair") == {
        *both("test_clone_pair.c", "15 results"),
        ("test_clone_pair.py", "", "PASS", "2 results"),
    }


def test_calls_like_fork_and_vfork(other_rows: list[Row]) -> None:
    assert told(other_rows, "forklike") == {
        *both("test_forklike.c", "18 results"),
        ("test_forklike.py", "", "PASS", "4 results"),
    }


@pytest.mark.parametrize("level", ["-O0", "-O2"])
def test_their_selftest_creates_children(
    level: str, others: Others, tmp_path: Path, syscraft: Syscraft
) -> None:
    tree = open_tree("deb:6.12")
    work = Workload(tuple(library.load(path).unit for path in others.folders), tree)
    numbers = zip((call.name for call in work.calls), work.numbers, strict=True)
    for name in ("kselftest_harness.h", "kselftest.h"):
        harness = tree.root / "tools" / "testing" / "selftests" / name
        (tmp_path / name).write_bytes(harness.read_bytes())
    source = tmp_path / "forklike" / "forklike_test.c"
    source.parent.mkdir()
    source.write_text(selftest_files(library.load(FORK_LIKE).unit)[source.name])
    program = tmp_path / "forklike_test"
    subprocess.run(
        ["gcc", level, *(f"-D__NR_{name}={number}" for name, number in numbers),
         source, "-o", program],
        check=True,
    )  # fmt: skip
    done = syscraft("run", *others.folders, "--", program)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# PASSED: 8 / 8 tests passed." in done.stdout
    assert "# SKIP" not in done.stdout


def test_a_variant_of_an_existing_call(other_rows: list[Row]) -> None:
    assert told(other_rows, "openat3") == both("test_openat3_cases.c", "2 results")


def test_a_call_written_by_hand(other_rows: list[Row]) -> None:
    assert told(other_rows, "toycall") == both("test_toycall_cases.c", "2 results")


def test_declarations_are_untouched(others: Others, other_rows: list[Row]) -> None:
    assert told(other_rows, "ctuntouched") == both("test_ctuntouched_cases.c", "1 results")
    assert others.now() == others.before
