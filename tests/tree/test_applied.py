"""--apply and --revert: once, twice, after changes, together with others, and after a kill."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY, Syscraft

import syscraft as library
from syscraft.errors import SyscraftError
from syscraft.tree import placing
from syscraft.tree.applied import Done
from syscraft.tree.source import open_tree

MakeCall = Callable[..., Path]
CLONE_NICE = REPOSITORY / "examples" / "clone_nice"
SPLORK = REPOSITORY / "examples" / "splork"

Content = dict[str, tuple[bytes, int]]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree with the files of 6.12 that the calls here touch."""
    root = tmp_path_factory.mktemp("small")
    tree = open_tree("deb:6.12")
    paths = {"Makefile", "Kconfig"}
    for example in (CLONE_NICE, SPLORK):
        paths |= set(library.load(example).patch().files)
    for path in paths:
        if (data := tree.read_bytes(path)) is not None:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)
    (root / "scripts" / "syscall.tbl").chmod(0o640)
    return root


@pytest.fixture
def linux(small: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small, tmp_path / "linux"))


def content(root: Path) -> Content:
    """Bytes and mode of every file, and the folders."""
    return {
        str(path.relative_to(root)): (
            path.read_bytes() if path.is_file() else b"",
            path.stat().st_mode,
        )
        for path in root.rglob("*")
    }


def test_there_and_back(linux: Path) -> None:
    before = content(linux)
    call = library.load(CLONE_NICE)
    done, paths = call.apply(str(linux))
    assert done is Done.APPLIED
    change = call.patch("deb:6.12")
    assert set(paths) == set(change.files)
    for path, data in change.files.items():
        assert (linux / path).read_bytes() == data
    assert call.revert(str(linux))[0] is Done.REVERTED
    assert content(linux) == before


def test_twice_is_once(linux: Path) -> None:
    call = library.load(SPLORK)
    call.apply(str(linux))
    before = {path: path.stat().st_mtime_ns for path in linux.rglob("*") if path.is_file()}
    assert call.apply(str(linux)) == (Done.ALREADY, ())
    after = {path: path.stat().st_mtime_ns for path in linux.rglob("*") if path.is_file()}
    assert after == before


def test_revert_of_what_is_not_there(linux: Path) -> None:
    before = content(linux)
    assert library.load(SPLORK).revert(str(linux)) == (Done.NOTHING, ())
    assert content(linux) == before


def test_changed_body_is_brought_up_to_date(linux: Path, tmp_path: Path) -> None:
    before = content(linux)
    folder = Path(shutil.copytree(SPLORK, tmp_path / "splork"))
    library.load(folder).apply(str(linux))
    body = folder / "splork.c"
    body.write_text(body.read_text().replace("%lu", "%lx"))
    done, _ = library.load(folder).apply(str(linux))
    assert done is Done.UPDATED
    assert "%lx" in (linux / "kernel/splork.c").read_text()
    assert (linux / "scripts/syscall.tbl").read_text().count("\tsplork\t") == 1
    library.load(folder).revert(str(linux))
    assert content(linux) == before


@pytest.mark.parametrize("order", [(SPLORK, CLONE_NICE), (CLONE_NICE, SPLORK)])
def test_two_calls_come_and_go_in_any_order(order: tuple[Path, Path], linux: Path) -> None:
    before = content(linux)
    first, second = map(library.load, order)
    first.apply(str(linux))
    only_first = content(linux)
    second.apply(str(linux))
    table = (linux / "arch/arm/tools/syscall.tbl").read_text()
    assert table.splitlines()[-2].split()[0] == "900"
    assert table.splitlines()[-1].split()[0] == "901"
    whole = content(linux)
    for call in (first, second, first):
        assert call.apply(str(linux)) == (Done.ALREADY, ())
    assert content(linux) == whole
    first.revert(str(linux))
    assert second.apply(str(linux)) == (Done.ALREADY, ())
    assert first.call.name not in (linux / "init/Kconfig").read_text()
    second.revert(str(linux))
    assert content(linux) == before
    first.apply(str(linux))
    assert content(linux) == only_first


def test_changes_of_others_stay(linux: Path) -> None:
    call = library.load(CLONE_NICE)
    call.apply(str(linux))
    mine = {"kernel/sys_ni.c": "/* mine */\n", "arch/arm/tools/syscall.tbl": "# mine\n"}
    for path, line in mine.items():
        text = (linux / path).read_text()
        (linux / path).write_text(line + text + line)
    call.revert(str(linux))
    tree = open_tree("deb:6.12")
    for path, line in mine.items():
        assert (linux / path).read_text() == f"{line}{tree.read(path)}{line}"


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("kernel/splork.c", "SYSCALL_DEFINE2", "SYSCALL_DEFINE3"),
        ("arch/arm/tools/syscall.tbl", "900\tcommon\tsplork", "901\tcommon\tsplork"),
    ],
)
def test_our_lines_changed_by_somebody(path: str, old: str, new: str, linux: Path) -> None:
    call = library.load(SPLORK)
    call.apply(str(linux))
    text = (linux / path).read_text()
    assert old in text
    (linux / path).write_text(text.replace(old, new))
    before = content(linux)
    with pytest.raises(SyscraftError, match="has since been changed") as caught:
        call.revert(str(linux))
    assert path in str(caught.value)
    assert content(linux) == before


