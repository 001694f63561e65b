"""Bodies that do not compile, hang, crash or warn, on a real kernel."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from conftest import Syscraft

MakeCall = Callable[..., Path]


def verdicts(output: str) -> dict[str, dict[str, str]]:
    return {row["test"]: row for row in json.loads(output)}


def test_wrong_result_fails_and_is_shown(make_call: MakeCall, syscraft: Syscraft) -> None:
    done = syscraft("test", make_call("ctfail", ("return -EBUSY;",)), "--json")
    assert done.returncode == 1
    (row,) = verdicts(done.stdout).values()
    assert row["verdict"] == "FAIL"
    assert "answers" in row["detail"]
    assert "EBUSY" in row["detail"] or "16" in row["detail"]


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


def test_endless_loop_is_a_timeout(make_call: MakeCall, syscraft: Syscraft) -> None:
    folder = make_call("ctloop", ("for (;;)", "\tbarrier();", "return 0;"))
    done = syscraft("test", folder, "--timeout", "2", "--json")
    assert done.returncode == 1
    (row,) = verdicts(done.stdout).values()
    assert row["verdict"] == "TIMEOUT"
    assert "2" in row["detail"]


def test_null_dereference_is_a_crash_with_the_trace(
    make_call: MakeCall, syscraft: Syscraft
) -> None:
    body = ("*(volatile int *)NULL = value;", "return 0;")
    done = syscraft("test", make_call("ctnull", body), "--json")
    assert done.returncode == 1
    (row,) = verdicts(done.stdout).values()
    assert row["verdict"] == "CRASH"
    assert "sys_ctnull" in row["detail"] or "do_ctnull" in row["detail"]


def test_warning_is_a_crash_though_the_call_answers(
    make_call: MakeCall, syscraft: Syscraft
) -> None:
    done = syscraft("test", make_call("ctwarn", ("WARN_ON(value);", "return 0;")), "--json")
    assert done.returncode == 1
    (row,) = verdicts(done.stdout).values()
    assert row["verdict"] == "CRASH"
    assert "WARNING" in row["detail"]
    assert "kernel/ctwarn.c" in row["detail"]


def test_enosys_after_patching_is_a_failure(make_call: MakeCall, syscraft: Syscraft) -> None:
    done = syscraft("test", make_call("ctnosys", ("return -ENOSYS;",)), "--json")
    assert done.returncode == 1
    (row,) = verdicts(done.stdout).values()
    assert row["verdict"] == "FAIL"


def test_option_that_does_not_survive_is_named(make_call: MakeCall, syscraft: Syscraft) -> None:
    """A Kconfig symbol that exists in another meaning cannot become ours."""
    folder = make_call("ctconfig", toml='[kconfig]\nsymbol = "X86_64"\n')
    done = syscraft("test", folder)
    assert done.returncode in (1, 3)
    assert "CONFIG_X86_64" in done.stderr
