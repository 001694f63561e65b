"""Bodies that do not compile, hang, crash or warn, on a real kernel."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Syscraft, run_syscraft, write_call

from kernel.examples import Row

MakeCall = Callable[..., Path]

# Calls that build, and go wrong when they are called.
BODIES = {
    "ctfail": ("return -EBUSY;",),
    "ctloop": ("for (;;)", "\tbarrier();", "return 0;"),
    "ctnull": ("*(volatile int *)NULL = value;", "return 0;"),
    "ctwarn": ("WARN_ON(value);", "return 0;"),
    "ctnosys": ("return -ENOSYS;",),
}
# What the verdict on each is, and what its detail has to say: all words of one of the lists.
EXPECTED = {
    "ctfail": ("FAIL", [["answers", "EBUSY"], ["answers", "16"]]),
    "ctloop": ("TIMEOUT", [["no end after 2 s"]]),
    "ctnull": ("CRASH", [["sys_ctnull"], ["do_ctnull"]]),
    "ctwarn": ("CRASH", [["WARNING", "kernel/ctwarn.c"]]),
    "ctnosys": ("FAIL", [[]]),
}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """What a test of all of them in one kernel says."""
    root = tmp_path_factory.mktemp("bodies")
    folders = [write_call(root / name, name, body) for name, body in BODIES.items()]
    done = run_syscraft("test", *folders, "--timeout", "2", "--json")
    assert done.returncode == 1, done.stderr
    rows: list[Row] = json.loads(done.stdout)
    assert {row["call"] for row in rows} == set(BODIES)
    return rows


@pytest.mark.parametrize("name", BODIES)
def test_what_goes_wrong_is_told(name: str, rows: list[Row]) -> None:
    verdict, words = EXPECTED[name]
    found = [row for row in rows if row["call"] == name]
    assert [row["level"] for row in found] == ["-O0", "-O2"]
    for row in found:
        detail = str(row["detail"])
        assert row["verdict"] == verdict, detail
        assert any(all(word in detail for word in each) for each in words), detail


def test_compile_error_names_the_authors_file_and_line(
    make_call: MakeCall, syscraft: Syscraft
) -> None:
    folder = make_call("ctwrong", ("int unused_on_purpose;", "return vlaue;"))
    done = syscraft("test", folder)
    assert done.returncode == 1
    # Line 1 SPDX, 2 head, 3 brace, 4 the declaration, 5 the misspelt name.
    assert f"{folder}/ctwrong.c:5" in done.stderr
    assert "vlaue" in done.stderr
    assert "make" in done.stderr  # a command that repeats it


def test_option_that_does_not_survive_is_named(make_call: MakeCall, syscraft: Syscraft) -> None:
    """A Kconfig symbol that exists in another meaning cannot become ours."""
    folder = make_call("ctconfig", toml='[kconfig]\nsymbol = "X86_64"\n')
    done = syscraft("test", folder)
    assert done.returncode == 1
    assert "the kernel has an option CONFIG_X86_64 already" in done.stderr
    assert "choose another name under [kconfig] symbol" in done.stderr
