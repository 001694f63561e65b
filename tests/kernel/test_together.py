"""Calls of every kind answer in a kernel: all tested by one command."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import REPOSITORY, run_syscraft, write_call

LIKE_OPENAT2 = """\
name = "openat3"
summary = "tell how many files openat3 would have room for"
author = "A U Thor <author@example.org>"
like = "openat2"
add = ["u32 limit"]

[[cases]]
name = "reads the struct and the parameter behind it"
setup = "struct open_how how = { .flags = 40 };"
args = ["-1", "NULL", "&how", "sizeof(how)", "2"]
returns = 42

[[cases]]
name = "refuses bits of a later version"
setup = "struct { struct open_how how; __u64 more; } later = { .more = 1 };"
args = ["-1", "NULL", "&later.how", "sizeof(later)", "2"]
errno = "E2BIG"
"""
LIKE_OPENAT2_BODY = """\
#include <linux/openat2.h>
#include <linux/uaccess.h>

static long do_openat3(int dfd, const char __user *filename, struct open_how __user *how,
\t\t       size_t usize, u32 limit)
{
\tstruct open_how kernel_how;
\tint error;

\tif (usize < OPEN_HOW_SIZE_VER0)
\t\treturn -EINVAL;
\terror = copy_struct_from_user(&kernel_how, sizeof(kernel_how), how, usize);
\tif (error)
\t\treturn error;
\treturn kernel_how.flags + limit;
}
"""
BY_HAND = """\
// SPDX-License-Identifier: GPL-2.0
#include <linux/syscalls.h>
#include <linux/uaccess.h>

static int digits(unsigned long value)
{
\tint count = 1;

\twhile (value /= 10)
\t\tcount++;
\treturn count;
}

/* toycall - count the digits of a number. */
SYSCALL_DEFINE3(toycall, unsigned long, value, u32 __user *, count, unsigned int, flags)
{
\tif (flags)
\t\treturn -EINVAL;
\treturn put_user(digits(value), count) ? -EFAULT : 0;
}
"""
CASES = """
[[cases]]
name = "counts"
setup = "__u32 count = 0;"
args = ["12345", "&count", "0"]
returns = 0
check = "count == 5"

[[cases]]
name = "refuses flags"
args = ["1", "NULL", "1"]
errno = "EINVAL"
"""


@dataclass(frozen=True)
class Outcome:
    """What a test of all of them said."""

    verdicts: dict[tuple[str, str], tuple[str, str]]
    changed: set[Path]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    root = tmp_path_factory.mktemp("together")
    like = root / "openat3"
    like.mkdir()
    (like / "openat3.toml").write_text(LIKE_OPENAT2)
    (like / "openat3.c").write_text(LIKE_OPENAT2_BODY)
    (root / "by_hand.c").write_text(BY_HAND)
    done = run_syscraft("import", "by_hand.c", cwd=root)
    assert done.returncode == 0, done.stderr
    with (root / "toycall/toycall.toml").open("a") as toml:
        toml.write(CASES)
    pair = Path(
        shutil.copytree(REPOSITORY / "tests" / "kernel" / "clone_pair", root / "clone_pair")
    )
    plain = write_call(root / "ctuntouched", "ctuntouched")
    before = times(root)
    done = run_syscraft("test", "--json", pair, like, root / "toycall", plain)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {
        (row["call"], row["test"]): (row["verdict"], row["detail"])
        for row in json.loads(done.stdout)
    }
    after = times(root)
    changed = {path for path in before | after if before.get(path) != after.get(path)}
    return Outcome(rows, changed)


def times(root: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in root.rglob("*")}


def test_struct_based_clone(outcome: Outcome) -> None:
    """A variant with more parameters than registers are left: they travel in a struct."""
    told = {test: said for (call, test), said in outcome.verdicts.items() if call == "clone_pair"}
    assert told == {
        "test_clone_pair.c": ("PASS", "15 results"),
        "test_clone_pair.py": ("PASS", "2 results"),
    }


def test_a_variant_of_an_existing_call(outcome: Outcome) -> None:
    assert outcome.verdicts["openat3", "test_openat3_cases.c"] == ("PASS", "2 results")


def test_a_call_written_by_hand(outcome: Outcome) -> None:
    assert outcome.verdicts["toycall", "test_toycall_cases.c"] == ("PASS", "2 results")


def test_declarations_are_untouched(outcome: Outcome) -> None:
    assert outcome.verdicts["ctuntouched", "test_ctuntouched_cases.c"] == ("PASS", "1 results")
    assert not outcome.changed
