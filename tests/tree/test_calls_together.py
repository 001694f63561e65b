"""Several calls in one declaration: one change of a tree, with all of them in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import REPOSITORY

import syscraft as library
from syscraft.errors import TreeError
from syscraft.tree.applied import Done
from syscraft.tree.source import open_tree

SPLORK = REPOSITORY / "examples" / "splork"


def added(text: str) -> list[str]:
    return re.findall(r"^\+(?!\+\+)(.*)$", text, re.MULTILINE)


def test_one_of_everything_and_a_row_for_each(toys: Path) -> None:
    change = library.load(toys).patch()
    assert change.numbers == {"toy_move": 900, "toy_find": 950, "toy_stop": 901}
    core, wiring = (added(mail) for _, mail in change.series[:2])
    assert [line for line in core if line.startswith("asmlinkage")] == [
        "asmlinkage long sys_toy_move(const struct toy_point __user *to, u32 flags);",
        "asmlinkage long sys_toy_find(struct toy_find_args __user *uargs, size_t usize);",
        "asmlinkage long sys_toy_stop(struct toy_stop_args __user *uargs, size_t usize);",
    ]
    assert [line for line in core if re.match(r"struct \w+;", line)] == [
        "struct toy_find_args;", "struct toy_point;", "struct toy_stop_args;",
    ]  # fmt: skip
    assert [line for line in core if line.startswith("COND_SYSCALL")] == [
        "COND_SYSCALL(toy_move);", "COND_SYSCALL(toy_find);", "COND_SYSCALL(toy_stop);",
    ]  # fmt: skip
    assert core.count("obj-$(CONFIG_TOYS_SYSCALL) += toys.o") == 1
    assert core.count("config TOYS_SYSCALL") == 1
    assert '\tbool "Enable the toys system calls" if EXPERT' in core
    assert core.count("TOYS SYSTEM CALLS") == 1
    assert change.config == ("CONFIG_TOYS_SYSCALL=y",)
    rows = change.files["scripts/syscall.tbl"].decode().splitlines()[-3:]
    assert [row.split()[:3] for row in rows] == [
        ["900", "common", "toy_move"], ["901", "common", "toy_stop"], ["950", "common", "toy_find"],
    ]  # fmt: skip
    assert wiring.count("#define __NR_syscalls 951") == 1
    assert [line for line in wiring if line.startswith("#define __NR_toy")] == [
        "#define __NR_toy_move 900", "#define __NR_toy_stop 901", "#define __NR_toy_find 950",
    ]  # fmt: skip


def test_one_source_and_one_header(toys: Path) -> None:
    change = library.load(toys).patch()
    source = change.files["kernel/toys.c"].decode()
    heads = re.findall(r"^SYSCALL_DEFINE\d\((\w+)", source, re.MULTILINE)
    assert heads == ["toy_move", "toy_find", "toy_stop"]
    assert source.count("#include <uapi/linux/toys.h>") == 1
    assert source.count("#include <linux/uaccess.h>") == 1
    (line_map,) = change.body_line_maps
    body = (toys / "toys.c").read_text().splitlines()
    number = body.index("static long do_toy_stop(u32 flags, u64 when)")
    assert source.splitlines()[number + line_map.offset] == body[number]
    header = change.files["include/uapi/linux/toys.h"].decode()
    assert re.findall(r"^struct (\w+) {", header, re.MULTILINE) == [
        "toy_point", "toy_find_args", "toy_stop_args",
    ]  # fmt: skip
    assert header.count("#define TOY_FAST") == 1


def test_how_the_mails_speak_of_them(toys: Path) -> None:
    change = library.load(toys).patch()
    names = [name for name, _ in change.series]
    assert names == [
        "0001-toys-add-the-toys-system-calls.patch",
        "0002-arch-wire-up-the-toys-system-calls.patch",
        "0003-selftests-toys-test-the-toys-system-calls.patch",
        "0004-Documentation-describe-the-toys-system-calls.patch",
    ]
    wiring = " ".join(change.series[1][1].partition("\n---\n")[0].split())
    assert "The numbers 900, 950 and 901 are private: they are outside" in wiring
    assert "toy_find(): find the toy." in change.series[0][1]
    assert [name for name, _ in change.extras] == [
        "0000-cover-letter.txt", "toy_move.2", "toy_find.2", "toy_stop.2",
    ]  # fmt: skip


def test_next_numbers_follow_each_other(toys: Path) -> None:
    text = (toys / "toys.toml").read_text().replace('number = "private"\n', "")
    (toys / "toys.toml").write_text(text)
    change = library.load(toys).patch()
    assert change.numbers == {"toy_move": 463, "toy_find": 950, "toy_stop": 464}
    wiring = " ".join(change.series[1][1].partition("\n---\n")[0].split())
    assert "The numbers 463 and 464 are the next free ones of the common sequence." in wiring
    assert "The number 950 is private: it is outside" in wiring
    with pytest.raises(library.SyscraftError, match="only a kernel tree can tell"):
        library.load(toys).generate()


def test_a_pinned_number_is_not_given_to_another(toys: Path) -> None:
    text = (toys / "toys.toml").read_text().replace("number = 950", "number = 900")
    (toys / "toys.toml").write_text(text)
    expected = {"toy_move": 901, "toy_find": 900, "toy_stop": 902}
    assert library.load(toys).patch().numbers == expected
    files = library.load(toys).generate(abis=["arm64"], only=["raw-header"])
    for name, number in expected.items():
        assert f"SYSCALL_NUMBER({number})" in files[f"{name}_raw.h"]


def test_a_name_that_the_kernel_has(toys: Path) -> None:
    for name in ("toys.toml", "toys.c"):
        (toys / name).write_text((toys / name).read_text().replace("toy_stop", "statx"))
    with pytest.raises(TreeError, match="already has a call named 'statx'"):
        library.load(toys).patch()


def test_a_variant_of_clone_among_others(toys: Path) -> None:
    text = (toys / "toys.toml").read_text()
    clone = '[[calls]]\nname = "toys"\nsummary = "start one"\nlike = "clone"\nadd = ["int level"]\n'
    (toys / "toys.toml").write_text(text.replace("[[calls]]", f"{clone}\n[[calls]]", 1))
    body = (toys / "toys.c").read_text()
    head = "static long do_toys(struct kernel_clone_args *args, int level)"
    (toys / "toys.c").write_text(f"{body}\n{head}\n{{\n\treturn kernel_clone(args);\n}}\n")
    files = library.load(toys).patch().files
    source = files["kernel/toys.c"].decode()
    assert source.count("SYSCALL_DEFINE6(toys,") == 4  # an order each
    assert "COMPAT_SYSCALL_DEFINE6(ia32_toys," in source
    assert source.startswith(
        "// SPDX-License-Identifier: GPL-2.0\n"
        "/*\n * toys(), toy_move(), toy_find(), toy_stop() - serve a test\n */\n"
    )
    folder = "tools/testing/selftests/toys/"
    assert b"TEST_GEN_PROGS := toys_test toys_calls_test\n" in files[f"{folder}Makefile"]
    assert b"TEST(returns_in_parent_and_child)" in files[f"{folder}toys_test.c"]
    assert b"ASSERT_LT(0, __NR_toy_stop);" in files[f"{folder}toys_calls_test.c"]
    entry = files["arch/sparc/kernel/entry.S"].decode()
    assert "sys_toys" in entry
    assert "toy_move" not in entry


@pytest.fixture
def linux(toys: Path, tmp_path: Path) -> Path:
    """A tree with the files of 6.12 that the calls touch."""
    root, tree = tmp_path / "linux", open_tree("deb:6.12")
    paths = {path for folder in (toys, SPLORK) for path in library.load(folder).patch().files}
    for path in ("Makefile", "Kconfig", "kernel/fork.c", *paths):
        if (data := tree.read_bytes(path)) is not None:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)
    return root


def test_calls_keep_their_numbers_in_a_tree(toys: Path, linux: Path) -> None:
    before = {path: path.read_bytes() for path in linux.rglob("*") if path.is_file()}
    assert library.load(toys).apply(str(linux))[0] is Done.APPLIED
    assert library.load(toys).apply(str(linux))[0] is Done.ALREADY
    # A new call stands first; without the record it would get 900.
    text = (toys / "toys.toml").read_text()
    new = (
        '[[calls]]\nname = "toy_new"\nsummary = "be new"\nnumber = "private"\n'
        'kernel = "u32 flags"\nuser = "int toy_new(__u32 flags)"\n\n'
    )
    (toys / "toys.toml").write_text(text.replace("[[calls]]", f"{new}[[calls]]", 1))
    body = (toys / "toys.c").read_text()
    (toys / "toys.c").write_text(
        f"{body}\nstatic long do_toy_new(u32 flags)\n{{\n\treturn 0;\n}}\n"
    )
    assert library.load(toys).apply(str(linux))[0] is Done.UPDATED
    table = (linux / "scripts/syscall.tbl").read_text()
    found = dict(re.findall(r"^(9\d\d)\tcommon\t(toy_\w+)", table, re.MULTILINE))
    assert found == {"900": "toy_move", "901": "toy_stop", "902": "toy_new", "950": "toy_find"}
    assert library.load(toys).revert(str(linux))[0] is Done.REVERTED
    after = {path: path.read_bytes() for path in linux.rglob("*") if path.is_file()}
    assert after == before


def test_a_row_of_another_declaration_between_ours(toys: Path, linux: Path) -> None:
    before = {path: path.read_bytes() for path in linux.rglob("*") if path.is_file()}
    splork = library.load(SPLORK)
    library.load(toys).apply(str(linux))
    splork.apply(str(linux))
    assert numbers_in(linux) == ["900", "901", "902", "950"]
    library.load(toys).revert(str(linux))
    assert numbers_in(linux) == ["902"]
    splork.revert(str(linux))
    after = {path: path.read_bytes() for path in linux.rglob("*") if path.is_file()}
    assert after == before


def numbers_in(linux: Path) -> list[str]:
    table = (linux / "scripts/syscall.tbl").read_text()
    return re.findall(r"^9\d\d", table, re.MULTILINE)


def test_record_of_a_single_call_from_before(toys: Path, linux: Path) -> None:
    """Records of a tree had one number once, and a call keeps it all the same."""
    splork = library.load(SPLORK)
    library.load(toys).apply(str(linux))
    splork.apply(str(linux))
    library.load(toys).revert(str(linux))
    record = linux / ".syscraft" / "splork.json"
    text, count = re.subn(
        r'"numbers": \{\s*"splork": 902\s*\}', '"number": 902', record.read_text()
    )
    assert count == 1
    record.write_text(text)
    assert splork.apply(str(linux))[0] is Done.ALREADY
    assert splork.revert(str(linux))[0] is Done.REVERTED
