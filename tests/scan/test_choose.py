"""Which definition a row enters, and how it is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from scan.toys import ONE, TWO, make_tree
from syscraft.abi.abi import GENERIC_TABLE
from syscraft.abi.discover import find_abi
from syscraft.calls.census import Definition, Entry
from syscraft.scan.definitions import CallFinding
from syscraft.scan.read import KernelCalls, read_calls


def read(tmp_path: Path, source: dict[str, str], *, entry: str = "sys_toy") -> KernelCalls:
    return read_calls(
        make_tree(tmp_path, {GENERIC_TABLE.path: f"5 common toy {entry}\n", **source})
    )


def toy(calls: KernelCalls) -> Entry:
    (call,) = calls.census.on(find_abi("riscv64")).values()
    assert (call.name, call.number) == ("toy", 5)
    return call


def definition_of(calls: KernelCalls) -> Definition:
    definition = toy(calls).definition
    assert definition is not None
    return definition


def told(calls: KernelCalls, path: str) -> list[str]:
    """Findings of one file; a tree this small lacks every other table."""
    return [str(f) for f in calls.findings if f.where and f.where.path.endswith(path)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"fs/toy.c": TWO}, "const char *path, size_t len"),
        # The architecture's own, and no other architecture's.
        ({"fs/toy.c": TWO, "arch/riscv/toy.c": ONE}, "int fd"),
        ({"fs/toy.c": TWO, "arch/sh/toy.c": ONE, "tools/toy.c": ONE},
         "const char *path, size_t len"),
        ({"arch/riscv/a_32.c": TWO, "arch/riscv/a_64.c": ONE}, "int fd"),
        # What the architecture's Kconfig selects.
        ({"fs/toy.c": f"#ifdef CONFIG_TOY\n{TWO}#else\n{ONE}#endif\n"}, "int fd"),
        ({"fs/toy.c": f"#ifdef CONFIG_TOY\n{TWO}#else\n{ONE}#endif\n",
          "arch/riscv/Kconfig": "config RISCV\n\tselect TOY\n"}, "const char *path, size_t len"),
        ({"fs/toy.c": f"#ifdef CONFIG_A\n#elif defined(CONFIG_B)\n{TWO}#else\n{ONE}#endif\n"},
         "int fd"),
        ({"fs/toy.c": f"#ifndef CONFIG_TOY\n{TWO}#endif\n#ifdef CONFIG_TOY\n{ONE}#endif\n"},
         "const char *path, size_t len"),
        ({"fs/toy-stubs.c": ONE, "fs/toy.c": TWO}, "const char *path, size_t len"),
        # What the architecture's table file puts in its place.
        ({"fs/toy.c": TWO + ONE.replace("toy", "toy2"),
          "arch/riscv/table.c": "#define sys_toy sys_toy2\n"}, "int fd"),
        # Halves of one value; a function; a prototype.
        ({"fs/toy.c": "SYSCALL_DEFINE3(toy, int, fd, SC_ARG64(mask))\n"}, "int fd, u64 mask"),
        ({"arch/riscv/toy.c": "asmlinkage long sys_toy(struct pt_regs *regs, int fd)\n{\n}\n"},
         "int fd"),
        ({"include/linux/syscalls.h": "asmlinkage long sys_toy(int fd, void __user *p);\n"},
         "int fd, void *p"),
        ({"fs/toy.c": "SYSCALL_DEFINE1(toy, const clockid_t, clock)\n"}, "clockid_t clock"),
    ],
)  # fmt: skip
def test_the_right_definition(tmp_path: Path, source: dict[str, str], expected: str) -> None:
    assert definition_of(read(tmp_path, source)).user_text == expected


def test_an_entry_under_another_name(tmp_path: Path) -> None:
    calls = read(tmp_path, {"fs/a.c": ONE}, entry="sys_toy_wrapper")
    assert definition_of(calls).text == "int fd"


def test_an_entry_in_assembly(tmp_path: Path) -> None:
    source = {"arch/riscv/kernel/entry.S": "\nENTRY(sys_rt_sigreturn)\n"}
    found = definition_of(read(tmp_path, source, entry="sys_rt_sigreturn"))
    assert (found.path, found.line, found.assembly) == ("arch/riscv/kernel/entry.S", 2, True)


def test_what_removes_a_definition(tmp_path: Path) -> None:
    source = {
        "Kbuild": "obj-y += fs/\n",
        "fs/Makefile": "obj-$(CONFIG_TOYS) += box/\n",
        "fs/box/Makefile": "obj-$(CONFIG_TOY) += \\\n\tother.o toy.o\n",
        "fs/box/toy.c": f"#ifndef CONFIG_TINY\n{ONE}#endif\n",
        "kernel/sys_ni.c": "COND_SYSCALL(toy);\n",
    }
    found = definition_of(read(tmp_path, source))
    assert found.removed_by == ("CONFIG_TOYS", "CONFIG_TOY", "!CONFIG_TINY")
    assert found.optional
    assert found.line == 2


def test_several_definitions_that_all_may_be_the_one(tmp_path: Path) -> None:
    calls = read(tmp_path, {"fs/a.c": TWO, "fs/b.c": ONE})
    assert definition_of(calls).path == "fs/a.c"
    (said,) = told(calls, "scripts/syscall.tbl")
    assert said.startswith("linux/scripts/syscall.tbl:1: ")
    assert "toy: the definitions of sys_toy differ" in said
    assert "(int fd) in fs/b.c:1" in said
    assert "using the first one" in said


def test_a_row_that_nothing_defines(tmp_path: Path) -> None:
    calls = read(tmp_path, {})
    assert toy(calls).definition is None
    said = told(calls, "scripts/syscall.tbl")
    assert "linux/scripts/syscall.tbl:1: " in said[0]
    assert "toy: no definition of sys_toy" in said[0]
    assert "define it with SYSCALL_DEFINEn(toy, ...), or remove the row" in said[0]


def test_a_function_without_the_macro(tmp_path: Path) -> None:
    text = f"{ONE.replace('toy', 'other')}\nasmlinkage long sys_toy(int fd)\n{{\n\treturn 0;\n}}\n"
    said = told(read(tmp_path, {"fs/a.c": text}), "scripts/syscall.tbl")
    assert "fs/a.c:5 defines it without the macro" in said[0]


@pytest.mark.parametrize(
    ("entry", "right"),
    [
        ("__x64_sys_toy", "sys_toy"),
        ("sys_sys_toy", "sys_toy"),
        ("__se_sys_toy", "sys_toy"),
        ("__do_sys_toy", "sys_toy"),
        ("__ia32_compat_sys_toy", "compat_sys_toy"),
    ],
)
def test_a_prefix_that_the_kernel_adds(tmp_path: Path, entry: str, right: str) -> None:
    read_row = {"fs/a.c": ONE + ONE.replace("toy", "read")}
    table = f"4 common read sys_read\n5 common toy {entry}\n"
    calls = read_calls(make_tree(tmp_path, {GENERIC_TABLE.path: table, **read_row}))
    (said,) = told(calls, "scripts/syscall.tbl")
    assert said.startswith("linux/scripts/syscall.tbl:2: error: the entry of toy has a prefix")
    assert f"write {right}" in said


def test_kernels_that_want_the_prefix(tmp_path: Path) -> None:
    """4.17 to 5.6 have it in every row."""
    table = "4 common read __x64_sys_read\n5 common toy __x64_sys_toy\n"
    source = {"fs/a.c": ONE + ONE.replace("toy", "read")}
    calls = read_calls(make_tree(tmp_path, {GENERIC_TABLE.path: table, **source}))
    assert not told(calls, "scripts/syscall.tbl")


def test_a_call_without_a_row(tmp_path: Path) -> None:
    calls = read(tmp_path, {"fs/a.c": ONE, "fs/b.c": "\n" + ONE.replace("toy", "lost")})
    (said,) = told(calls, "fs/b.c")
    assert said.startswith("linux/fs/b.c:2: error: no table has a row for lost")
    assert "syscraft import" in said
    assert not told(calls, "fs/a.c")


@pytest.mark.parametrize(
    "other",
    [
        "#define __riscv_sys_toy __riscv_sys_lost\n" + ONE.replace("toy", "lost"),
        "COMPAT_" + ONE.replace("toy", "lost"),
        "asmlinkage long sys_lost(int fd);\n",
    ],
    ids=["renamed", "compat", "prototype"],
)
def test_what_needs_no_row(tmp_path: Path, other: str) -> None:
    assert not told(read(tmp_path, {"fs/a.c": ONE, "arch/riscv/b.c": other}), "b.c")


@pytest.mark.parametrize(
    "text",
    [
        "SYSCALL_DEFINE2(toy, int, fd, WHATEVER(x))",
        "SYSCALL_DEFINE2(toy, ARGS(int, fd), ARGS(int, how))",
        "SYSCALL_DEFINE1(toy, int (, fd)",
        "SYSCALL_DEFINE1(toy, int, 5)",
        "SYSCALL_DEFINE2(toy, int)",
        "SYSCALL_DEFINE1(toy, int, fd, int, how)",
        "SYSCALL_DEFINE3(toy, SC_ARG64(where))",
    ],
)
def test_a_macro_that_only_a_compiler_can_read(tmp_path: Path, text: str) -> None:
    calls = read(tmp_path, {"fs/a.c": f"\n\n{text}\n{{\n}}\n", "fs/b.c": TWO})
    assert definition_of(calls).path == "fs/b.c"  # the rest is read
    (said,) = told(calls, "fs/a.c")
    assert said.startswith("linux/fs/a.c:3: ")
    assert "the parameters of sys_toy cannot be read" in said
    # Who looks for a call asks by its name, not by words of a message.
    assert [f.symbol for f in calls.findings if isinstance(f, CallFinding)] == ["sys_toy"]


def test_a_conflict_in_a_source(tmp_path: Path) -> None:
    conflict = f"<<<<<<< HEAD\n{TWO}=======\n{TWO}>>>>>>> theirs\n"
    calls = read(tmp_path, {"fs/a.c": f"\n{conflict}"})
    assert definition_of(calls).text == "const char __user *path, size_t len"
    (said,) = told(calls, "fs/a.c")
    assert said.startswith("linux/fs/a.c:2: ")
    assert "unresolved merge conflict in this file" in said
