"""Trees with only those files of a kernel that some calls touch, as git repositories."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

import syscraft as library
from syscraft.tree.source import open_tree

Content = dict[str, tuple[bytes, int]]


def make_small(root: Path, declarations: Iterable[Path], more: Iterable[str] = ()) -> Path:
    """Copy those files of 6.12 that the declarations' calls touch, and commit them."""
    tree = open_tree("deb:6.12")
    paths = {"Makefile", "Kconfig", "kernel/fork.c", "kernel/sys.c", *more}
    for declaration in declarations:
        paths |= set(library.load(declaration).patch().files)
    for path in sorted(paths):
        if (data := tree.read_bytes(path)) is not None:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "config", "gc.auto", "0")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "start")
    return root


def git(root: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=T", "-c", "user.email=t@example.org", *words],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def take_series(root: Path, declaration: Path, mails: Path) -> None:
    """Let git am take the series of a declaration."""
    mails.mkdir()
    change = library.load(declaration).patch(str(root))
    for name, text in change.series:
        (mails / name).write_text(text, errors="surrogateescape")
    git(root, "am", "--quiet", *(str(mails / name) for name, _ in change.series))


def content(root: Path) -> Content:
    """Every file and link, and its mode; folders, but for git's."""
    found = {}
    for path in root.rglob("*"):
        name = str(path.relative_to(root))
        if name.split("/")[0] != ".git":
            data = bytes(path.readlink()) if path.is_symlink() else b""
            if path.is_file() and not path.is_symlink():
                data = path.read_bytes()
            found[name] = (data, path.lstat().st_mode)
    return found
