"""syscraft check: what a user sees of the rules."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import REPOSITORY, Syscraft
from scan.toys import make_tree

from syscraft import api as library
from syscraft.abi.abi import GENERIC_TABLE
from syscraft.cli.main import cli

FLAGS = 'kernel = "int value, unsigned int flags"\n'


def declaration(make_call: Callable[..., Path], body: str, toml: str = "") -> Path:
    """A call with a flags argument and a body of one's own."""
    folder = make_call("mark", toml=toml)
    file = folder / "mark.toml"
    text = file.read_text().replace('kernel = "int value"\n', FLAGS)
    text = text.replace("long mark(int value)", "long mark(int value, unsigned int flags)")
    file.write_text(text.replace('args = ["1"]', 'args = ["1", "0"]'))
    (folder / "mark.c").write_text(
        f"static long do_mark(int value, unsigned int flags)\n{{\n\t{body}\n\treturn 0;\n}}\n"
    )
    return folder


def test_a_warning_is_told_and_is_no_failure(
    syscraft: Syscraft, make_call: Callable[..., Path]
) -> None:
    folder = make_call("mark")
    done = syscraft("check", folder)
    assert done.returncode == 0
    assert done.stdout == f"{folder}: mark: 1 warning\n"
    first, *rest = done.stderr.splitlines()
    assert first == f"{folder}/mark.toml:4:1: warning: L2: the call has no flags argument"
    assert [line.split()[0] for line in rest] == ["cost:", "fix:", "history:"]


def test_an_error_is_a_failure(syscraft: Syscraft, make_call: Callable[..., Path]) -> None:
    folder = declaration(make_call, "if (flags)\n\t\treturn -ENOTSUPP;")
    done = syscraft("check", folder)
    assert done.returncode == 1
    assert f"{folder}/mark.c:4: error: L19: ENOTSUPP is 524" in done.stderr
    (found,) = json.loads(syscraft("check", folder, "--json").stdout)
    assert (found["rule"], found["severity"], found["line"]) == ("L19", "error", 4)
    assert found["cost"] and found["fix"] and found["history"]
    assert found["silenced"] is None


def test_the_body_is_judged(syscraft: Syscraft, make_call: Callable[..., Path]) -> None:
    good = "if (flags & ~1U)\n\t\treturn -EINVAL;"
    assert "no findings" in syscraft("check", declaration(make_call, good)).stdout


# The same function in the ways that people write one.
STYLES = {
    "kernel": "static long do_mark(int value, unsigned int flags)\n{\n\tif (value)\n"
    "\t\treturn -ENOTSUPP;\n\treturn refuse(value);\n}\n",
    "brace on the head": "static long do_mark(int value, unsigned int flags) {\n\tif (value)\n"
    "\t\treturn -ENOTSUPP;\n\treturn refuse(value);\n}\n",
    "indented": "    static long do_mark(int value, unsigned int flags)\n    {\n\tif (value)\n"
    "\t    return -ENOTSUPP;\n\treturn refuse(value);\n    }\n",
    "one line": "static long do_mark(int value, unsigned int flags) { if (value) return "
    "-ENOTSUPP; return refuse(value); }\n",
    "under #ifdef": "#ifdef CONFIG_MMU\nstatic long do_mark(int value, unsigned int flags)\n{\n"
    "\treturn 0;\n}\n#else\nstatic long do_mark(int value, unsigned int flags)\n{\n"
    "\tif (value)\n\t\treturn -ENOTSUPP;\n\treturn refuse(value);\n}\n#endif\n",
    "macros around": "static long __always_inline do_mark(int value, unsigned int flags)\n"
    "\t__must_hold(&lock)\n{\n\tlist_for_each_entry(a, b, c) {\n\t\treturn -ENOTSUPP;\n\t}\n"
    "\treturn refuse(value);\n}\n",
}
HELPERS = {
    "kernel": "static long refuse(int value)\n{\n\treturn capable(CAP_SYS_ADMIN);\n}\n\n",
    "brace on the head": "static long refuse(int value) {\n\treturn capable(CAP_SYS_ADMIN);\n}\n\n",
    "one line": "static long refuse(int value) { return capable(CAP_SYS_ADMIN); }\n\n",
    "comment": "/* } */ static long refuse(int value) { /* é { */\n"
    "\treturn capable(CAP_SYS_ADMIN); }\n\n",
}


@pytest.mark.parametrize("helper", HELPERS)
@pytest.mark.parametrize("style", STYLES)
def test_a_body_is_found_wherever_its_braces_are(
    syscraft: Syscraft, make_call: Callable[..., Path], style: str, helper: str
) -> None:
    folder = declaration(make_call, "")
    text = HELPERS[helper] + STYLES[style]
    (folder / "mark.c").write_text(text)
    done = syscraft("check", folder, "--json")
    found = {f["rule"]: f.get("line") for f in json.loads(done.stdout)}
    before = text.index("ENOTSUPP")
    assert found["L19"] == text.count("\n", 0, before) + 1, done.stdout
    assert found["L24"] == text[: text.index("CAP_SYS")].count("\n") + 1
    assert "L1" in found  # flags are not looked at, and no helper is given them


