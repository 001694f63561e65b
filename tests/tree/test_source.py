"""Which files of a tree count."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from syscraft.tree.source import list_files

SOURCES = ["Kconfig", "Makefile", "include/linux/a.h", "kernel/fork.c", "scripts/config"]
BUILT = [
    ".config", ".config.old", "include/config/auto.conf", "include/generated/autoconf.h",
    "arch/x86/include/generated/asm/unistd.h", "kernel/fork.o", "kernel/.fork.o.cmd",
    "kernel/built-in.a", "kernel/modules.order",
]  # fmt: skip


def make_tree(root: Path) -> None:
    for name in SOURCES + BUILT:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / "link").symlink_to("scripts")


def names(root: Path) -> list[str]:
    return list(list_files(root))


def test_what_a_build_left_behind_does_not_count(tmp_path: Path) -> None:
    make_tree(tmp_path)
    assert names(tmp_path) == sorted([*SOURCES, "link"])


def test_git_knows_better(tmp_path: Path) -> None:
    make_tree(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    for arguments in (["init", "-q"], ["add", *SOURCES, "kernel/modules.order"]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    (tmp_path / "Kconfig").unlink()
    tracked = {*SOURCES, "kernel/modules.order"} - {"Kconfig"}
    assert names(tmp_path) == sorted(tracked)


def test_called_by_a_hook_of_another_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """git tells hooks where their repository is, and would tell that of this one, too."""
    for name in ("linux", "other"):
        make_tree(tmp_path / name)
        subprocess.run(["git", "init", "-q"], cwd=tmp_path / name, check=True)
    subprocess.run(["git", "add", *SOURCES], cwd=tmp_path / "linux", check=True)
    subprocess.run(["git", "add", "link"], cwd=tmp_path / "other", check=True)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "other" / ".git" / "index"))
    assert names(tmp_path / "linux") == sorted(SOURCES)
