"""Several calls in one declaration: what they share is there once, for programs and in files."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY, Syscraft, need_tool

import syscraft as library
from syscraft.errors import UsageError
from syscraft.model.call import NumberPolicy
from syscraft.model.compile import load

RING = REPOSITORY / "examples" / "ring"


def test_what_is_said_above_is_said_for_each(toys: Path) -> None:
    move, find, stop = library.load(toys).calls
    assert [move.missing, find.missing, stop.missing] == ["ENOTSUP", "ENODEV", "ENOTSUP"]
    assert move.number.policy is NumberPolicy.PRIVATE
    assert (find.number.policy, find.number.fixed) == (NumberPolicy.FIXED, 950)
    assert (find.description, move.description) == ("Stores where it is.", "")
    assert move.shared is find.shared
    assert move.shared.call_names == ("toy_move", "toy_find", "toy_stop")
    assert [packed.name for packed in move.shared.packed] == ["toy_find_args", "toy_stop_args"]
    assert move.packed is None


def test_only_one_call_was_asked_for(toys: Path) -> None:
    with pytest.raises(UsageError, match="several calls"):
        load(toys)


@pytest.mark.parametrize("order", [("toy_move", "toy_find"), ("toy_stop", "toy_move")])
@pytest.mark.parametrize("compiler", ["gcc", "clang", "g++", "clang++"])
def test_headers_in_one_file(
    compiler: str, order: tuple[str, str], toys: Path, tmp_path: Path
) -> None:
    """One definition of struct and constants, whichever header comes first."""
    need_tool(compiler)
    library.load(toys).write(tmp_path)
    source = tmp_path / ("use.cc" if "++" in compiler else "use.c")
    names = [f"{name}{suffix}.h" for suffix in ("", "_raw") for name in order]
    source.write_text(
        "".join(f'#include "{name}"\n' for name in names)
        + "struct toy_point point;\nstruct toy_find_args find;\nstruct toy_stop_args stop;\n"
        "int main(void)\n{\n\treturn TOY_FAST == sizeof(stop);\n}\n"
    )
    done = subprocess.run(
        [compiler, "-Wall", "-Wextra", "-Werror", "-pedantic", source, "-o", tmp_path / "use"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_modules_share_a_class(toys: Path, tmp_path: Path) -> None:
    library.load(toys).write(tmp_path)
    script = (
        "import toy_find, toy_move, toy_stop\n"
        "assert toy_find.ToyPoint is toy_move.ToyPoint is toy_stop.ToyPoint\n"
        "assert toy_find.TOY_FAST == toy_move.TOY_FAST == 1\n"
        "assert toy_find.ToyFindArgs._fields_[-1][0] == '__pad0'\n"
        "assert not hasattr(toy_move, 'ToyFindArgs')\n"
        "try:\n    toy_move.toy_move(toy_move.ToyPoint(1, 2), toy_find.TOY_FAST)\n"
        "except OSError as error:\n    print(error.errno)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout == f"{errno.ENOTSUP}\n"


def test_a_constant_as_wide_as_long(toys: Path, tmp_path: Path) -> None:
    text = (toys / "toys.toml").read_text()
    wide = '[[flags]]\nname = "TOY_ALL"\nvalue = "~0UL"\n\n'
    (toys / "toys.toml").write_text(text.replace("[[calls]]", f"{wide}[[calls]]", 1))
    library.load(toys).write(tmp_path)
    script = (
        "import ctypes, toy_find, toys_types\n"
        "bits = 8 * ctypes.sizeof(ctypes.c_long)\n"
        "assert toy_find.TOY_ALL == toys_types.TOY_ALL == 2**bits - 1\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_calls_that_share_no_type_need_no_module(toys: Path) -> None:
    text = (toys / "toys.toml").read_text()
    text = text.replace('structs = "struct toy_point { __u32 x; __u32 y; };"', "")
    text = text.replace('[[flags]]\nname = "TOY_FAST"\nvalue = "0x1"\n', "")
    text = text.replace("struct toy_point", "void").replace("TOY_FAST", "1")
    (toys / "toys.toml").write_text(text)
    body = (toys / "toys.c").read_text()
    (toys / "toys.c").write_text(body.replace("struct toy_point", "void"))
    assert "toys_types.py" not in library.load(toys).generate()


def test_cases_of_one_may_use_the_others() -> None:
    files = library.load(RING).generate(abis=["x86_64"], only=["cases"])
    assert list(files) == ["test_ring_put_cases.c", "test_ring_get_cases.c"]
    for text in files.values():
        assert text.index('#include "ring_put.h"') < text.index('#include "ring_get.h"')


def test_check_judges_every_call(toys: Path, syscraft: Syscraft) -> None:
    text = (toys / "toys.toml").read_text()
    (toys / "toys.toml").write_text(text + '\n[calls.silence]\nL2 = "none"\n')
    done = syscraft("check", toys)
    assert done.returncode == 1
    line = text.count("\n") + 3
    assert f"toys.toml:{line}:1: error: " in done.stderr
    assert "toys: " in done.stdout
