"""Kernels that several files of tests share."""

from __future__ import annotations

import json

import pytest
from conftest import run_syscraft, write_call

from kernel.examples import FORK_LIKE, PAIR, Others, Row

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


@pytest.fixture(scope="session")
def others(tmp_path_factory: pytest.TempPathFactory) -> Others:
    """Calls of every other kind: with a struct, like an existing one, and imported."""
    root = tmp_path_factory.mktemp("others")
    like = root / "openat3"
    like.mkdir()
    (like / "openat3.toml").write_text(LIKE_OPENAT2)
    (like / "openat3.c").write_text(LIKE_OPENAT2_BODY)
    (root / "by_hand.c").write_text(BY_HAND)
    done = run_syscraft("import", "by_hand.c", cwd=root)
    assert done.returncode == 0, done.stderr
    with (root / "toycall/toycall.toml").open("a") as toml:
        toml.write(CASES)
    plain = write_call(root / "ctuntouched", "ctuntouched")
    return Others((PAIR, like, root / "toycall", plain, FORK_LIKE))


@pytest.fixture(scope="session")
def other_rows(others: Others) -> list[Row]:
    """What a test of all of them says."""
    done = run_syscraft("test", "--json", "--again", *others.folders)
    assert done.returncode == 0, done.stdout + done.stderr
    rows: list[Row] = json.loads(done.stdout)
    return rows
