"""Bodies that do not compile, hang, crash or warn, on a real kernel."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Syscraft, run_syscraft, write_call

from kernel.examples import Row

MakeCall = Callable[..., Path]

# Calls that build, and go wrong when they are called.
BODIES = {
    # The compiler warns of two lines, the second one by a macro of the kernel.
    "ctfail": ("char *unused;", "if (value > 3)", '\tpr_info("%s\\n", value);', "return -EBUSY;"),
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
def tested(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """What a test of all of them in one kernel says."""
    root = tmp_path_factory.mktemp("bodies")
    for name, body in BODIES.items():
        write_call(root / name, name, body)
    done = run_syscraft("test", *BODIES, "--timeout", "2", "--json", cwd=root)
    assert done.returncode == 1, done.stderr
    return done


@pytest.fixture(scope="module")
def rows(tested: subprocess.CompletedProcess[str]) -> list[Row]:
    rows: list[Row] = json.loads(tested.stdout)
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


def test_warnings_are_told_though_the_kernel_builds(
    tested: subprocess.CompletedProcess[str],
) -> None:
    """Each once, and under the path that the user gave, however many programs were run."""
    # Line 1 SPDX, 2 head, 3 brace, 4 to 7 the body.
    found = sorted(line for line in tested.stderr.splitlines() if ": warning: " in line)
    assert [line.split(": ")[0].rsplit(":", 1)[0] for line in found] == [
        "ctfail/ctfail.c:4",
        "ctfail/ctfail.c:6",
    ]
    assert "unused variable" in found[0]
    assert "format" in found[1]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (
            # Both are told by one build, for the compiler's first part finds them.
            ("if (container_of(&value, struct list_head, next))", "\treturn vlaue;", "return 0;"),
            {5: "pointer type mismatch in container_of()", 6: "vlaue"},
        ),
        (
            # A later part finds this, where the kernel's own lines have been put in.
            ("char name[64];", "", "get_task_comm(name, current);", "return *name;"),
            {7: "BUILD_BUG_ON failed: sizeof(name) != TASK_COMM_LEN"},
        ),
    ],
    ids=["words", "sizes"],
)
def test_compile_errors_name_the_authors_file_and_line(
    body: tuple[str, ...], found: dict[int, str], make_call: MakeCall, syscraft: Syscraft
) -> None:
    """Also where a macro of the kernel is what the compiler stumbles over."""
    folder = make_call("ctwrong", body, includes=("linux/sched.h",))
    # With the include, line 1 SPDX, 2 include, 3 head, 4 brace.
    done = syscraft("test", folder.name, cwd=folder.parent)
    assert done.returncode == 1
    errors = [line.strip() for line in done.stderr.splitlines() if ": error: " in line]
    for line, words in found.items():
        (error,) = [e for e in errors if words in e]
        assert error.startswith(f"ctwrong/ctwrong.c:{line}:")
        shown = f"\t{body[line - 5]}".expandtabs()
        assert done.stderr.count(f" {line} | {shown}\n") == 1
    assert done.stderr.count("make -C") == 1  # a command that repeats it


def test_option_that_does_not_survive_is_named(make_call: MakeCall, syscraft: Syscraft) -> None:
    """A Kconfig symbol that exists in another meaning cannot become ours."""
    folder = make_call("ctconfig", toml='[kconfig]\nsymbol = "X86_64"\n')
    done = syscraft("test", folder)
    assert done.returncode == 1
    assert "the kernel has an option CONFIG_X86_64 already" in done.stderr
    assert "choose another name under [kconfig] symbol" in done.stderr
