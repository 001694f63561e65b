"""Trees that have a call already: by --apply, by git am, by hand, and half of it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import REPOSITORY

import syscraft as library
from syscraft.errors import TreeError
from syscraft.model.call import Unit
from syscraft.tree.applied import Done
from syscraft.tree.number import numbers_of
from syscraft.tree.source import KernelTree, list_files, open_tree
from syscraft.tree.standing import Standing, presence_of
from syscraft.tree.wire import wired

MakeCall = Callable[..., Path]
CLONE_NICE = REPOSITORY / "examples" / "clone_nice"
SPLORK = REPOSITORY / "examples" / "splork"
OPTION = "CONFIG_SPLORK_SYSCALL=y"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree with the files of 6.12 that the calls here touch."""
    root = tmp_path_factory.mktemp("small")
    tree = open_tree("deb:6.12")
    paths = {"Makefile", "Kconfig", "kernel/sys.c", "kernel/fork.c", "fs/open.c"}
    for example in (CLONE_NICE, SPLORK):
        paths |= set(library.load(example).patch().files)
    for path in paths:
        if (data := tree.read_bytes(path)) is not None:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)
    return root


@pytest.fixture
def linux(small: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small, tmp_path / "linux"))


def store(files: dict[str, bytes], root: Path) -> None:
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)


def replace_in(path: Path, old: str, new: str) -> None:
    text = path.read_text(errors="surrogateescape")
    assert old in text
    path.write_text(text.replace(old, new, 1), errors="surrogateescape")


def unit_of(folder: Path) -> Unit:
    return library.load(folder).unit


def with_another_body(tmp_path: Path) -> Path:
    folder = Path(shutil.copytree(SPLORK, tmp_path / "other" / "splork"))
    replace_in(folder / "splork.c", "%lu", "%lx")
    return folder


def test_tree_without_calls(linux: Path) -> None:
    """The kernel's own options of the same form, rseq()'s for one, are nobody's."""
    tree = open_tree(str(linux))
    assert "Enable rseq() system call" in (tree.read("init/Kconfig") or "")
    assert presence_of(unit_of(SPLORK), tree).standing is Standing.ABSENT
    change = wired(unit_of(SPLORK), tree)
    assert change.config == change.new_config == (OPTION,)


@pytest.mark.parametrize("example", [SPLORK, CLONE_NICE], ids=lambda path: path.name)
def test_applied(example: Path, linux: Path) -> None:
    call = unit_of(example)
    before = wired(call, open_tree(str(linux)))
    library.load(example).apply(str(linux))
    tree = open_tree(str(linux))
    assert presence_of(call, tree).standing is Standing.APPLIED
    change = wired(call, tree)
    assert change.files == {}
    assert change.number == numbers_of(call.calls, tree)[0] == before.number
    assert change.config == before.config
    assert change.new_config == ()
    assert change.body_line_maps == before.body_line_maps
    assert change.series == before.series


def test_changed_declaration_differs_in_what_was_changed(linux: Path, tmp_path: Path) -> None:
    library.load(SPLORK).apply(str(linux))
    library.load(CLONE_NICE).apply(str(linux))
    change = wired(unit_of(with_another_body(tmp_path)), open_tree(str(linux)))
    assert list(change.files) == ["kernel/splork.c"]
    assert b"%lx" in change.files["kernel/splork.c"]
    assert change.quiet == frozenset()


def test_changed_number_is_the_new_one(linux: Path, tmp_path: Path) -> None:
    library.load(SPLORK).apply(str(linux))
    folder = Path(shutil.copytree(SPLORK, tmp_path / "other" / "splork"))
    toml = folder / "splork.toml"
    toml.write_text(f"number = 950\n{toml.read_text()}")
    tree = open_tree(str(linux))
    change = wired(unit_of(folder), tree)
    assert change.number == numbers_of(unit_of(folder).calls, tree)[0] == 950
    assert b"\n950\tcommon\tsplork\t" in change.files["arch/arm/tools/syscall.tbl"]
    assert b"\n900\t" not in change.files["arch/arm/tools/syscall.tbl"]
    assert "kernel/splork.c" not in change.files


@pytest.mark.parametrize("order", [(SPLORK, CLONE_NICE), (CLONE_NICE, SPLORK)])
def test_others_keep_their_options(order: tuple[Path, Path], linux: Path) -> None:
    first, second = order
    library.load(first).apply(str(linux))
    added = wired(unit_of(second), open_tree(str(linux)))
    assert added.number == 901
    assert added.new_config == (f"CONFIG_{second.name.upper()}_SYSCALL=y",)
    assert set(added.config) == {OPTION, "CONFIG_CLONE_NICE_SYSCALL=y"}
    library.load(second).apply(str(linux))
    for example, number in zip(order, (900, 901), strict=True):
        change = wired(unit_of(example), open_tree(str(linux)))
        assert (change.files, change.number, change.new_config) == ({}, number, ())
        assert set(change.config) == set(added.config)


