"""An unpacked tree that somebody has changed is unpacked anew before it is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from damaged.damage import DAMAGES, Damage
from damaged.toy import Toy

from syscraft.tree import source
from syscraft.tree.source import open_tree

FORK = "kernel/fork.c"


@pytest.fixture
def linux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a small tree, which is unpacked."""
    monkeypatch.setenv("SYSCRAFT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(source, "_DEBIAN_SOURCES", None)  # the toy has its own
    name = Toy(tmp_path, own=False).linux
    assert open_tree(name).read(FORK) == f"/* {FORK} */\n"
    return name


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_is_read(damage: Damage, linux: str) -> None:
    tree = open_tree(linux)
    damage(tree.root / FORK)
    assert tree.read(FORK) == f"/* {FORK} */\n"
    assert tree.mode(FORK) == source.PLAIN


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_seal(damage: Damage, linux: str) -> None:
    tree = open_tree(linux)
    damage(tree.root.with_suffix(tree.root.suffix + ".json"))
    said: list[str] = []
    tree = open_tree(linux, progress=said.append)
    assert tree.read(FORK) == f"/* {FORK} */\n"
    assert any("unpacking" in text for text in said)
    said.clear()
    assert open_tree(linux, progress=said.append).read(FORK)
    assert not said


def test_files_that_are_looked_for(linux: str) -> None:
    """Nobody asks for one that is gone, or for one that is new, by its name."""
    tree = open_tree(linux)
    (tree.root / FORK).unlink()
    (tree.root / "kernel/new.c").touch()
    assert open_tree(linux).glob("kernel/*.c") == ("kernel/fork.c", "kernel/sys.c")
    (tree.root / "kernel/new.c").touch()
    assert "kernel/new.c" not in set(open_tree(linux).walk(lambda folder: True))


def test_all_files(linux: str) -> None:
    """As before a tool reads the tree, and not we ourselves."""
    tree = open_tree(linux)
    (tree.root / "lib/sort.c").write_text("")
    assert tree.watch is not None
    tree.watch.look_at_all()
    assert (tree.root / "lib/sort.c").read_text() == "/* lib/sort.c */\n"
