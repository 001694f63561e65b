"""A kernel tree of the user's own: every command works with it, and none touches it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from conftest import Syscraft

from syscraft.tree.source import open_tree

MakeCall = Callable[..., Path]


def snapshot(root: Path) -> dict[str, tuple[int, ...]]:
    """Everything that a change of a file would change."""
    found = {}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            stat = os.lstat(os.path.join(folder, name))
            found[os.path.join(folder, name)] = (
                stat.st_mode, stat.st_uid, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns,
                stat.st_ino, stat.st_nlink,
            )  # fmt: skip
    return found


def test_every_command_leaves_the_tree_alone(
    make_call: MakeCall, syscraft: Syscraft, tmp_path: Path
) -> None:
    folder = make_call("ctown")
    tree = open_tree("deb:6.12").root
    before = snapshot(tree)
    assert len(before) > 50_000
    for words in (
        ("check", folder, "--linux", tree),
        ("generate", folder, "--linux", tree, "-o", tmp_path / "out"),
        ("patch", folder, "--linux", tree, "-o", tmp_path / "series"),
        ("test", folder, "--linux", tree),
        ("run", folder, "--linux", tree, "--", "true"),
    ):
        done = syscraft(*words)
        assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
    assert snapshot(tree) == before
