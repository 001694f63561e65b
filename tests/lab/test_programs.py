"""A program is kept with all that its compiler read, and compiled anew when any of it changes."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from syscraft import proc
from syscraft.guest.host import host_abi
from syscraft.lab.programs import Program, compile_program, prerequisites
from syscraft.model.tests import TestProgram, from_file

TEXT = '#include "sub/x.h"\n#include "part.c"\nint main(void) { return X + part(); }\n'


@pytest.fixture
def compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Program]:
    """Compile a test of a folder; ``calls`` counts how often a compiler is started."""
    monkeypatch.setenv("SYSCRAFT_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "my folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "x.h").write_text("#define X 0\n")
    (folder / "part.c").write_text("static int part(void) { return 0; }\n")
    (folder / "test_a.c").write_text(TEXT)
    (tmp_path / "headers").mkdir()

    def go(test: TestProgram | None = None, level: str = "-O2") -> Program:
        test = test or from_file("test_a.c")
        toolchain = host_abi().toolchains[0]
        return compile_program(test, level, tmp_path / "headers", folder, toolchain)

    return go


def status(program: Program) -> int:
    assert program.binary is not None, program.problem
    return proc.run([str(program.binary)]).status


def test_same_files_same_program(
    compiled: Callable[..., Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = compiled()
    monkeypatch.setattr(proc, "run", None)  # no compiler is started
    assert compiled() == first
    assert first.key


@pytest.mark.parametrize("name", ["sub/x.h", "part.c"])
def test_changed_include_is_seen(
    compiled: Callable[..., Program], tmp_path: Path, name: str
) -> None:
    first = compiled()
    assert status(first) == 0
    path = tmp_path / "my folder" / name
    path.write_text(path.read_text().replace("0", "3"))
    second = compiled()
    assert status(second) == 3
    assert second.key != first.key


def test_header_that_comes_to_stand_before_another(
    compiled: Callable[..., Program], tmp_path: Path
) -> None:
    """It was never read, so no list of files names it."""
    test = replace(from_file("test_a.c"), includes=("sub",))
    source = tmp_path / "my folder" / "test_a.c"
    source.write_text(TEXT.replace("sub/x.h", "x.h"))
    assert status(compiled(test)) == 0
    (tmp_path / "headers" / "x.h").write_text("#define X 5\n")
    assert status(compiled(test)) == 5


def test_levels_are_programs_of_their_own(compiled: Callable[..., Program]) -> None:
    assert compiled(level="-O0").key != compiled(level="-O2").key


def test_damaged_program_is_compiled_anew(compiled: Callable[..., Program]) -> None:
    first = compiled()
    assert first.binary is not None
    first.binary.write_bytes(first.binary.read_bytes()[:100])
    assert status(compiled()) == 0
    os.unlink(first.binary)
    assert status(compiled()) == 0


def test_further_sources_folders_libraries_and_flags(
    compiled: Callable[..., Program], tmp_path: Path
) -> None:
    folder = tmp_path / "my folder"
    (folder / "main.c").write_text(
        '#include <math.h>\n#include "deep.h"\nint helper(void);\n'
        "int main(int argc, char **argv)\n"
        "{ (void)argv; return helper() + FLAG + DEEP + (int)sqrt(argc); }\n"
    )
    (folder / "helper.c").write_text("int helper(void) { return 10; }\n")
    (folder / "inc").mkdir()
    (folder / "inc" / "deep.h").write_text("#define DEEP 100\n")
    test = TestProgram(
        "suite", ("main.c", "helper.c"), includes=("inc",), libraries=("m",), flags=("-DFLAG=20",)
    )
    assert status(compiled(test)) == 131
    (folder / "helper.c").write_text("int helper(void) { return 11; }\n")
    assert status(compiled(test)) == 132


def test_compiler_error_can_be_repeated(compiled: Callable[..., Program], tmp_path: Path) -> None:
    (tmp_path / "my folder" / "test_a.c").write_text("int main(void) { return vlaue; }\n")
    program = compiled()
    assert program.binary is None
    assert not program.lacks
    assert "vlaue" in program.problem
    assert "repeat it: cd " in program.problem
    assert ".part" not in program.problem, "the folder is gone when a person reads this"


@pytest.mark.parametrize(
    ("rule", "files"),
    [
        ("a.o: a.c b.h\n", ("a.c", "b.h")),
        ("a.o: a.c \\\n /my\\ folder/b.h \\\n c.h\n", ("a.c", "/my folder/b.h", "c.h")),
        ("a.o: cost$$.h hash\\#.h\n\nb.h:\n", ("cost$.h", "hash#.h")),
    ],
)
def test_rules_of_compilers(rule: str, files: tuple[str, ...]) -> None:
    assert prerequisites(rule) == files
