"""Calls that start from what is there already answer in a kernel."""

from __future__ import annotations

from pathlib import Path

from conftest import Syscraft

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


def test_a_variant_of_an_existing_call(syscraft: Syscraft, tmp_path: Path) -> None:
    folder = tmp_path / "openat3"
    folder.mkdir()
    (folder / "openat3.toml").write_text(LIKE_OPENAT2)
    (folder / "openat3.c").write_text(LIKE_OPENAT2_BODY)
    done = syscraft("test", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS" in done.stdout


def test_a_call_written_by_hand(syscraft: Syscraft, tmp_path: Path) -> None:
    (tmp_path / "by_hand.c").write_text(BY_HAND)
    done = syscraft("import", "by_hand.c", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with (tmp_path / "toycall/toycall.toml").open("a") as toml:
        toml.write(CASES)
    done = syscraft("test", tmp_path / "toycall")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS" in done.stdout