def test_edited_since(linux: Path, tmp_path: Path) -> None:
    """The author goes on in the tree: that is what counts."""
    library.load(SPLORK).apply(str(linux))
    replace_in(linux / "kernel/splork.c", "%lu", "%lo")
    tree = open_tree(str(linux))
    call = unit_of(SPLORK)
    assert presence_of(call, tree).standing is Standing.EDITED
    change = wired(call, tree)
    assert (change.files, change.number, change.config) == ({}, 900, (OPTION,))
    assert change.body_line_maps == ()
    with pytest.raises(TreeError, match="both in this tree and in its declaration") as caught:
        wired(unit_of(with_another_body(tmp_path)), tree)
    assert f"{linux}/kernel/splork.c:1:" in str(caught.value)


def test_row_edited_since(linux: Path) -> None:
    library.load(SPLORK).apply(str(linux))
    replace_in(linux / "arch/arm/tools/syscall.tbl", "900\tcommon", "905\tcommon")
    tree = open_tree(str(linux))
    change = wired(unit_of(SPLORK), tree)
    assert (change.files, change.number) == ({}, 900)


def test_by_git_am(linux: Path, tmp_path: Path) -> None:
    """What git am leaves is the same files, and no record."""
    call = unit_of(CLONE_NICE)
    before = wired(call, open_tree(str(linux)))
    store(before.files, linux)
    tree = open_tree(str(linux))
    assert presence_of(call, tree).standing is Standing.BY_HAND
    change = wired(call, tree)
    assert (change.files, change.number, change.config) == ({}, 900, before.config)
    assert change.new_config == change.series == ()
    assert change.body_line_maps == before.body_line_maps
    # Others see it too, although there is no record.
    other = wired(unit_of(SPLORK), tree)
    assert other.number == 901
    assert set(other.config) == {OPTION, *before.config}
    assert other.new_config == (OPTION,)


def test_by_git_am_and_the_declaration_went_on(small: Path, linux: Path, tmp_path: Path) -> None:
    store(wired(unit_of(SPLORK), open_tree(str(linux))).files, linux)
    folder = with_another_body(tmp_path)
    change = wired(unit_of(folder), open_tree(str(linux)))
    assert list(change.files) == ["kernel/splork.c"]
    assert change.body_line_maps
    # Applied, it is the declaration's, and goes as a whole.
    before = wired(unit_of(SPLORK), open_tree(str(small))).files
    assert library.load(folder).apply(str(linux))[0] is Done.UPDATED
    assert wired(unit_of(folder), open_tree(str(linux))).files == {}
    assert library.load(folder).apply(str(linux)) == (Done.ALREADY, ())
    library.load(folder).revert(str(linux))
    assert wired(unit_of(SPLORK), open_tree(str(linux))).files == before


def test_apply_where_it_is_already(linux: Path) -> None:
    store(wired(unit_of(SPLORK), open_tree(str(linux))).files, linux)
    assert library.load(SPLORK).apply(str(linux)) == (Done.ALREADY, ())
    assert not (linux / ".syscraft").exists()
    assert library.load(SPLORK).revert(str(linux))[0] is Done.REVERTED
    assert library.load(SPLORK).apply(str(linux))[0] is Done.APPLIED


