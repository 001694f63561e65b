"""Flavours of a kernel catch what a plain one lets pass, and name the author's line."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
from conftest import REPOSITORY

import syscraft as library
from syscraft.abi.discover import find_abi
from syscraft.build.flavour import find_flavour
from syscraft.emit.discover import generate
from syscraft.errors import ConfigError
from syscraft.guest.base import Ready
from syscraft.guest.discover import find_guest
from syscraft.guest.workload import Workload
from syscraft.lab.programs import compile_program
from syscraft.lab.verdict import kernel_trouble
from syscraft.tree.source import open_tree

from .machines import need_guests

FAULTS = REPOSITORY / "tests" / "kernel" / "faults"

# What is asked of faults(), what the kernel says, and what stands in the line it names.
CAUGHT = [
    ("debug", 1, "sleeping function called from invalid context", "kmalloc(16, GFP_KERNEL)"),
    ("debug", 2, "possible circular locking dependency", "mutex_lock(b)"),
    ("kasan", 3, "KASAN: slab-use-after-free", "READ_ONCE(entry->value)"),
    ("kasan", 5, "array-index-out-of-bounds", "READ_ONCE(faults_table[index])"),
]


@functools.cache
def prepared(guest: str, flavour: str) -> tuple[Ready, Path]:
    """A guest whose kernel makes mistakes on request, and the program that requests them."""
    need_guests([guest])
    declaration = library.load(FAULTS)
    work = Workload((declaration.call,), open_tree())
    found = find_guest(guest)
    key, name = next(iter(found.abis.items()))
    abi = find_abi(key)
    toolchain = next(t for t in abi.toolchains if t.name == name)
    program = compile_program(
        "make_fault.c",
        (FAULTS / "make_fault.c").read_text(),
        generate(declaration.call, work.numbers[0], (abi,)),
        FAULTS,
        toolchain,
    )
    assert program.binary, program.problem
    return found.prepare(work, find_flavour(flavour), print), program.binary


def said(guest: str, flavour: str, *arguments: str) -> str:
    """What the kernel's log has after one run of the program."""
    ready, program = prepared(guest, flavour)
    place = program if find_guest(guest).has.host_files else Path("/tests/make_fault")
    with ready.start({"tests/make_fault": program}) as session:
        session.run(
            [str(place), *arguments], cwd="/", env={},
            on_output=lambda _: None, on_error=lambda _: None, deadline_s=120,
        )  # fmt: skip
        return ready.explain(session.log())


@pytest.mark.parametrize(("flavour", "which", "words", "line"), CAUGHT)
def test_a_mistake_is_caught_with_the_authors_line(
    flavour: str, which: int, words: str, line: str
) -> None:
    trouble = kernel_trouble(said("uml", "debug+kasan", str(which), "4", "1"))
    assert trouble is not None, f"{flavour} has noticed nothing"
    assert words in trouble
    lines = (FAULTS / "faults.c").read_text().splitlines()
    number = next(n for n, text in enumerate(lines, 1) if line in text)
    assert f"faults.c:{number})" in trouble


def test_no_mistake_no_trouble() -> None:
    assert kernel_trouble(said("uml", "debug+kasan", "0", "1", "1")) is None


def test_an_architecture_without_the_checker_says_so() -> None:
    with pytest.raises(ConfigError, match=r"m68k has no proof of lock order \(lockdep\)"):
        prepared("m68k", "debug")
