"""The whole text of everything generated for the examples."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import REPOSITORY, check_golden

import syscraft
from syscraft.abi.abi import Abi
from syscraft.abi.discover import all_abis

GOLDEN = REPOSITORY / "tests" / "golden"
CORE_SYSCALLS = REPOSITORY / "src/syscraft/runtime/core/generated/bare_syscalls.h"
EXAMPLES = sorted(path.parent for path in REPOSITORY.glob("examples/*/*.toml"))


# A plain one, one with another order and another byte order, one with almost everything else.
SOME_ABIS = ("x86_64", "arm64", "mips_o32")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_golden_files_for_programs(example: Path) -> None:
    files = syscraft.load(example.relative_to(REPOSITORY)).generate(abis=SOME_ABIS)
    for name, text in files.items():
        # bare_syscalls.h and ktap.h are the same for every call.
        shared = name in ("bare_syscalls.h", "ktap.h")
        check_golden(GOLDEN / ("shared" if shared else example.name) / name, text)


@pytest.mark.parametrize("abi", all_abis(), ids=lambda abi: abi.key)
def test_golden_abi(abi: Abi) -> None:
    """What one ABI adds to a header, as a program for nothing else would have it."""
    (text,) = for_one_abi(abi, "raw-header").values()
    check_golden(GOLDEN / "abi" / abi.key / "clone_nice_raw.h", text)


def for_one_abi(abi: Abi, only: str) -> dict[str, str]:
    loaded = syscraft.load(REPOSITORY.joinpath("examples", "clone_nice").relative_to(REPOSITORY))
    return loaded.generate(abis=[abi.key], only=[only])


@pytest.mark.parametrize("abi", all_abis(), ids=lambda abi: abi.key)
def test_bare_syscalls_of_one_abi(abi: Abi) -> None:
    """They are what the core's header, a golden file itself, has for the ABI, and no more."""
    (text,) = for_one_abi(abi, "bare-syscalls").values()
    core = sections(CORE_SYSCALLS.read_text())
    assert abi.macro in core
    assert sections(text) == {
        condition: lines
        for condition, lines in core.items()
        if condition in (BEFORE, AFTER, abi.macro)
    }


BEFORE, AFTER = "before all", "after all"


def sections(text: str) -> dict[str, list[str]]:
    """The lines under each condition of the header's one list of ABIs, and those around it."""
    found: dict[str, list[str]] = {BEFORE: []}
    where, depth = BEFORE, 0
    conditions = {
        f"#{word} {abi.macro}": abi.macro for abi in all_abis() for word in ("if", "elif")
    }
    for line in text.splitlines():
        if depth == 0 and where != AFTER and line in conditions:
            where = conditions[line]
            found[where] = []
            continue
        if where not in (BEFORE, AFTER):
            if line == "#endif" and depth == 0:
                where = AFTER
                found[where] = []
                continue
            depth += line.startswith("#if") - line.startswith("#endif")
        found[where].append(line)
    return found


def added(mail: str) -> str:
    """The message and what is added, without the lines around it: those are Debian's."""
    message, _, diffs = mail.partition("\n---\n")
    kept = [line for line in diffs.splitlines() if line.startswith(("+", "diff "))]
    return "\n".join([message, *kept]) + "\n"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_golden_patch(example: Path) -> None:
    change = syscraft.load(example.relative_to(REPOSITORY)).patch()
    name, mail = change.series[-1]
    check_golden(GOLDEN / example.name / name, added(mail))


def test_golden_files_are_all_made_by_something() -> None:
    made = {"shared/bare_syscalls.h", "shared/ktap.h"}
    for example in EXAMPLES:
        call = syscraft.load(example)
        made |= {f"{example.name}/{name}" for name in call.generate()}
        made |= {f"{example.name}/{call.patch().series[-1][0]}"}
    for abi in all_abis():
        made.add(f"abi/{abi.key}/clone_nice_raw.h")
    kept = {str(path.relative_to(GOLDEN)) for path in GOLDEN.rglob("*") if path.is_file()}
    assert kept <= made
