"""The pages of this repository, and the commands in them."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

from conftest import REPOSITORY, Syscraft

PAGES = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/*.md")])
_COMMAND = re.compile(r"^ {4}(?:\.venv/bin/)?(syscraft .*)$", re.MULTILINE)


def commands(page: Path) -> Iterator[list[str]]:
    """The words of every command; placeholders in capitals (DECL, NAME) make it none."""
    for text in _COMMAND.findall(page.read_text()):
        words = shlex.split(text, comments=True)[1:]
        if not any(word.isupper() for word in words):
            yield words


def boots(page: Path) -> bool:
    """Whether a command of the page boots a kernel."""
    return any(words[0] in ("test", "run") for words in commands(page))


def copied_examples(folder: Path) -> Path:
    """Make *folder* one with the examples, where commands may leave files."""
    shutil.copytree(REPOSITORY / "examples", folder / "examples")
    return folder


def run_commands(page: Path, folder: Path, syscraft: Syscraft) -> None:
    """Run all commands of the page, one after the other, in *folder*."""
    for words in commands(page):
        done = syscraft(*words, cwd=folder)
        assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"


def between(page: Path, mark: str, new: str) -> str:
    """The page with what stands between the marks replaced."""
    pattern = re.compile(rf"(<!-- {mark}[^>]*-->\n).*?(<!-- end of {mark} -->)", re.DOTALL)
    text, count = pattern.subn(lambda match: match[1] + new + match[2], page.read_text())
    assert count == 1, f"{page} has no marks for {mark}"
    return text