@pytest.mark.parametrize(
    "text",
    [
        "static long do_mark(int value, unsigned int flags)\n{\n\treturn -ENOTSUPP;\n",
        "static long do_mark(int value, unsigned int flags);\n",
        "/* static long do_mark(int value, unsigned int flags) { return 0; } */\n",
        "MARK(do_mark, int value, unsigned int flags)\n{\n\treturn -ENOTSUPP;\n}\n",
        "",
    ],
    ids=["no brace at the end", "a prototype", "a comment", "a macro", "nothing"],
)
def test_a_body_that_is_not_found_is_told(
    syscraft: Syscraft, make_call: Callable[..., Path], text: str
) -> None:
    folder = declaration(make_call, "")
    (folder / "mark.c").write_text(text)
    done = syscraft("check", folder)
    assert done.returncode == 1
    assert "the body does not define do_mark()" in done.stderr


def test_a_silence(syscraft: Syscraft, make_call: Callable[..., Path]) -> None:
    folder = declaration(
        make_call, "if (flags)\n\t\treturn -ENOTSUPP;", '[silence]\nL19 = "for a test"\n'
    )
    done = syscraft("check", folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "mark: no findings, 1 silenced" in done.stdout
    (found,) = json.loads(syscraft("check", folder, "--json").stdout)
    assert found["silenced"] == "for a test"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('L99 = "why"', "unknown rule 'L99'"),
        ('L1 = ""', "[silence] gives no reason for L1"),
        ('L7 = "why"', "L7 finds nothing here"),
    ],
)
def test_a_silence_without_cause(
    syscraft: Syscraft, make_call: Callable[..., Path], line: str, message: str
) -> None:
    folder = declaration(make_call, "", f"[silence]\n{line}\n")
    done = syscraft("check", folder)
    assert done.returncode == 1
    place = next(
        i for i, text in enumerate((folder / "mark.toml").read_text().splitlines(), 1)
        if text == line
    )  # fmt: skip
    assert f"{folder}/mark.toml:{place}:1: error: S1: {message}" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "nothing to check"),
        (("examples/splork", "--tree", "deb:6.12"), "DECL and --tree are mutually exclusive"),
        (("examples/splork", "--call", "openat"), "--call needs --tree"),
        (("--tree", "nowhere"), "nowhere"),
        (("--tree", "deb:6.12", "--call", "opena2"), "did you mean 'openat2'"),
    ],
)
def test_wrong_usage(syscraft: Syscraft, arguments: tuple[str, ...], message: str) -> None:
    done = syscraft("check", *arguments, cwd=REPOSITORY)
    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.parametrize("name", ["splork", "splork8", "clone_nice"])
