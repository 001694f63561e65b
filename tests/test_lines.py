"""Lines are those of gcc, git and TOML."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import syscraft
from syscraft.emit.kernel.source import kernel_source
from syscraft.lines import split_lines, whole_lines
from syscraft.tree.edit import FileEdit, Insertion

# What str.splitlines() takes for line ends, and nobody else here does.
OTHERS = ["\f", "\v", "\x1c", "\x85", "\u2028", "\u2029"]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []), ("\n", [""]), ("a", ["a"]), ("a\n", ["a"]), ("a\n\nb", ["a", "", "b"]),
        ("a\r\nb\r\n", ["a", "b"]), *((f"a{c}b\nc", [f"a{c}b", "c"]) for c in OTHERS),
    ],
)  # fmt: skip
def test_split_lines(text: str, lines: list[str]) -> None:
    assert split_lines(text) == lines


@given(st.text(alphabet=["a", "\n", "\r", *OTHERS]))
def test_whole_lines_are_the_text(text: str) -> None:
    assert "".join(whole_lines(text)) == text
    assert len(whole_lines(text)) == text.count("\n") + (not text.endswith("\n") and text != "")


@pytest.mark.parametrize("other", OTHERS, ids=ascii)
def test_a_body_keeps_its_lines(make_call: Callable[..., Path], other: str) -> None:
    folder = make_call("mark")
    body = f"/* a{other}b */\nstatic long do_mark(int value)\n{{\n\treturn value; /*{other}*/\n}}\n"
    (folder / "mark.c").write_text(body)
    unit = syscraft.load(folder).unit
    made = kernel_source(unit)
    assert body in made.text
    line = made.text[: made.text.index("return value;")].count("\n") + 1
    assert line - made.body_offset == 4


@pytest.mark.parametrize("other", OTHERS, ids=ascii)
def test_a_finding_is_on_its_line(make_call: Callable[..., Path], other: str) -> None:
    folder = make_call("mark")
    (folder / "mark.c").write_text(
        f"/* {other} */\nstatic long do_mark(int value)\n{{\n\treturn -ENOTSUPP;\n}}\n"
    )
    lines = [f.hit.where.line for f in syscraft.api.check(folder) if f.rule.id == "L19"]
    assert lines == [4]


@pytest.mark.parametrize("other", OTHERS, ids=ascii)
def test_git_counts_the_lines_of_a_patch_alike(tmp_path: Path, other: str) -> None:
    old = f"one{other}\ntwo\n{other}\nfour\n"
    (tmp_path / "f").write_text(old, newline="")
    edit = FileEdit("f", tuple(whole_lines(old)), (Insertion(2, (f"new{other}{other}\n",)),))
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=edit.diff().encode(), check=True)
    assert (tmp_path / "f").read_bytes().decode() == edit.text()
