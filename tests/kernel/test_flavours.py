"""Flavours of a kernel catch what a plain one lets pass, and name the author's line."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import pytest
from conftest import Syscraft

from kernel.examples import EXAMPLES
from kernel.machines import FAULTS, TOGETHER, need_guests, ready
from syscraft.api import load
from syscraft.errors import ConfigError
from syscraft.guest.discover import find_guest
from syscraft.guest.workload import Workload
from syscraft.lab.plan import headers_for, toolchains
from syscraft.lab.programs import compile_program
from syscraft.lab.verdict import kernel_trouble
from syscraft.model.tests import from_file
from syscraft.tree.source import open_tree

# The examples' own tests run on it as well, so they are in the same kernel.
CHECKED = (*EXAMPLES, FAULTS)
BOTH = "debug+kasan"

# What is asked of faults(), what the kernel says, and what stands in the line it names.
CAUGHT = [
    (1, "sleeping function called from invalid context", "kmalloc(16, GFP_KERNEL)"),
    (2, "possible circular locking dependency", "mutex_lock(b)"),
    (3, "KASAN: slab-use-after-free", "READ_ONCE(entry->value)"),
    (5, "KASAN: global-out-of-bounds", "READ_ONCE(faults_table[index])"),
    (6, "UBSAN: shift-out-of-bounds", "1 << (16 * by)"),
]


@functools.cache
def program(guest: str, declarations: tuple[Path, ...]) -> Path:
    """What makes a mistake on request, with the number that the call has in that kernel."""
    found = find_guest(guest)
    work = Workload(tuple(load(path).unit for path in declarations), open_tree("deb:6.12"))
    _, toolchain = toolchains(found)[0]
    made = compile_program(
        from_file("make_fault.c"), "-O2", headers_for(found, work), FAULTS, toolchain
    )
    assert made.binary, made.problem
    return made.binary


def said(guest: str, flavour: str, declarations: tuple[Path, ...], *arguments: object) -> str:
    """What the kernel's log has after one run of the program."""
    prepared = ready(guest, flavour, declarations)
    binary = program(guest, declarations)
    with prepared.start() as session:
        session.run(
            [str(binary), *map(str, arguments)], cwd="/", env={},
            on_output=lambda _: None, on_error=lambda _: None, deadline_s=40,
        )  # fmt: skip
        return prepared.explain(session.log())


def line_of(text: str) -> int:
    lines = (FAULTS / "faults.c").read_text().split("\n")
    return next(number for number, line in enumerate(lines, 1) if text in line)


@pytest.mark.parametrize(("which", "words", "line"), CAUGHT)
def test_a_mistake_is_caught_with_the_authors_line(which: int, words: str, line: str) -> None:
    trouble = kernel_trouble(said("uml", BOTH, CHECKED, which, 4, 1))
    assert trouble is not None, "the kernel has noticed nothing"
    assert words in trouble
    assert f"faults.c:{line_of(line)})" in trouble


def test_a_race_on_two_processors_is_caught() -> None:
    trouble = kernel_trouble(said("x86_64", "debug", TOGETHER, 4, 200_000, 4))
    assert trouble is not None, "the kernel has noticed nothing"
    first, last = line_of("list_without_lock(int times)"), line_of("index_too_large(int index)")
    assert any(f"faults.c:{number})" in trouble for number in range(first, last)), trouble


def test_two_processors_are_there() -> None:
    output = bytearray()
    with ready("x86_64", "debug", TOGETHER).start() as session:
        session.run(
            ["nproc"], cwd="/", env={"PATH": "/usr/bin:/bin"},
            on_output=output.extend, on_error=output.extend, deadline_s=60,
        )  # fmt: skip
    assert output == b"2\n"


def test_no_mistake_no_trouble() -> None:
    assert kernel_trouble(said("uml", BOTH, CHECKED, 0, 1, 1)) is None


def test_the_examples_pass_on_it(syscraft: Syscraft) -> None:
    done = syscraft("test", *CHECKED, "--kernel", BOTH, "--json")
    rows = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert {row["verdict"] for row in rows} == {"PASS"}, done.stderr
    assert {row["kernel"] for row in rows} == {BOTH}


def test_a_mistake_is_a_crash_of_its_test(syscraft: Syscraft, tmp_path: Path) -> None:
    """As a user sees it: the verdict, the cause and the line, and how to repeat it."""
    folder = tmp_path / "faults"
    folder.mkdir()
    for name in ("faults.c", "make_fault.c"):
        (folder / name).write_text((FAULTS / name).read_text())
    test = '[[tests]]\nsources = ["make_fault.c"]\nargs = ["1", "1", "1"]\nlevels = ["-O2"]\n'
    text = (FAULTS / "faults.toml").read_text()
    (folder / "faults.toml").write_text(f"{text}\n{test}")
    done = syscraft("test", *EXAMPLES, folder, "--kernel", BOTH, "--json")
    assert done.returncode == 1, done.stderr
    (row,) = [row for row in json.loads(done.stdout) if row["test"] == "make_fault.c"]
    assert row["verdict"] == "CRASH"
    assert f"{folder}/faults.c:{line_of('kmalloc(16, GFP_KERNEL)')})" in row["detail"]
    assert f"--kernel {BOTH} --again" in done.stderr


def test_an_architecture_without_the_checker_says_so(syscraft: Syscraft) -> None:
    need_guests(["m68k"])
    with pytest.raises(ConfigError, match=r"m68k has no lock order checker \(lockdep\)"):
        ready("m68k", "debug")
    done = syscraft("test", FAULTS, "--on", "m68k", "--kernel", "kasan")
    assert done.returncode == 3
    assert done.stderr.count("m68k has no memory access checker (KASAN)") == 1


def test_an_option_that_does_not_exist_or_breaks_the_boot(syscraft: Syscraft) -> None:
    done = syscraft("test", *CHECKED, "--kconfig", "SPLORK_OF_MINE=y")
    assert done.returncode == 3
    assert done.stderr.count("this kernel has no option CONFIG_SPLORK_OF_MINE") == 1
    assert "--kconfig SPLORK_OF_MINE=y" in done.stderr
    done = syscraft("run", *CHECKED, "--kconfig", "BINFMT_ELF=n", "--", "true")
    assert done.returncode in (3, 125), done.stderr
    assert "BINFMT_ELF" in done.stderr or "Kernel panic" in done.stderr
