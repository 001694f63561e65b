"""Holds the patch series of a drawn declaration to what git makes of it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

import syscraft
from syscraft.errors import SyscraftError
from syscraft.tree.source import open_tree
from syscraft.tree.wire import wired

from .draw import Drawn

_LINUX = "deb:6.12"
_GIT = ("git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "gc.auto=0")


def hold_series(drawn: Iterable[Drawn], folder: Path, wanted: int) -> tuple[int, list[str]]:
    """Apply the series of the first *wanted* declarations that are accepted.

    Returns: how many, and the faults.
    """
    faults = []
    count = 0
    for one in drawn:
        home = folder / f"series-{one.seed}"
        one.write(home)
        try:
            declaration = syscraft.load(home)
        except SyscraftError:
            continue
        if said := _apply(declaration, home):
            faults.append(f"seed {one.seed}: {said}")
        count += 1
        if count == wanted:
            break
    return count, faults


def _apply(declaration: syscraft.Declaration, home: Path) -> str:
    """Apply the mails to the files that they are about. Returns: what went wrong."""
    tree = open_tree(_LINUX)
    change = wired(declaration.unit, tree)
    work = home / "tree"
    for path in change.files:
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        if (data := tree.read_bytes(path)) is not None:
            (work / path).write_bytes(data)
    mails = []
    for name, text in change.series:
        mails.append(home / name)
        mails[-1].write_text(text, encoding="utf-8", errors="surrogateescape")
    for argv in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "before"], ["am", "-q", *mails]):
        done = _git(work, *argv)
        if done.returncode:
            return f"git {argv[0]}: {done.stderr}{done.stdout}"
    for path, data in change.files.items():
        if (work / path).read_bytes() != data:
            return f"{path} is not what --apply writes"
    subjects = _git(work, "log", "--format=%s", "--reverse").stdout.split("\n")[1:-1]
    wanted = [
        line.partition("] ")[2]
        for _, text in change.series
        for line in text.split("\n")
        if line.startswith("Subject: [PATCH ")
    ]
    authors = set(_git(work, "log", "--format=%an <%ae>", "HEAD~1").stdout.split("\n")[:-2])
    if subjects != wanted or not authors <= {_as_git_knows(declaration.unit.shared.author, work)}:
        return f"git read other headers: {subjects} by {authors}"
    return ""


def _as_git_knows(author: str, work: Path) -> str:
    """An author as git writes them into any commit: no point at the end, for example."""
    name, _, mail = author.removesuffix(">").partition(" <")
    answer = _git(work, "-c", f"user.name={name}", "-c", f"user.email={mail}", "var",
                  "GIT_AUTHOR_IDENT").stdout  # fmt: skip
    return answer.rpartition(" ")[0].rpartition(" ")[0]


def _git(work: Path, *argv: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    return subprocess.run(
        [*_GIT, *map(str, argv)], cwd=work, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
