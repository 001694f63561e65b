"""The data of calls: made again it is the same, and compilers' headers have the same numbers."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY, check_golden, missing_packages

from syscraft.abi.base import GENERIC_TABLE, Abi
from syscraft.abi.registry import all_abis, find_abi
from syscraft.errors import ExitStatus, TreeError
from syscraft.tree.headers import uapi_headers
from syscraft.tree.source import KernelTree, open_tree

sys.path.insert(0, str(REPOSITORY / "tools"))
import kernel_calls
import make_calls

RUNTIME = REPOSITORY / "src" / "syscraft" / "runtime"
DATA = RUNTIME / "data"
SIZE_AT_MOST = 300_000


def test_golden_calls_are_what_the_tree_says() -> None:
    files = make_calls.make(open_tree())
    for name, text in files.items():
        check_golden(RUNTIME / name, text)
    kept = {f"data/{path.name}" for path in DATA.iterdir()}
    assert kept == set(files) - {"calls.pyi"}


def test_data_are_small() -> None:
    assert sum(path.stat().st_size for path in DATA.iterdir()) < SIZE_AT_MOST


def numbers(abi: Abi) -> dict[str, int]:
    rows = json.loads((DATA / f"calls-{abi.key}.json").read_text())
    return {name: row if isinstance(row, int) else row[0] for name, row in rows.items()}


# Bounds and blocks of numbers.
NO_CALLS = set("syscalls arch_specific_syscall SYSCALL_MASK SYSCALL_BASE OABI_SYSCALL_BASE".split())
NO_CALLS.add("Linux")


def run(argv: list[str], text: str) -> str:
    return subprocess.run(argv, input=text, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("abi", all_abis(), ids=lambda abi: abi.key)
def test_numbers_are_those_of_the_compilers_headers(abi: Abi) -> None:
    toolchains = [t for t in abi.toolchains if t.libc or t.kernel_headers]
    if not toolchains:
        pytest.skip(f"Debian has no headers for {abi.key}")
    toolchain = next((t for t in toolchains if shutil.which(t.compiler)), None)
    if toolchain is None:
        missing_packages(toolchains[0].packages)
    argv = [toolchain.compiler, *toolchain.flags, "-E", "-P", "-x", "c"]
    if toolchain.kernel_headers:
        argv += ["-isystem", str(uapi_headers(abi.linux_arch))]
    argv.append("-")
    header = "#include <asm/unistd.h>\n"
    macros = run([*argv[:-1], "-dM", "-"], header)
    names = set(re.findall(r"^#define __NR_(\w+)", macros, re.MULTILINE)) - NO_CALLS
    said = run(argv, header + "".join(f"@ {name} __NR_{name}\n" for name in sorted(names)))
    found = {}
    for line in said.splitlines():
        if line.startswith("@ "):
            _, name, expression = line.split(" ", 2)
            found[name] = eval(expression)  # "(5000 + 3)", by a compiler
    ours = numbers(abi)
    assert len(found.keys() & ours.keys()) > 250
    assert {name: ours[name] for name in found if name in ours} == {
        name: number for name, number in found.items() if name in ours
    }
    # A header may have a second name for a number, such as getpid for getxpid.
    assert {name for name in found if name not in ours and found[name] not in ours.values()} == {
        name for name in found if kernel_calls._PLACEHOLDER.fullmatch(name)
    }


def tree(root: Path, files: dict[str, str]) -> KernelTree:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return KernelTree(root, "key", "linux")


def row_of(tmp_path: Path, source: dict[str, str], *, entry: str = "sys_toy") -> str:
    """The parameters of a call of a tree with one row, on riscv64."""
    made = tree(
        tmp_path,
        {
            GENERIC_TABLE.path: f"5 common toy {entry}\n6 32 other sys_other\n",
            "scripts/Makefile.asm-headers": "syscall_abis_64  += common,64\n",
            "arch/riscv/kernel/Makefile.syscalls": "syscall_abis_64 += riscv\n",
            **source,
        },
    )
    abi = find_abi("riscv64")
    (call,) = kernel_calls.calls_of(made, abi, kernel_calls.read_definitions(made))
    assert (call.name, call.number) == ("toy", 5)
    assert call.parameters is not None
    return call.parameters


ONE = "SYSCALL_DEFINE2(toy, const char __user *, path, /* bytes */ size_t,\n\t\tlen)\n{\n}\n"
OTHER = "SYSCALL_DEFINE1(toy, int, fd)\n{\n}\n"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"fs/toy.c": ONE}, "const char *path, size_t len"),
        # The architecture's own, and no other architecture's.
        ({"fs/toy.c": ONE, "arch/riscv/toy.c": OTHER}, "int fd"),
        ({"fs/toy.c": ONE, "arch/sh/toy.c": OTHER, "tools/toy.c": OTHER},
         "const char *path, size_t len"),
        ({"arch/riscv/a_32.c": ONE, "arch/riscv/a_64.c": OTHER}, "int fd"),
        # What the architecture's Kconfig selects.
        ({"fs/toy.c": f"#ifdef CONFIG_TOY\n{ONE}#else\n{OTHER}#endif\n"}, "int fd"),
        ({"fs/toy.c": f"#ifdef CONFIG_TOY\n{ONE}#else\n{OTHER}#endif\n",
          "arch/riscv/Kconfig": "config RISCV\n\tselect TOY\n"}, "const char *path, size_t len"),
        ({"fs/toy.c": f"#ifdef CONFIG_A\n#elif defined(CONFIG_B)\n{ONE}#else\n{OTHER}#endif\n"},
         "int fd"),
        ({"fs/toy.c": f"#ifndef CONFIG_TOY\n{ONE}#endif\n#ifdef CONFIG_TOY\n{OTHER}#endif\n"},
         "const char *path, size_t len"),
        ({"fs/toy-stubs.c": OTHER, "fs/toy.c": ONE}, "const char *path, size_t len"),
        # What the architecture's table file puts in its place.
        ({"fs/toy.c": ONE + OTHER.replace("toy", "toy2"),
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
    assert row_of(tmp_path, source) == expected


def test_an_entry_under_another_name(tmp_path: Path) -> None:
    assert row_of(tmp_path, {"fs/a.c": OTHER}, entry="sys_toy_wrapper") == "int fd"
    assert row_of(tmp_path, {}, entry="sys_rt_sigreturn") == ""


@pytest.mark.parametrize(
    ("source", "place", "message"),
    [
        ({}, "scripts/syscall.tbl:1", "toy: nothing defines sys_toy"),
        ({"fs/a.c": ONE, "fs/b.c": OTHER}, "fs/a.c", "toy: the definitions of sys_toy differ"),
        ({"fs/a.c": "\nSYSCALL_DEFINE2(toy, int, fd, WHATEVER(x))\n"}, "fs/a.c:2",
         "sys_toy: a macro's arguments are not pairs of type and name"),
        ({"fs/a.c": "\n\nSYSCALL_DEFINE1(toy, int (, fd)\n"}, "fs/a.c:3", "error: "),
    ],
)  # fmt: skip
def test_what_no_tree_may_have(
    tmp_path: Path, source: dict[str, str], place: str, message: str
) -> None:
    with pytest.raises(TreeError) as raised:
        row_of(tmp_path, source)
    assert message in str(raised.value)
    assert str(raised.value).startswith(f"linux/{place}: ")


def test_an_argument_that_is_no_c(tmp_path: Path) -> None:
    with pytest.raises(TreeError) as raised:
        row_of(tmp_path, {"fs/a.c": "SYSCALL_DEFINE1(toy, int, 5)\n"})
    assert str(raised.value).startswith("linux/fs/a.c:1: error: ")


@pytest.mark.parametrize(
    ("key", "files", "message"),
    [
        ("riscv64", {}, "linux/scripts/syscall.tbl: error: riscv64: the table is missing"),
        ("riscv64", {GENERIC_TABLE.path: "5 common toy sys_toy\n"},
         "linux/scripts/Makefile.asm-headers: error: riscv64: the words of its rows are not told"),
        ("sparc64",
         {"arch/sparc/kernel/syscalls/syscall.tbl": "5 common toy sys_toy\n",
          "arch/sparc/kernel/syscalls/Makefile": "cmd = --abis whatever $<\n"},
         "linux/arch/sparc/kernel/syscalls/Makefile: error: sparc64: the words of its rows are"),
    ],
)  # fmt: skip
def test_a_tree_that_is_laid_out_otherwise(
    tmp_path: Path, key: str, files: dict[str, str], message: str
) -> None:
    with pytest.raises(TreeError) as raised:
        kernel_calls.abi_rows(tree(tmp_path, files), find_abi(key))
    assert str(raised.value).startswith(message)


def test_the_tool_reports_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert make_calls.main(["--linux", str(tmp_path)]) == ExitStatus.USAGE
    assert "this is no Linux kernel tree" in capsys.readouterr().err


def test_the_tool_writes_and_removes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_calls, "RUNTIME", tmp_path)
    monkeypatch.setattr(make_calls, "make", lambda tree: {"data/a.json": "{}\n", "calls.pyi": ""})
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "calls-gone.json").write_text("{}")
    assert make_calls.main([]) == 0
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        "a.json", "calls.pyi",
    ]  # fmt: skip
