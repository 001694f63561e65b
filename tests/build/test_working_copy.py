"""The copy that kernels are built in follows a tree whose author goes on working."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from small_tree import content

from syscraft.build.working_copy import WorkingCopy
from syscraft.hints import silent
from syscraft.tree.adding import KernelChange
from syscraft.tree.source import open_tree


@pytest.fixture
def linux(tmp_path: Path) -> Path:
    root = tmp_path / "linux"
    for name in ("Makefile", "Kconfig", "kernel/fork.c", "include/linux/syscalls.h", "lib/a/b.c"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{name}\n")
    (root / "file").write_text("file\n")
    return root


def folder_becomes_file(root: Path) -> None:
    shutil.rmtree(root / "lib/a")
    (root / "lib/a").write_text("a file now\n")


def folder_becomes_link(root: Path) -> None:
    (root / "lib/a").rename(root / "lib/z")
    (root / "lib/a").symlink_to("z")


def file_becomes_folder(root: Path) -> None:
    (root / "file").unlink()
    (root / "file").mkdir()
    (root / "file/inside.c").write_text("inside\n")


@pytest.mark.parametrize("step", [folder_becomes_file, folder_becomes_link, file_becomes_folder])
def test_files_folders_and_links_take_turns(
    step: Callable[[Path], None], linux: Path, tmp_path: Path
) -> None:
    before = Path(shutil.copytree(linux, tmp_path / "before", symlinks=True))

    def check() -> None:
        copy = WorkingCopy(open_tree(str(linux)), tmp_path / "work", silent)
        copy.prepare()
        assert content(copy.source) == content(linux)

    check()
    step(linux)
    check()
    shutil.rmtree(linux)
    shutil.copytree(before, linux, symlinks=True)
    check()


def test_the_pristine_tree_keeps_its_times(linux: Path, tmp_path: Path) -> None:
    """A file that a change leaves as it is shall not stay a link of the tree's own."""
    tree = replace(open_tree(str(linux)), files=None)  # as if it were ours
    copy = WorkingCopy(tree, tmp_path / "work", silent)
    copy.prepare()
    assert (copy.source / "file").samefile(linux / "file")
    before = (linux / "file").stat().st_mtime_ns
    copy.overlay(KernelChange({}, {"file": b"file\n"}, (), (), (), frozenset(), ()))
    os.utime(copy.source / "file")
    assert (linux / "file").stat().st_mtime_ns == before
    assert (copy.source / "file").read_text() == "file\n"