def test_examples_break_no_rule(syscraft: Syscraft, name: str) -> None:
    done = syscraft("check", REPOSITORY / "examples" / name)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_new_makes_breaks_no_rule(syscraft: Syscraft, tmp_path: Path) -> None:
    for arguments in (("mine",), ("mine2", "--like", "clone")):
        assert syscraft("new", *arguments, cwd=tmp_path).returncode == 0
        done = syscraft("check", arguments[0], cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert "no findings" in done.stdout


def test_a_call_of_a_kernel(syscraft: Syscraft) -> None:
    done = syscraft("check", "--tree", "deb:6.12", "--call", "open_tree")
    assert done.returncode == 0
    assert re.search(r"^deb:6.12/fs/namespace.c:\d+: warning: L20: ", done.stdout, re.MULTILINE)
    found = json.loads(syscraft("check", "--tree", "deb:6.12", "--call", "bpf", "--json").stdout)
    assert {"L19", "L30"} <= {f.get("rule") for f in found}


BY_HAND = {
    "fs/good.c": "SYSCALL_DEFINE1(good, int, fd)\n{\n\treturn 0;\n}\n"
    "SYSCALL_DEFINE1(read, int, fd)\n{\n\treturn 0;\n}\n",
    "fs/oldstyle.c": "asmlinkage long sys_oldstyle(int fd)\n{\n\treturn 0;\n}\n",
    "fs/norow.c": "SYSCALL_DEFINE1(norow, int, fd)\n{\n\treturn 0;\n}\n",
    GENERIC_TABLE.path: "4 common read sys_read\n5 common good __x64_sys_good\n"
    "6 common nodef sys_nodef\n7 common oldstyle sys_oldstyle\n",
}


@pytest.mark.parametrize(
    ("name", "place", "message"),
    [
        ("good", "scripts/syscall.tbl:2", "the entry of good has a prefix"),
        ("nodef", "scripts/syscall.tbl:3", "nodef: no definition of sys_nodef"),
        ("oldstyle", "scripts/syscall.tbl:4", "oldstyle: no definition of sys_oldstyle"),
        ("norow", "fs/norow.c:1", "no table has a row for norow"),
    ],
)
def test_a_call_that_was_added_by_hand(
    name: str, place: str, message: str, syscraft: Syscraft, tmp_path: Path
) -> None:
    make_tree(tmp_path / "linux", BY_HAND)
    for words in ((), ("--call", name)):
        done = syscraft("check", "--tree", "linux", *words, cwd=tmp_path)
        assert done.returncode == 1
        assert f"linux/{place}: error: {message}" in done.stderr
    good = syscraft("check", "--tree", "linux", "--call", "read", cwd=tmp_path)
    assert (good.returncode, good.stderr.count("error:")) == (0, 0)


def test_what_a_released_call_does_wrong_is_no_reason_for_an_exit_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "SYSCALL_DEFINE1({}, int, fd)\n{{\n\treturn -ENOTSUPP;\n}}\n"
    names = ("read", "mine")
    rows = "".join(f"{n} common {name} sys_{name}\n" for n, name in enumerate(names, 4))
    sources = {f"fs/{name}.c": text.format(name) for name in names}
    make_tree(tmp_path / "linux", {**sources, GENERIC_TABLE.path: rows})
    found, _ = library.check_kernel(str(tmp_path / "linux"))
    assert {f.call for f in found if f.rule.id == "L19"} == set(names)
    for name, words, status in (
        ("read", (), 0), ("read", ("--call", "read"), 1), ("mine", (), 1)
    ):  # fmt: skip
        of_it = tuple(f for f in found if f.call == name)
        monkeypatch.setattr(library, "check_kernel", lambda *a, it=of_it, **k: (it, ()))
        done = cli.main(["check", "--tree", "linux", *words], standalone_mode=False)
        assert done == status, name


def test_what_kernels_are_released_with_is_a_note(syscraft: Syscraft, tmp_path: Path) -> None:
    done = syscraft("check", "--tree", "deb:6.12", "--call", "set_mempolicy_home_node")
    assert done.returncode == 0
    assert "syscall_n64.tbl:367: note: 'common' is not an ABI of this table" in done.stderr


BAD_TREE = {
    "fs/toy.c": "SYSCALL_DEFINE2(toy, int, fd, unsigned int, flags)\n{\n\treturn -ENOTSUPP;\n}\n",
    "fs/macro.c": "\nSYSCALL_DEFINE1(macro, int, ARG(x))\n{\n}\n",
    "fs/conflict.c": "<<<<<<< ours\n=======\n>>>>>>> theirs\n"
    "SYSCALL_DEFINE1(other, int, fd)\n{\n\treturn 0;\n}\n",
    GENERIC_TABLE.path: "5 common toy sys_toy\n<<<<<<< ours\n=======\n>>>>>>> theirs\n"
    "6 comon slip sys_toy\nseven\n8 common other sys_other\n",
}


def test_a_tree_that_is_broken(syscraft: Syscraft, tmp_path: Path) -> None:
    """The rest is judged; what is wrong is told with its place."""
    make_tree(tmp_path / "linux", BAD_TREE)
    done = syscraft("check", "--tree", "linux", cwd=tmp_path)
    assert done.returncode == 1
    for place, message in (
        ("fs/macro.c:2", "the parameters of sys_macro cannot be read"),
        ("fs/conflict.c:1", "unresolved merge conflict in this file"),
        ("scripts/syscall.tbl:2", "unresolved merge conflict in this table"),
        ("scripts/syscall.tbl:5", "'comon' is not an ABI of this table"),
        ("scripts/syscall.tbl:6", "invalid line in this table"),
        ("arch/alpha/kernel/syscalls/syscall.tbl", "alpha: the table is missing"),
    ):
        assert f"linux/{place}: error: {message}" in done.stderr
    assert "L19 (error): error numbers are at most 516: 1 call" in done.stdout
    assert "linux/fs/toy.c:3: toy: ENOTSUPP is 524" in done.stdout
    macro = syscraft("check", "--tree", "linux", "--call", "macro", cwd=tmp_path)
    assert macro.returncode == 1
    assert "linux/fs/macro.c:2: error: the parameters of sys_macro" in macro.stderr
    one = syscraft("check", "--tree", "linux", "--call", "other", cwd=tmp_path)
    assert "other: no findings" in one.stdout
    said = json.loads(syscraft("check", "--tree", "linux", "--json", cwd=tmp_path).stdout)
    assert {"message", "path", "line"} < set(said[-1])
