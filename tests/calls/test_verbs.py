"""syscraft show, list and registry: what a user sees."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from conftest import Syscraft
from scan.toys import ONE, TWO, make_tree

from syscraft.abi.abi import GENERIC_TABLE


def test_show_clone_in_each_of_its_orders(syscraft: Syscraft) -> None:
    done = syscraft("show", "clone")
    assert done.returncode == 0
    assert done.stdout.count("long clone(") == 4
    assert "r2=newsp r3=clone_flags r4=parent_tidptr r5=child_tidptr r6=tls" in done.stdout
    assert "rdi=clone_flags rsi=newsp rdx=parent_tidptr r10=child_tidptr r8=tls" in done.stdout
    assert "a3 tells whether it is a positive errno" in done.stdout
    assert "kernel/fork.c:" in done.stdout
    assert "clone(2)" in done.stdout


def test_show_wide_values_in_the_registers_of_each_abi(syscraft: Syscraft) -> None:
    abis = ("arm", "i386", "mips_o32", "ppc", "x86_64")
    done = syscraft("show", "pread64", *[word for key in abis for word in ("--abi", key)])
    rows = {line.split()[0]: line for line in done.stdout.splitlines() if line.startswith("  ")}
    assert "r3=- r4=pos:low r5=pos:high" in rows["arm"]
    assert "esi=poslo edi=poshi" in rows["i386"]
    assert "16(sp)=pos:high 20(sp)=pos:low" in rows["mips_o32"]
    assert "r6=reg6 r7=pos1 r8=pos2" in rows["ppc"]
    assert "r10=pos " in rows["x86_64"]


def test_show_a_call_with_more_arguments_than_registers(syscraft: Syscraft) -> None:
    """The kernel takes the seventh from the stack. Source: arch/mips/kernel/scall32-o32.S, 6.12"""
    told = syscraft("show", "sync_file_range", "--abi", "mips_o32").stdout
    assert "16(sp)=nbytes:high 20(sp)=nbytes:low 24(sp)=flags " in told


def test_show_keeps_what_each_pointer_points_to(syscraft: Syscraft) -> None:
    told = syscraft("show", "execve", "--abi", "x86_64").stdout
    assert "const char __user *const __user *argv" in told
    assert "struct iocb __user * __user *iocbpp" in syscraft("show", "io_submit").stdout


@pytest.mark.parametrize(
    ("words", "name"),
    [(("435", "--abi", "mips_n64"), "clone3"), (("5435", "--abi", "mips_n64"), "clone3"),
     (("0x400001b3",), "clone3"), (("56", "--abi", "x86_64"), "clone")],
)  # fmt: skip
def test_show_who_has_a_number(syscraft: Syscraft, words: tuple[str, ...], name: str) -> None:
    done = syscraft("show", *words)
    assert done.stdout.startswith(f"{name}: Linux 6.12")


def test_show_one_that_is_gone(syscraft: Syscraft) -> None:
    done = syscraft("show", "lookup_dcookie", "--abi", "x86_64")
    assert "The number is reserved, but Linux no longer has the call." in done.stdout


def test_show_for_machines(syscraft: Syscraft) -> None:
    (call,) = json.loads(syscraft("show", "openat2", "--abi", "arm64", "--json").stdout)
    assert call["since"] == "6.1"
    (on,) = call["abis"]
    assert on["number"] == 437
    assert [p["struct"] for p in on["parameters"]] == [None, None, "open_how", None]
    assert [r["register"] for r in on["registers"]] == ["x0", "x1", "x2", "x3"]
    assert on["path"] == "fs/open.c"
    (row,) = csv.DictReader(
        io.StringIO(syscraft("show", "openat2", "--abi", "arm64", "--csv").stdout)
    )
    assert row["number"] == "437"
    assert row["registers"] == "x0=dfd x1=filename x2=how x3=usize"


def test_list(syscraft: Syscraft) -> None:
    every = syscraft("list").stdout.splitlines()
    assert len(every) > 600
    new = syscraft("list", "--since", "6.12").stdout
    assert "statmount" in new
    assert "openat2" not in new
    (line,) = syscraft("list", "--abi", "s390x", "--grep", "OPEN_HOW").stdout.splitlines()
    assert line.split()[:3] == ["437", "openat2", "6.1"]
    ours = json.loads(syscraft("list", "--abi", "riscv64", "--json").stdout)
    numbers = [call["abis"][0]["number"] for call in ours]
    assert numbers == sorted(numbers)
    rows = list(csv.DictReader(io.StringIO(syscraft("list", "--grep", "clone3", "--csv").stdout)))
    assert {row["abi"] for row in rows} >= {"x86_64", "alpha"}
    nothing = syscraft("list", "--grep", "no such call")
    assert (nothing.returncode, nothing.stdout) == (0, "")
    assert "no call matches" in nothing.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("show", "opena2"), "did you mean 'openat2'"),
        (("show", "9999"), "no call has the number 9999"),
        (("show", "-1"), "No such option"),
        (("show", "clone", "--abi", "z80"), "z80"),
        (("show", "fork", "--abi", "arm64"), "fork is not a call of arm64"),
        (("show", "clone", "--json", "--csv"), "--json and --csv are mutually exclusive"),
        (("show", "clone", "--data", "."), "this folder has no data of kernels"),
        (("list", "--since", "x"), "not a kernel version"),
        (("list", "--run", "--grep", "x"), "these options cannot be combined"),
        (("list", "--json", "--csv"), "--json and --csv are mutually exclusive"),
        (("registry", "build"), "Missing argument"),
        (("registry", "build", "nowhere"), "nowhere"),
        (("registry", "diff", "6.1", "5.99"), "5.99"),
    ],
)
def test_wrong_questions(
    syscraft: Syscraft, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    done = syscraft(*words, cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in done.stderr


def test_build_writes_all_or_nothing(syscraft: Syscraft, tmp_path: Path) -> None:
    for name in ("a", "b"):
        make_tree(tmp_path / name, {"fs/toy.c": ONE})
    done = syscraft("registry", "build", "a", "nowhere", "-o", "out", cwd=tmp_path)
    assert done.returncode == 2
    done = syscraft("registry", "build", "a", "b", "-o", "out", cwd=tmp_path)
    assert done.returncode == 2
    assert "out/6.12.json: error: two trees would be written to one file" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    done = syscraft("registry", "build", "a", "-o", "a/Makefile", cwd=tmp_path)
    assert done.returncode == 2
    assert "a/Makefile: error: the output is not a folder" in done.stderr


def test_build_and_diff(syscraft: Syscraft, tmp_path: Path) -> None:
    make_tree(tmp_path / "a", {"fs/toy.c": ONE})
    make_tree(tmp_path / "b", {
        "fs/toy.c": TWO, "fs/b.c": "SYSCALL_DEFINE1(toy2, int, ARG(x))\n",
        GENERIC_TABLE.path: "5 common toy sys_toy\n6 common toy2 sys_toy2\n",
        "Makefile": "VERSION = 7\nPATCHLEVEL = 2\n",
    })  # fmt: skip
    done = syscraft("registry", "build", "a", "b", cwd=tmp_path)
    assert done.returncode == 1  # with findings: the trees have no other table
    assert "6.12.json: 1 calls of 6.12.3" in done.stdout
    assert "fs/b.c:1: error: the parameters of sys_toy2 cannot be read" in done.stderr
    assert "arch/alpha/kernel/syscalls/syscall.tbl" in done.stderr
    said = json.loads(syscraft("registry", "build", "b", "--json", cwd=tmp_path).stdout)
    assert {"fs/b.c"} < {Path(f["path"]).relative_to("b").as_posix() for f in said if f["path"]}
    for before, after in (("6.12.json", "7.2.json"), ("a", "b"), ("a", "7.2.json")):
        done = syscraft("registry", "diff", before, after, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
        assert lines[0] == "6.12.3 to 7.2.0: 2 changes"
        assert "appeared toy2 6 all ABIs" in lines
        assert "parameters changed toy int fd -> const char *path, size_t len all ABIs" in lines
    shown = syscraft("show", "toy2", "--data", ".", cwd=tmp_path)
    assert "new in 7.2" in shown.stdout
    assert "The parameters are unknown." in shown.stdout


def test_diff_of_what_is_shipped(syscraft: Syscraft) -> None:
    changes = json.loads(syscraft("registry", "diff", "6.1", "6.12", "--json").stdout)
    appeared = {change["name"] for change in changes if change["change"] == "appeared"}
    assert {"cachestat", "fchmodat2", "statmount", "mseal"} < appeared
    assert {"change": "retired", "name": "lookup_dcookie"}.items() <= {
        k: v for change in changes if change["name"] == "lookup_dcookie" for k, v in change.items()
    }.items()
