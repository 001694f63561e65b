"""syscraft import: code written by hand becomes a declaration."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Syscraft

import syscraft as library

FILE = """\
// SPDX-License-Identifier: GPL-2.0
#include <linux/syscalls.h>
#include <linux/uaccess.h>

static int digits(unsigned long value)
{
\tint count = 1; /* of digits */

\twhile (value /= 10)
\t\tcount++;
\treturn count;
}

static int do_toycall(unsigned long value, u32 __user *count)
{
\treturn put_user(digits(value), count) ? -EFAULT : 0;
}

/*
 * toycall - count the digits of a number.
 * More of it.
 */
SYSCALL_DEFINE3(toycall, unsigned long, value, u32 __user *, count,
\t\tunsigned int, flags)
{
\tif (flags)
\t\treturn -EINVAL;
\treturn do_toycall(value, count);
}

COMPAT_SYSCALL_DEFINE3(toycall, compat_ulong_t, value, u32 __user *, count, unsigned int, flags)
{
\treturn do_toycall(value, count);
}
"""
OTHER = "\nSYSCALL_DEFINE1(toyother, int, fd)\n{\n\treturn fd;\n}\n"


def test_a_file_of_one_call(syscraft: Syscraft, tmp_path: Path) -> None:
    (tmp_path / "toy.c").write_text(FILE)
    done = syscraft("import", "toy.c", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["toycall/toycall.toml", "toycall/toycall.c"]
    assert "COMPAT_SYSCALL_DEFINE is dropped" in done.stderr
    assert "do_toycall() of the file was renamed to __do_toycall()" in done.stderr
    declaration = library.load(tmp_path / "toycall")
    assert declaration.call.summary == "count the digits of a number"
    assert [p.name for p in declaration.call.parameters] == ["value", "count", "flags"]
    body = (tmp_path / "toycall" / "toycall.c").read_text()
    assert "SYSCALL_DEFINE" not in body
    assert "/* of digits */" in body
    assert "static long do_toycall(unsigned long value, u32 __user *count, unsigned int flags)" in (
        " ".join(body.split())
    )
    patched = declaration.patch().files["kernel/toycall.c"].decode()
    assert patched.count("SYSCALL_DEFINE3(toycall,") == 2  # and the generated one for 32 bits
    assert "no findings" in syscraft("check", "toycall", cwd=tmp_path).stdout


def test_one_call_of_several(syscraft: Syscraft, tmp_path: Path) -> None:
    (tmp_path / "toy.c").write_text(FILE + OTHER)
    done = syscraft("import", "toy.c", "--call", "toyless", cwd=tmp_path)
    assert done.returncode == 2
    assert "--call with one of toycall, toyother" in done.stderr
    done = syscraft("import", "toy.c", "--call", "toycall", "-C", "made", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "functions that the call uses were copied: digits, __do_toycall" in done.stderr
    body = (tmp_path / "made" / "toycall" / "toycall.c").read_text()
    assert body.startswith("#include <linux/syscalls.h>\n#include <linux/uaccess.h>\n")
    assert "toyother" not in body
    again = syscraft("import", "toy.c", "--call", "toycall", "-C", "made", cwd=tmp_path)
    assert again.returncode == 2
    assert "already exists" in again.stderr


def test_several_calls_of_a_file_share_it(syscraft: Syscraft, tmp_path: Path) -> None:
    (tmp_path / "toy.c").write_text(FILE + OTHER)
    done = syscraft("import", "toy.c", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["toy/toy.toml", "toy/toy.c"]
    assert done.stderr.count("COMPAT_SYSCALL_DEFINE is dropped") == 1
    declaration = library.load(tmp_path / "toy")
    assert [call.name for call in declaration.calls] == ["toycall", "toyother"]
    assert declaration.calls[0].summary == "count the digits of a number"
    body = (tmp_path / "toy" / "toy.c").read_text()
    assert "SYSCALL_DEFINE" not in body
    expected = FILE.partition("/*\n * toycall")[0].replace("do_toycall", "__do_toycall")
    assert body.startswith(expected)
    assert body.endswith("\n\nstatic long do_toyother(int fd)\n{\n\treturn fd;\n}\n")


@pytest.mark.parametrize(
    ("file", "names", "name"),
    [
        ("ring.c", ("ring_put", "ring_get"), "ring"),
        ("ring_put.c", ("ring_put", "ring_get"), "ring"),
        ("My-File.c", ("toy_put", "toy_get"), "toy"),
        ("My-File.c", ("put", "get"), "put_calls"),
    ],
)
def test_the_name_of_several_calls(
    syscraft: Syscraft, tmp_path: Path, file: str, names: tuple[str, ...], name: str
) -> None:
    text = "\n".join(f"SYSCALL_DEFINE0({call})\n{{\n\treturn 0;\n}}\n" for call in names)
    (tmp_path / file).write_text(text)
    done = syscraft("import", file, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert library.load(tmp_path / name).unit.name == name


def test_what_is_not_valid_yet_is_told(syscraft: Syscraft, tmp_path: Path) -> None:
    """The folder is made all the same: its author goes on from there."""
    (tmp_path / "toy.c").write_text("SYSCALL_DEFINE1(toy, enum kind, kind)\n{\n\treturn 0;\n}\n")
    done = syscraft("import", "toy.c", cwd=tmp_path)
    assert done.returncode == 1
    assert "toy/toy.toml:6:21: error: 'enum kind' has no fixed width" in done.stderr
    assert "next: syscraft check toy" in done.stderr


@pytest.mark.parametrize(
    ("text", "status", "message"),
    [
        ("int x;\n", 2, "toy.c: error: this file defines no system call"),
        ("\nSYSCALL_DEFINE1(toy, int, ARG(x))\n{\n}\n", 1,
         "toy.c:2: error: the parameters of sys_toy cannot be read"),
        ("#ifdef A\nSYSCALL_DEFINE1(toy, int, a)\n#else\nSYSCALL_DEFINE1(toy, long, a)\n#endif\n"
         "{\n}\n", 1, "toy.c:4: error: 'toy' is defined 2 times"),
        ("SYSCALL_DEFINE1(toy, int, a);\n", 1, "toy.c:1: error: body of toy not found"),
        ("SYSCALL_DEFINE1(toy, int, a)\n{\n\treturn 0;\n", 1,
         "toy.c:1: error: body of toy not found"),
        ("\nSYSCALL_DEFINE1(toy, int, a, int, b)\n{\n\treturn 0;\n}\n", 1,
         "toy.c:2: error: the parameters of sys_toy cannot be read"),
        ("\nSYSCALL_DEFINE2(toy, int, a)\n{\n\treturn 0;\n}\n", 1,
         "toy.c:2: error: the parameters of sys_toy cannot be read"),
        ("\nasmlinkage long sys_toy(int a, void __user *b)\n{\n}\n", 1,
         "toy.c:2: error: sys_toy() is not made by SYSCALL_DEFINE\n"
         "    expected: SYSCALL_DEFINE2(toy, int, a, void __user *, b)"),
        ("\nasmlinkage long sys_toy(void)\n{\n}\nSYSCALL_DEFINE0(toy2)\n{\n}\n", 1,
         "toy.c:2: error: sys_toy() is not made by SYSCALL_DEFINE\n"
         "    expected: SYSCALL_DEFINE0(toy)"),
        ("\nSYSCALL_DEFINE7(toy, int, a, int, b, int, c, int, d)\n{\n}\n", 1,
         "toy.c:2: error: a system call has at most 6 arguments\n"
         "    expected: SYSCALL_DEFINE0 to SYSCALL_DEFINE6\n"
         "    found:    SYSCALL_DEFINE7(toy, ...)"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_taken(
    syscraft: Syscraft, tmp_path: Path, text: str, status: int, message: str
) -> None:
    (tmp_path / "toy.c").write_text(text)
    done = syscraft("import", "toy.c", cwd=tmp_path)
    assert done.returncode == status, done.stderr
    assert message in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["toy.c"]


def test_a_file_of_another_encoding(syscraft: Syscraft, tmp_path: Path) -> None:
    (tmp_path / "toy.c").write_bytes(b"\n/* \xc7\xd1\xb1\xdb */\nSYSCALL_DEFINE0(toy)\n{\n}\n")
    done = syscraft("import", "toy.c", cwd=tmp_path)
    assert done.returncode == 2
    assert "toy.c:2: error: this file is not UTF-8 text" in done.stderr
    assert "iconv" in done.stderr


def test_a_file_that_is_not_there(syscraft: Syscraft, tmp_path: Path) -> None:
    done = syscraft("import", "none.c", cwd=tmp_path)
    assert done.returncode == 2
    assert "none.c: error: this file cannot be read" in done.stderr
    wrong = syscraft("import", "none.c", "--call", "x", cwd=tmp_path)
    assert wrong.returncode == 2


HELPER = "static int twice(int key) {\n\treturn 2 * key;\n}\n"
BODY = "\n{\n\tint r = twice(key);\n\n\tif (r < 0) {\n\t\treturn -EINVAL;\n\t}\n\treturn r;\n}\n"
HEAD = "SYSCALL_DEFINE1(toy, int, key)"


def indent(text: str) -> str:
    return "".join(f"    {line}" if line.strip() else line for line in text.splitlines(True))


@pytest.mark.parametrize(
    "text",
    [
        HEAD + BODY,
        HEAD + BODY.replace("\n{", " {", 1),
        HEAD + BODY.replace("\n{", "{", 1),
        indent(HEAD + BODY),
        indent(HEAD + BODY.replace("\n{", " {", 1)),
        "\t" + HEAD.replace("DEFINE1(", "DEFINE1 ( ") + BODY,
        HEAD.replace(", key", ",\n\t\tkey") + " /* { */" + BODY,
    ],
)
@pytest.mark.parametrize("several", [False, True])
def test_braces_anywhere(syscraft: Syscraft, tmp_path: Path, text: str, several: bool) -> None:
    text = f"#include <linux/syscalls.h>\n\n{HELPER}\n{text}" + (OTHER if several else "")
    (tmp_path / "toy.c").write_text(text)
    done = syscraft("import", "toy.c", "--call", "toy", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    body = (tmp_path / "toy" / "toy.c").read_text()
    assert "SYSCALL_DEFINE" not in body and "twice(int key)" in body
    assert f"static long do_toy(int key){BODY}" in body


def test_a_definition_under_ifdef(syscraft: Syscraft, tmp_path: Path) -> None:
    text = f"#ifdef CONFIG_MYTHING\n{HEAD}\n{{\n\treturn key;\n}}\n#endif\n"
    (tmp_path / "toy.c").write_text(text)
    done = syscraft("import", "toy.c", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "the function stands under 'CONFIG_MYTHING': take the #if out" in done.stderr
    assert (
        "#ifdef CONFIG_MYTHING\nstatic long do_toy(int key)\n{\n"
        in (tmp_path / "toy" / "toy.c").read_text()
    )


def test_an_entry_for_32_bits_goes_wherever_its_braces_are(
    syscraft: Syscraft, tmp_path: Path
) -> None:
    compat = "COMPAT_SYSCALL_DEFINE1(toy, int, key) {\n\treturn key;\n}\n"
    (tmp_path / "toy.c").write_text(f"{HEAD} {{\n\treturn key;\n}}\n\n{compat}")
    done = syscraft("import", "toy.c", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "COMPAT" not in (tmp_path / "toy" / "toy.c").read_text()
    assert "COMPAT_SYSCALL_DEFINE is dropped" in done.stderr


def test_what_looks_like_the_end_of_a_body(syscraft: Syscraft, tmp_path: Path) -> None:
    """Braces in strings, characters and comments, and letters that take two bytes."""
    inner = """\tpr_info("}\\n"); /* é } */\n\tif (key == '}')\n\t\treturn 1;\n\treturn 0;\n"""
    (tmp_path / "toy.c").write_text(f"/* ü */\n{HEAD} {{\n{inner}}}\n")
    done = syscraft("import", "toy.c", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "toy" / "toy.c").read_text().endswith(f"{{\n{inner}}}\n")


def test_pointers_of_several_levels(syscraft: Syscraft, tmp_path: Path) -> None:
    """Each keeps its const, and gets the __user that the author forgot."""
    (tmp_path / "toy.c").write_text(
        "SYSCALL_DEFINE2(toycall, const char __user *const __user *, argv, const void **, out)\n"
        "{\n\treturn argv && out;\n}\n"
    )
    done = syscraft("import", "toy.c", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    call = library.load(tmp_path / "toycall").call
    assert [p.ctype.declare(p.name, kernel=True) for p in call.parameters] == [
        "const char __user *const __user *argv", "const void __user * __user *out",
    ]  # fmt: skip
    assert [p.ctype.declare(p.name, kernel=False) for p in call.wrappers[0].parameters] == [
        "const char *const *argv", "const void **out",
    ]  # fmt: skip
