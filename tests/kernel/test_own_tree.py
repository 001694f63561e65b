"""A kernel tree of the user's own: every command works with it, and none touches it."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

from conftest import Syscraft

from kernel.examples import EXAMPLES
from syscraft.files import cache_root
from syscraft.tree.source import open_tree


def snapshot(root: Path) -> dict[str, tuple[int, ...]]:
    """Everything that a change of a file would change.

    Its count of links and the time of its last change of state are left out: the tree shares its
    files with the pristine one, and whoever makes another working copy meanwhile adds a link.
    """
    found = {}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            stat = os.lstat(os.path.join(folder, name))
            found[os.path.join(folder, name)] = (
                stat.st_mode, stat.st_uid, stat.st_gid, stat.st_size, stat.st_mtime_ns,
                stat.st_ino,
            )  # fmt: skip
    return found


def test_every_command_leaves_the_tree_alone_and_follows_its_author(
    syscraft: Syscraft, tmp_path: Path
) -> None:
    # ccache knows the kernel with all of them, from another tree.
    folder, *_ = EXAMPLES
    pristine = open_tree("deb:6.12").root
    tree = cache_root() / "tests" / "own-tree"  # the same path each time: builds are kept
    if tree.exists():
        shutil.rmtree(tree)
    tree.parent.mkdir(exist_ok=True)
    subprocess.run(["cp", "-al", f"{pristine}/.", tree], check=True)
    before = snapshot(tree)
    assert len(before) > 50_000
    for words in (
        ("check", folder, "--linux", tree),
        ("generate", folder, "--linux", tree, "-o", tmp_path / "out"),
        ("patch", folder, "--linux", tree, "-o", tmp_path / "series"),
        ("test", *EXAMPLES, "--linux", tree),
        ("run", *EXAMPLES, "--linux", tree, "--", "true"),
    ):
        done = syscraft(*words)
        assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
    after = snapshot(tree)
    # Not by ==: a difference of so many files takes pytest many minutes to print.
    assert sorted(path for path in before | after if before.get(path) != after.get(path)) == []

    # The author goes on working: the next build has it, and rebuilds little.
    file = tree / "fs/proc/cmdline.c"
    text = file.read_text()
    file.unlink()  # it shares its content with the pristine tree
    word = f"edited-{time.time_ns()}"
    file.write_text(text.replace("seq_puts(m, saved_command_line);", f'seq_puts(m, "{word}");'))
    done = syscraft("run", *EXAMPLES, "--linux", tree, "--", "cat", "/proc/cmdline")
    assert done.stdout == f"{word}\n", done.stderr
    # And takes it back; the kernel of before is still there.
    file.unlink()
    os.link(pristine / "fs/proc/cmdline.c", file)
    done = syscraft("run", *EXAMPLES, "--linux", tree, "--", "cat", "/proc/cmdline")
    assert "SYSCRAFT_ROOT=hostfs" in done.stdout
    assert "building" not in done.stderr

    # The first call is put into the tree: it counts as having it, and every command goes on.
    done = syscraft("patch", folder, "--linux", tree, "--apply")
    assert done.returncode == 0, done.stderr
    written = done.stdout.split()
    assert f"kernel/{folder.name}.c" in written
    for words in (
        ("check", folder, "--linux", tree),
        ("generate", folder, "--linux", tree, "-o", tmp_path / "out"),
        ("patch", folder, "--linux", tree, "-o", tmp_path / "again"),
        ("test", *EXAMPLES, "--linux", tree),
    ):
        done = syscraft(*words)
        assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
    # And into a kernel of other calls: its option stays on.
    option = f"CONFIG_{folder.name.upper()}_SYSCALL=y"
    script = f"zcat /proc/config.gz | grep {option}"
    done = syscraft("run", *EXAMPLES[1:], "--linux", tree, "--", "sh", "-c", script)
    assert done.stdout == f"{option}\n", done.stderr
    done = syscraft("patch", folder, "--linux", tree, "--revert")
    assert done.returncode == 0, done.stderr
    for name in written:
        here, there = tree / name, pristine / name
        assert here.exists() == there.exists(), name
        assert not here.exists() or here.read_bytes() == there.read_bytes(), name