@pytest.mark.parametrize("writes", [1, 2, 7, 20, 40])
@pytest.mark.parametrize("verb", ["apply", "revert"])
def test_killed_in_the_middle(
    verb: str, writes: int, linux: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was written last, doing it again, or reverting, comes out whole."""
    before = content(linux)
    call = library.load(CLONE_NICE)
    if verb == "revert":
        call.apply(str(linux))
    whole = writes

    put = placing.put

    def stop(*arguments: Any) -> None:
        nonlocal whole
        whole -= 1
        if whole < 0:
            raise KeyboardInterrupt
        put(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(placing, "put", stop)
        with pytest.raises(KeyboardInterrupt):
            getattr(call, verb)(str(linux))
    assert content(linux) != before or writes <= 1
    if verb == "apply":
        assert call.apply(str(linux))[0] in (Done.APPLIED, Done.UPDATED)
    call.revert(str(linux))
    assert content(linux) == before


def test_a_git_tree_does_not_see_the_record(linux: Path) -> None:
    subprocess.run(["git", "init", "-q", linux], check=True)
    subprocess.run(["git", "-C", linux, "add", "-A"], check=True)
    library.load(SPLORK).apply(str(linux))
    done = subprocess.run(
        ["git", "-C", linux, "status", "--porcelain"], capture_output=True, text=True, check=True
    )
    assert ".syscraft" not in done.stdout
    assert " kernel/splork.c" in done.stdout


def test_spoilt_record(linux: Path) -> None:
    call = library.load(SPLORK)
    call.apply(str(linux))
    (linux / ".syscraft" / "splork.json").write_text('{"name": 1')
    with pytest.raises(SyscraftError, match="record of what was applied cannot be read"):
        call.revert(str(linux))


def test_command_line(linux: Path, syscraft: Syscraft) -> None:
    done = syscraft("patch", SPLORK, "--linux", linux, "--apply")
    assert done.returncode == 0, done.stderr
    assert "kernel/splork.c" in done.stdout.splitlines()
    assert "splork: applied" in done.stderr
    again = syscraft("patch", SPLORK, "--linux", linux, "--apply")
    assert (again.returncode, again.stdout) == (0, "")
    assert "already applied" in again.stderr
    back = syscraft("patch", SPLORK, "--linux", linux, "--revert")
    assert back.returncode == 0
    assert "splork: reverted" in back.stderr


def test_several_are_applied_all_or_none(
    linux: Path, make_call: MakeCall, syscraft: Syscraft
) -> None:
    """The second one has a patch for lines that the tree does not have."""
    folder = make_call("ctpatch", toml='patches = ["a.patch"]')
    change = "--- a/Makefile\n+++ b/Makefile\n@@ -1,2 +1,2 @@\n nowhere\n-old\n+new\n"
    (folder / "a.patch").write_text(change)
    before = content(linux)
    done = syscraft("patch", SPLORK, folder, "--linux", linux, "--apply")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "a.patch" in done.stderr
    assert content(linux) == before
    # Those that are there already are not in the way.
    library.load(SPLORK).apply(str(linux))
    other = make_call("ctother")
    done = syscraft("patch", SPLORK, other, "--linux", linux, "--apply")
    assert done.returncode == 0, done.stderr
    assert "splork: already applied" in done.stderr
    assert "ctother: applied" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--apply"], "this tree is syscraft's own"),
        (["--revert"], "this tree is syscraft's own"),
        (["--apply", "--revert"], "mutually exclusive"),
        (["--apply", "-o", "somewhere"], "mutually exclusive"),
    ],
)
def test_wrong_use(options: list[str], message: str, syscraft: Syscraft) -> None:
    done = syscraft("patch", SPLORK, *options)
    assert done.returncode == 2
    assert message in done.stderr


def test_tree_that_cannot_be_written(linux: Path, syscraft: Syscraft) -> None:
    if os.geteuid() == 0:
        subprocess.run(["mount", "--bind", linux, linux], check=True)
        try:
            subprocess.run(["mount", "-o", "remount,ro,bind", linux], check=True)
            done = syscraft("patch", SPLORK, "--linux", linux, "--apply")
        finally:
            subprocess.run(["umount", linux], check=True)
    else:
        linux.chmod(0o555)
        done = syscraft("patch", SPLORK, "--linux", linux, "--apply")
        linux.chmod(0o755)
    assert done.returncode == 3
    assert "cannot write" in done.stderr
