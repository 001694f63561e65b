"""A tree with changes that are not on the disk: everybody sees them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import syscraft as library
from syscraft.rules.kernel_text import Headers
from syscraft.scan.sources import read_sources
from syscraft.tree.number_headers import find_headers
from syscraft.tree.source import KernelTree
from syscraft.tree.tables import find_tables, read_table

MakeCall = Callable[..., Path]

TABLE = "arch/toy/entry/syscalls/syscall.tbl"
ROWS = [
    "462\tcommon\tmseal\t\t\t\tsys_mseal",
    "900\tcommon\ttaken\t\t\t\tsys_taken",
]


@pytest.fixture
def tree(tmp_path: Path) -> KernelTree:
    for name in ("a/one.c", "a/b/two.c", "a/b/three.h", "c/four.c", ".git/five.c"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "a" / "link.c").symlink_to("one.c")
    (tmp_path / "empty").mkdir()
    return KernelTree(tmp_path, "key", "linux")


OVERLAY = {"a/b/new.c": b"", "d/e/new.c": b"", "c/four.c": None, "a/one.c": b"changed"}


@pytest.mark.parametrize(
    ("pattern", "before", "after"),
    [
        ("a/*.c", ["a/link.c", "a/one.c"], ["a/link.c", "a/one.c"]),
        ("*/*.c", [".git/five.c", "a/link.c", "a/one.c", "c/four.c"],
         [".git/five.c", "a/link.c", "a/one.c"]),
        ("a/**/*.c", ["a/b/two.c", "a/link.c", "a/one.c"],
         ["a/b/new.c", "a/b/two.c", "a/link.c", "a/one.c"]),
        ("d/**/*.c", [], ["d/e/new.c"]),
        ("c/four.c", ["c/four.c"], []),
        ("a/b", [], []),
        ("a/one.c/**/*.c", [], []),
    ],
)  # fmt: skip
def test_glob(pattern: str, before: list[str], after: list[str], tree: KernelTree) -> None:
    assert list(tree.glob(pattern)) == before
    assert list(tree.with_files(OVERLAY).glob(pattern)) == after


def test_walk(tree: KernelTree) -> None:
    def enter(folder: str) -> bool:
        return not folder.startswith(".") and folder != "a/b"

    assert sorted(tree.walk(enter)) == ["a/link.c", "a/one.c", "c/four.c"]
    assert sorted(tree.with_files(OVERLAY).walk(enter)) == ["a/link.c", "a/one.c", "d/e/new.c"]


def test_folders(tree: KernelTree) -> None:
    changed = tree.with_files(OVERLAY)
    assert [tree.has_folder(f) for f in ("a", "a/b", "c", "d", "d/e", "empty", "a/one.c", "b")] == [
        True, True, True, False, False, True, False, False,
    ]  # fmt: skip
    assert [changed.has_folder(f) for f in ("a", "a/b", "c", "d", "d/e", "empty")] == [
        True, True, False, True, True, True,
    ]  # fmt: skip


def test_links(tree: KernelTree) -> None:
    assert tree.is_link("a/link.c")
    assert not tree.is_link("a/one.c")
    assert not tree.with_files({"a/link.c": b"a file now"}).is_link("a/link.c")


def test_table_that_the_authors_patch_adds(make_call: MakeCall) -> None:
    """The call gets a row there too, and no number that it has."""
    folder = make_call("cttable", toml='patches = ["toy.patch"]')
    added = "".join(f"+{row}\n" for row in ROWS)
    (folder / "toy.patch").write_text(
        f"--- /dev/null\n+++ b/{TABLE}\n@@ -0,0 +1,{len(ROWS)} @@\n{added}"
    )
    change = library.load(folder).patch()
    assert change.number == 901
    rows = read_table(TABLE, change.files[TABLE].decode().splitlines()).rows
    assert [(row.number, row.name, row.entry) for row in rows][-1] == (
        901,
        "cttable",
        "sys_cttable",
    )
    assert f"+++ b/{TABLE}\n" in change.series[2][1]


def test_whoever_reads_a_tree_sees_new_files(tree: KernelTree) -> None:
    """Tables, headers of numbers, definitions and structs of the interface."""
    header = "arch/toy/include/asm/unistd32.h"
    define = b"SYSCALL_DEFINE1(taken, int, value)\n{\n\treturn 0;\n}\n"
    (tree.root / "c" / "four.c").write_bytes(define)
    changed = tree.with_files(
        {
            TABLE: "\n".join(ROWS).encode(),
            header: b"#define __NR_mseal 462\n__SYSCALL(__NR_mseal, sys_mseal)\n",
            "kernel/taken.c": define,
            "include/uapi/linux/taken.h": b"struct taken {\n\t__u64 value;\n};\n",
            "c/four.c": None,
        }
    )
    assert find_tables(changed) == (TABLE,)
    assert find_headers(changed) == (header,)
    assert Headers(changed).struct("struct taken") is not None
    paths = [source.path for source in read_sources(changed, lambda text: None, [])]
    assert paths == ["kernel/taken.c"]