def test_put_back_with_git(linux: Path) -> None:
    """git checkout leaves new files and the record, which say that the call is there."""
    git = ["git", "-C", str(linux), "-c", "user.name=T", "-c", "user.email=t@example.org"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "start"]):
        subprocess.run([*git, *words], check=True)
    library.load(SPLORK).apply(str(linux))
    whole = {path: (linux / path).read_bytes() for path in list_files(linux)}
    assert "kernel/splork.c" in whole, "a build needs it before git knows it"
    subprocess.run([*git, "checkout", "-q", "."], check=True)
    tree = open_tree(str(linux))
    assert (linux / "kernel/splork.c").exists()
    assert presence_of(unit_of(SPLORK), tree).standing is Standing.ABSENT
    change = wired(unit_of(SPLORK), tree)
    assert change.number == numbers_of(unit_of(SPLORK).calls, tree)[0] == 900
    assert "kernel/splork.c" not in change.files
    assert change.files.items() <= whole.items()
    assert change.new_config == (OPTION,)
    assert library.load(SPLORK).apply(str(linux))[0] is Done.APPLIED
    assert {path: (linux / path).read_bytes() for path in list_files(linux)} == whole
    subprocess.run([*git, "checkout", "-q", "."], check=True)
    assert library.load(SPLORK).revert(str(linux))[0] is Done.REVERTED
    done = subprocess.run([*git, "status", "--short"], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert not (linux / ".syscraft").exists()


def test_put_back_with_git_but_edited(linux: Path) -> None:
    """The edit of a new file is nowhere else: it is not overwritten."""
    tables = {p: p.read_bytes() for p in linux.rglob("*.tbl")}
    library.load(SPLORK).apply(str(linux))
    for path, data in tables.items():
        path.write_bytes(data)
    replace_in(linux / "kernel/splork.c", "%lu", "%lo")
    for act in (
        lambda: wired(unit_of(SPLORK), open_tree(str(linux))),
        lambda: library.load(SPLORK).apply(str(linux)),
        lambda: library.load(SPLORK).revert(str(linux)),
    ):
        with pytest.raises(TreeError, match="has since been changed") as caught:
            act()
        assert "kernel/splork.c" in str(caught.value)
    assert "%lo" in (linux / "kernel/splork.c").read_text()


BY_HAND = (
    "900\t64\tnodef\t\t\tsys_nodef\n"
    "901\t64\toldstyle\t\tsys_oldstyle\n"
    "902\tcommon\tgoodone\t\t__x64_sys_goodone\n"
)
SYS_C = """
asmlinkage long sys_oldstyle(int a) { return a; }

/* SYSCALL_DEFINE1(goodone, int, value) is what it was once. */
SYSCALL_DEFINE1(goodone, char __user *,
		name)
{
	return 0;
}
"""


@pytest.fixture
def by_hand(linux: Path) -> KernelTree:
    table = linux / "arch/x86/entry/syscalls/syscall_64.tbl"
    mark = "#\n# Due to a historical"
    replace_in(table, mark, BY_HAND + mark)
    with (linux / "kernel/sys.c").open("a", errors="surrogateescape") as file:
        file.write(SYS_C)
    return open_tree(str(linux))


def declared(make_call: MakeCall, name: str, parameter: str, toml: str = "") -> Unit:
    folder = make_call(name, toml=toml)
    for path in (folder / f"{name}.toml", folder / f"{name}.c"):
        path.write_text(path.read_text().replace("int value", parameter))
    toml_path = folder / f"{name}.toml"
    toml_path.write_text(toml_path.read_text().replace('__user *value)"', '*value)"'))
    return unit_of(folder)


def test_by_hand(by_hand: KernelTree, make_call: MakeCall) -> None:
    call = declared(make_call, "goodone", "char __user *value")
    assert presence_of(call, by_hand).standing is Standing.BY_HAND
    change = wired(call, by_hand)
    assert change.number == numbers_of(call.calls, by_hand)[0] == 902
    # The tree's author has no option for it, so nothing turns it on.
    assert (change.files, change.series, change.config) == ({}, (), ())
    assert change.body_line_maps == ()
    assert numbers_of(unit_of(SPLORK).calls, by_hand)[0] == 903


def test_by_hand_with_an_option(by_hand: KernelTree, make_call: MakeCall) -> None:
    """The object's line in the Makefile tells whose option it is."""
    with (by_hand.root / "kernel/Makefile").open("a") as file:
        file.write("obj-$(CONFIG_GOOD) += goodone.o\n")
    with (by_hand.root / "init/Kconfig").open("a", errors="surrogateescape") as file:
        file.write('\nconfig GOOD\n\tbool "My calls"\n')
    call = declared(make_call, "goodone", "char __user *value")
    change = wired(call, by_hand)
    assert change.config == change.standing_config == ("CONFIG_GOOD=y",)
    assert set(wired(unit_of(SPLORK), by_hand).config) == {OPTION, "CONFIG_GOOD=y"}


@pytest.mark.parametrize(
    ("name", "parameter", "place", "found"),
    [
        ("goodone", "int value", "kernel/sys.c:", "SYSCALL_DEFINE1(goodone, char __user *, name)"),
        ("oldstyle", "int value", "kernel/sys.c:", "asmlinkage long sys_oldstyle(int a)"),
        ("nodef", "int value", "syscall_64.tbl:", "a row for nodef, but no SYSCALL_DEFINE"),
        ("openat2", "int value", "fs/open.c:", "SYSCALL_DEFINE4(openat2, int, dfd"),
    ],
)
def test_another_unit_of_this_name(
    name: str, parameter: str, place: str, found: str, by_hand: KernelTree, make_call: MakeCall
) -> None:
    call = declared(make_call, name, parameter)
    for work in (wired, lambda unit, tree: numbers_of(unit.calls, tree), presence_of):
        with pytest.raises(TreeError, match=f"already has a call named '{name}'") as caught:
            work(call, by_hand)  # type: ignore[operator]
        finding = caught.value.findings[0]
        assert place.rstrip(":") in str(finding.where)
        assert finding.where is not None
        assert finding.where.line
        assert found in (finding.found or "")


def test_pinned_number_that_the_tree_does_not_have(
    by_hand: KernelTree, make_call: MakeCall
) -> None:
    call = declared(make_call, "goodone", "char __user *value", "number = 950")
    with pytest.raises(TreeError, match=r"has goodone\(\) under a different number") as caught:
        numbers_of(call.calls, by_hand)[0]
    assert "number = 902" in str(caught.value)


def test_tables_that_do_not_agree(by_hand: KernelTree, make_call: MakeCall) -> None:
    with (by_hand.root / "arch/arm/tools/syscall.tbl").open("a") as file:
        file.write("904\tcommon\tgoodone\t\tsys_goodone\n")
    with pytest.raises(TreeError, match="disagree on the number") as caught:
        numbers_of(declared(make_call, "goodone", "char __user *value").calls, by_hand)[0]
    assert "904 in arch/arm/tools/syscall.tbl:" in str(caught.value)
