"""Insertions, their diffs, and the order of numbers in tables."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syscraft.errors import TreeError, Where
from syscraft.tree.edit import Editor, FileEdit, Insertion
from syscraft.tree.tables import read_table


def editor(files: dict[str, str]) -> Editor:
    return Editor(files.get, lambda path, line: Where(path, line))


def test_diff_of_two_distant_insertions() -> None:
    lines = tuple(f"{i}\n" for i in range(20))
    edit = FileEdit("f", lines, (Insertion(2, ("a\n",)), Insertion(15, ("b\n", "c\n"))))
    assert edit.diff() == (
        "diff --git a/f b/f\n--- a/f\n+++ b/f\n"
        "@@ -1,5 +1,6 @@\n 0\n 1\n+a\n 2\n 3\n 4\n"
        "@@ -13,6 +14,8 @@\n 12\n 13\n 14\n+b\n+c\n 15\n 16\n 17\n"
    )


@given(
    st.integers(1, 40),
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 3)), min_size=1, max_size=6),
)
def test_git_agrees_with_every_diff(
    tmp_path_factory: pytest.TempPathFactory, length: int, places: list[tuple[int, int]]
) -> None:
    old = tuple(f"line {i}\n" for i in range(length))
    insertions = tuple(
        Insertion(min(index, length), tuple(f"new {index} {n}\n" for n in range(count)))
        for index, count in sorted(places)
    )
    edit = FileEdit("f", old, insertions)
    root: Path = tmp_path_factory.mktemp("diff")
    (root / "f").write_text("".join(old))
    subprocess.run(
        ["git", "apply", "--unidiff-zero", "-"],
        cwd=root,
        input=edit.diff(),
        text=True,
        check=True,
        env={"GIT_CEILING_DIRECTORIES": str(root.parent), "PATH": "/usr/bin:/bin"},
    )
    assert (root / "f").read_text() == edit.text()


def test_missing_and_doubled_anchors_name_the_file() -> None:
    files = editor({"f": "a\nb\na\n"})
    with pytest.raises(TreeError, match="the anchor of the change is not unique") as caught:
        files.find("f", lambda line: line == "a\n", "an a")
    assert caught.value.findings[0].where == Where("f", 3)
    with pytest.raises(TreeError, match="the anchor of the change was not found"):
        files.find("f", lambda line: line == "c\n", "a c")
    with pytest.raises(TreeError, match="a file is missing from the kernel tree"):
        files.lines("g")


def test_new_file_that_exists_is_refused() -> None:
    with pytest.raises(TreeError, match="already has a file"):
        editor({"kernel/fork.c": ""}).create("kernel/fork.c", "x\n")


def test_rows_go_where_the_numbers_are_in_order() -> None:
    lines = (
        "# comment\n",
        "461\tcommon\ta\t\tsys_a\n",
        "462 \tcommon  b\t\tsys_b\n",
        "\n",
        "# legacy\n",
        "512\tx32\tc\t\tcompat_sys_c\n",
        "547\tx32\td\t\tcompat_sys_d\n",
        "# end\n",
    )
    table = read_table("t", lines)
    assert [row.number for row in table.rows] == [461, 462, 512, 547]
    assert table.insertion_index(463) == 3  # behind 462, before the legacy block
    assert table.insertion_index(900) == 8  # at the end
    assert table.insertion_index(1) == 1
