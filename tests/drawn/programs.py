"""Compiles the test programs of declarations: those of their cases, and the kernel's selftests."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import syscraft
from syscraft.emit.kernel.selftest import selftest_files
from syscraft.emit.kernel.uapi import uapi_header
from syscraft.tree.source import open_tree

_LINUX = "deb:6.12"
_WARNINGS = ("-Wall", "-Wextra", "-Werror")
# The harness has an unused parameter and compares signed with unsigned; variables that an author
# sets up are the author's.
_SELFTEST = (*_WARNINGS, "-Wno-unused-parameter", "-Wno-sign-compare", "-Wno-unused-value")
_CASES = (*_WARNINGS, "-Wno-unused-value")
# Names that every program has.
_EVERY = ("main", "exists", "returns_in_parent_and_child", "refuses_flags_that_clone_refuses")


def programs_of(declaration: syscraft.Declaration) -> dict[str, str]:
    """The C files of a declaration's selftest, and its uapi header, by their paths."""
    unit = declaration.unit
    files = {
        f"selftests/{unit.name}/{name}": text
        for name, text in selftest_files(unit).items()
        if name.endswith(".c")
    }
    if unit.shared.has_uapi:
        files[f"include/linux/{unit.name}.h"] = uapi_header(unit.shared)
    return files


def test_names(files: Mapping[str, str]) -> set[str]:
    """The functions that selftests have, but those that every one has."""
    found = {name for text in files.values() for name in re.findall(r"^TEST\((\w+)\)", text, re.M)}
    return found - set(_EVERY)


def compile_commands(
    folder: Path, cases: Sequence[str], selftests: Sequence[str], calls: Sequence[str]
) -> list[list[str | Path]]:
    """Put all programs into one file each for cases and selftests, and say how to compile them.

    Args:
        folder: where their files are.
        cases: files of cases there; *selftests*: paths of selftests below it.
        calls: the names of all calls.
    """
    commands: list[list[str | Path]] = []
    if cases:
        text = "".join(_renamed(n, name, case_count=9) for n, name in enumerate(cases))
        (folder / "cases.c").write_text(text)
        for compiler in ("gcc", "clang"):
            commands.append([compiler, "-std=gnu11", *_CASES, "-fsyntax-only", "-I", folder,
                             folder / "cases.c"])  # fmt: skip
    if selftests:
        for name, text in _harness().items():
            (folder / "selftests" / name).write_text(text)
        head = '#define _GNU_SOURCE\n#include "selftests/kselftest_harness.h"\n'
        head += "TEST_HARNESS_MAIN\n#undef TEST_HARNESS_MAIN\n#define TEST_HARNESS_MAIN\n"
        numbers = "".join(
            f"#define __NR_{name} {900 + place}\n" for place, name in enumerate(calls)
        )
        programs = "".join(_renamed(n, path) for n, path in enumerate(selftests))
        (folder / "selftests.c").write_text(head + numbers + programs)
        for compiler in ("gcc", "clang", "i686-linux-gnu-gcc"):
            commands.append([compiler, "-std=gnu11", *_SELFTEST, "-fsyntax-only",
                             "-I", folder / "include", folder / "selftests.c"])  # fmt: skip
    return commands


def _renamed(number: int, path: str, case_count: int = 0) -> str:
    """Include a program whose own functions have other names than those of the next."""
    names = [*_EVERY, *(f"case_{n}" for n in range(1, case_count))]
    return (
        "".join(f"#define {name} {name}_of_{number}\n" for name in names)
        + f'#include "{path}"\n'
        + "".join(f"#undef {name}\n" for name in names)
    )


@functools.cache
def _harness() -> dict[str, str]:
    folder = open_tree(_LINUX).root / "tools" / "testing" / "selftests"
    names = ("kselftest_harness.h", "kselftest.h")
    return {name: (folder / name).read_text(encoding="utf-8") for name in names}
