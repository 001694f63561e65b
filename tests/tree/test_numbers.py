"""A number costs no patch, and is the one that the patch has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import REPOSITORY

import syscraft as library
from syscraft.errors import TreeError, Where
from syscraft.tree.number import numbers_of
from syscraft.tree.source import KernelTree, open_tree
from syscraft.tree.tables import choose_number, is_table
from syscraft.tree.together import wired_together
from syscraft.tree.wire import wired

MakeCall = Callable[..., Path]
EXAMPLES = sorted(path.parent for path in REPOSITORY.glob("examples/*/*.toml"))
TREES = ("deb:6.12", "deb:6.1")


@pytest.mark.parametrize("linux", TREES)
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_number_is_that_of_the_change(example: Path, linux: str) -> None:
    call = library.load(example).unit
    tree = open_tree(linux)
    assert numbers_of(call.calls, tree)[0] == wired(call, tree).number == 900


@pytest.mark.parametrize("number", ['"next"', '"private"', "950"])
def test_only_tables_are_read(
    number: str, make_call: MakeCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = library.load(make_call("ctnumber", toml=f"number = {number}")).unit
    tree = open_tree("deb:6.12")
    read: list[str] = []
    original = KernelTree.read_bytes

    def read_bytes(self: KernelTree, path: str) -> bytes | None:
        read.append(path)
        return original(self, path)

    monkeypatch.setattr(KernelTree, "read_bytes", read_bytes)
    found = numbers_of(call.calls, tree)[0]
    assert read
    assert all(is_table(path) or path == ".syscraft/ctnumber.json" for path in read)
    assert found == wired(call, tree).number


@pytest.mark.parametrize("linux", TREES)
@pytest.mark.parametrize(
    ("wishes", "offsets"),
    [
        (['"private"', '"private"', "901", '"private"'], [900, 902, 901, 903]),
        (["900", '"private"'], [900, 901]),
        (['"next"', '"private"', '"next"'], ["next", 900, "next + 1"]),
    ],
)
def test_several_calls(
    wishes: list[str], offsets: list[object], linux: str, make_call: MakeCall
) -> None:
    """Each takes the next free one; what one of them pins is given to no other."""
    calls = [
        library.load(make_call(f"ct{index}", toml=f"number = {wish}")).unit
        for index, wish in enumerate(wishes)
    ]
    tree = open_tree(linux)
    following = {"deb:6.12": 463, "deb:6.1": 451}[linux]
    expected = [{"next": following, "next + 1": following + 1}.get(o, o) for o in offsets]  # type: ignore[call-overload]
    assert list(numbers_of([c for unit in calls for c in unit.calls], tree)) == expected
    changes = wired_together(calls, tree)
    assert [change.number for change in changes] == expected
    table = changes[-1].files["arch/arm/tools/syscall.tbl"].decode()
    for call, number in zip(calls, expected, strict=True):
        assert f"\n{number}\tcommon\t{call.name}\t" in table


def test_number_that_an_authors_patch_takes(make_call: MakeCall) -> None:
    path = "arch/arm/tools/syscall.tbl"
    tree = open_tree("deb:6.12")
    lines = (tree.read(path) or "").splitlines()
    context = "".join(f" {line}\n" for line in lines[-3:])
    folder = make_call("ctpatched", toml='patches = ["row.patch"]')
    (folder / "row.patch").write_text(
        f"--- a/{path}\n+++ b/{path}\n@@ -{len(lines) - 2},3 +{len(lines) - 2},4 @@\n{context}"
        "+900\tcommon\ttaken\t\t\t\tsys_taken\n"
    )
    call = library.load(folder).unit
    assert numbers_of(call.calls, tree)[0] == wired(call, tree).number == 901


def test_pinned_number_that_only_this_tree_has_taken(make_call: MakeCall) -> None:
    call = library.load(make_call("ctnumber", toml="number = 950")).call
    taken = {950: ("other", "scripts/syscall.tbl")}
    with pytest.raises(TreeError) as caught:
        choose_number(call, taken, Where("arch"))
    assert caught.value.findings[0].message == "number 950 is already in use"
    assert choose_number(call, {}, Where("arch")) == 950
