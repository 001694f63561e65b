"""Two first uses of Debian's trees at once, one of them killed: each tree is whole or absent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from syscraft.files import remove_drafts, remove_tree

NAMES = ("Makefile", "Kconfig", "kernel/fork.c", "include/linux/syscalls.h")
UNPACK = """
import sys
from pathlib import Path
from syscraft.tree import source
source._DEBIAN_SOURCES = Path(sys.argv[1])
print("starting", flush=True)
print(source.open_tree(sys.argv[2]).root)
"""


@pytest.fixture
def archives(tmp_path: Path) -> Path:
    """Two small trees of Debian's kind, of which unpacking takes a moment."""
    folder = tmp_path / "archives"
    folder.mkdir()
    for version in ("1.1", "1.2"):
        tree = tmp_path / f"linux-source-{version}"
        for name in (*NAMES, *(f"drivers/file{n}.c" for n in range(3000))):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_text(f"{name} of {version}\n")
        with tarfile.open(folder / f"linux-source-{version}.tar.xz", "w:xz", preset=0) as tar:
            tar.add(tree, tree.name)
    return folder


def start(archives: Path, version: str, cache: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", UNPACK, archives, f"deb:{version}"],
        env={**os.environ, "SYSCRAFT_CACHE": str(cache)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "starting\n"
    return process


def end(process: subprocess.Popen[str]) -> str:
    """What it printed after its start: the tree."""
    assert process.stdout is not None
    root = process.stdout.read().strip()  # not communicate(), which knows no read-ahead
    assert process.wait() == 0
    return root


def check_whole(root: str, version: str) -> None:
    files = [path for path in Path(root).rglob("*") if path.is_file()]
    assert len(files) == 3000 + len(NAMES)
    assert all(path.read_text().endswith(f" of {version}\n") for path in files)


@pytest.mark.parametrize("other", ["1.1", "1.2"])
def test_two_at_once_and_one_is_killed(archives: Path, tmp_path: Path, other: str) -> None:
    cache = tmp_path / "cache"
    for delay_s in (0.0, 0.05, 0.2):
        killed = start(archives, other, cache)
        going_on = start(archives, "1.1", cache)
        time.sleep(delay_s)
        os.killpg(killed.pid, signal.SIGKILL)
        killed.wait()
        check_whole(end(going_on), "1.1")
        check_whole(end(start(archives, other, cache)), other)
        assert not list((cache / "trees").glob(".*.part"))
        for tree in (cache / "trees").iterdir():
            if tree.is_dir():
                remove_tree(tree)


def test_drafts_of_others_stay(tmp_path: Path) -> None:
    for name in (".deb-6.1-a.x.part", ".deb-6.12-b.y.part"):
        (tmp_path / name).mkdir()
    remove_drafts(tmp_path, "deb-6.1-a")
    assert [path.name for path in tmp_path.iterdir()] == [".deb-6.12-b.y.part"]
    remove_drafts(tmp_path)
    assert not list(tmp_path.iterdir())
