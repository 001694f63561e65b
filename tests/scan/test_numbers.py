"""Tables and headers of numbers, whole and spoilt."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scan.toys import ONE, make_tree
from syscraft.abi.abi import GENERIC_TABLE
from syscraft.abi.discover import find_abi
from syscraft.errors import TreeError
from syscraft.scan.read import KernelCalls, read_calls

TABLE = GENERIC_TABLE.path


def read(tmp_path: Path, files: dict[str, str]) -> KernelCalls:
    return read_calls(make_tree(tmp_path, {"fs/toy.c": ONE, **files}))


def names(calls: KernelCalls, key: str = "riscv64") -> dict[str, int]:
    return {name: entry.number for name, entry in calls.census.on(find_abi(key)).items()}


def told(calls: KernelCalls, path: str) -> list[str]:
    return [str(f) for f in calls.findings if f.where and f.where.path.endswith(path)]


def test_only_rows_of_the_abis_words(tmp_path: Path) -> None:
    assert names(read(tmp_path, {})) == {"toy": 5}


def test_a_conflict_in_a_table(tmp_path: Path) -> None:
    rows = (
        "4 common before sys_before\n<<<<<<< HEAD\n5 common toy sys_toy\n=======\n"
        "5 common yot sys_yot\n>>>>>>> theirs\n6 common after sys_after\n"
    )
    calls = read(tmp_path, {TABLE: rows})
    assert names(calls) == {"before": 4, "after": 6}
    said = told(calls, TABLE)
    assert said[0].startswith(f"linux/{TABLE}:2: ")
    assert "unresolved merge conflict in this table" in said[0]
    assert "neither side is read" in said[0]


def test_an_unknown_word(tmp_path: Path) -> None:
    rows = "5 common toy sys_toy\n6 comon slip sys_slip\n7 common after sys_after\n"
    calls = read(tmp_path, {TABLE: rows})
    assert names(calls) == {"toy": 5, "after": 7}
    said = told(calls, f"{TABLE}")
    assert said[0].startswith(f"linux/{TABLE}:2: ")
    assert "'comon' is not an ABI of this table" in said[0]
    assert "one of common" in said[0]


@pytest.mark.parametrize("line", ["6 common", "call seven", "6, common, slip, sys_slip"])
def test_a_line_that_is_no_row(tmp_path: Path, line: str) -> None:
    calls = read(tmp_path, {TABLE: f"# calls\n5 common toy sys_toy\n{line}\n7 64 b sys_b\n"})
    assert names(calls) == {"toy": 5, "b": 7}
    said = told(calls, TABLE)
    assert said[0].startswith(f"linux/{TABLE}:3: ")
    assert "invalid line in this table" in said[0]


@pytest.mark.parametrize(
    ("key", "files", "place", "message"),
    [
        ("riscv64", {TABLE: None}, TABLE, "riscv64: the table is missing"),
        ("riscv64", {"arch/riscv/kernel/Makefile.syscalls": None},
         "arch/riscv/kernel/Makefile.syscalls", "riscv64: cannot tell which rows apply"),
        ("sparc64",
         {"arch/sparc/kernel/syscalls/syscall.tbl": "5 common toy sys_toy\n",
          "arch/sparc/kernel/syscalls/Makefile": "cmd = --abis whatever $<\n"},
         "arch/sparc/kernel/syscalls/Makefile", "sparc64: cannot tell which rows apply"),
    ],
)  # fmt: skip
def test_a_tree_that_is_not_whole(
    tmp_path: Path, key: str, files: dict[str, str | None], place: str, message: str
) -> None:
    """Half of a copy is read as far as it goes."""
    present = {name: text for name, text in files.items() if text is not None}
    tree = make_tree(tmp_path, {"arch/alpha/kernel/syscalls/syscall.tbl": "9 common a sys_a\n",
                                "fs/toy.c": ONE, **present})  # fmt: skip
    for name in files.keys() - present.keys():
        (tmp_path / name).unlink()
    calls = read_calls(tree)
    assert any(message in said and f"linux/{place}" in said for said in told(calls, place))
    assert "alpha" in calls.census.abis  # the rest is read


def test_a_folder_that_is_no_kernel(tmp_path: Path) -> None:
    with pytest.raises(TreeError, match="not a kernel tree"):
        tree = make_tree(tmp_path, {})
        (tmp_path / "Makefile").write_text("all:\n")
        read_calls(tree)


def test_a_kernel_without_any_table(tmp_path: Path) -> None:
    tree = make_tree(tmp_path, {})
    (tmp_path / TABLE).unlink()
    with pytest.raises(TreeError, match="no system calls found"):
        read_calls(tree)


GENERIC = """\
#define __SC_COMP(_nr, _sys, _comp) __SYSCALL(_nr, _sys)
#define __NR_toy 5
__SYSCALL(__NR_toy, sys_toy)
#if defined(__ARCH_WANT_OLD) || __BITS_PER_LONG == 32
#define __NR_old (5 + 1)
__SC_COMP(__NR_old, sys_old, compat_sys_old)
#endif
#if __BITS_PER_LONG == 64
#define __NR_wide 7
__SYSCALL(__NR_wide, sys_wide)
#endif
#undef __NR_syscalls
#define __NR_syscalls 8
"""
HEADER = "arch/riscv/include/uapi/asm/unistd.h"
OLD_TREE = {
    "include/uapi/asm-generic/unistd.h": GENERIC,
    HEADER: "#define __ARCH_WANT_NOTHING\n#include <asm-generic/unistd.h>\n",
}


def old_tree(tmp_path: Path, files: dict[str, str]) -> KernelCalls:
    """A tree of before the generic table: its numbers are in a header."""
    tree = make_tree(tmp_path, {"fs/toy.c": ONE, **OLD_TREE, **files})
    (tmp_path / TABLE).unlink()
    return read_calls(tree)


def test_a_header_is_read_as_a_program_does(tmp_path: Path) -> None:
    calls = old_tree(tmp_path, {})
    assert names(calls) == {"toy": 5, "wide": 7}
    assert names(calls, "riscv32") == {"toy": 5, "old": 6}
    wanted = "#define __ARCH_WANT_OLD\n#include <asm-generic/unistd.h>\n"
    calls = old_tree(tmp_path / "other", {HEADER: wanted})
    assert names(calls) == {"toy": 5, "old": 6, "wide": 7}


def test_a_conflict_in_a_header(tmp_path: Path) -> None:
    spoilt = re.sub("#if __BITS", "<<<<<<< HEAD\n=======\n>>>>>>> theirs\n#if __BITS", GENERIC)
    calls = old_tree(tmp_path, {"include/uapi/asm-generic/unistd.h": spoilt})
    assert names(calls) == {"toy": 5, "wide": 7}
    said = told(calls, "asm-generic/unistd.h")
    assert said[0].startswith("linux/include/uapi/asm-generic/unistd.h:8: ")
    assert "unresolved merge conflict in this header" in said[0]


def test_half_a_header(tmp_path: Path) -> None:
    half = GENERIC[: GENERIC.index("#undef")] + "#if __BITS_PER_LONG == 64\n"
    calls = old_tree(tmp_path, {"include/uapi/asm-generic/unistd.h": half})
    assert names(calls) == {"toy": 5, "wide": 7}
