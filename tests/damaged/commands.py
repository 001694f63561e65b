"""Damages what real commands keep, and runs them again: a kernel is built and booted."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from .damage import DAMAGES, Damage, kind_of

_REPOSITORY = Path(__file__).parent.parent.parent
# What a run prints of its time, of what was kept, and of how far it is.
_VARYING = re.compile(r"\d+\.\d+(?: s)?|cached|built|boots? in.*|\bbefore\b| +")
Fault = tuple[str, str, str]


class Commands:
    """Commands on one declaration, and what each says while nothing is damaged."""

    def __init__(self, folder: Path) -> None:
        self._call = Path(shutil.copytree(_REPOSITORY / "examples" / "splork", folder / "splork"))
        self._edits = 0
        quick = (
            ("test", "splork"),
            ("run", "splork", "--", "python3", "-c", "import splork; print(splork.__name__)"),
        )
        slow = (
            ("patch", "splork", "-o", "series"),
            ("list", "--abi", "x86_64", "--run"),
            ("list", "--abi", "x86_64"),
            ("registry", "diff", "deb:6.12", "6.12"),
        )
        self._folder = folder
        self.quick = {words: self._said(words) for words in quick}
        self.slow = {words: self._said(words) for words in slow}

    def edit(self) -> None:
        """Change the body, so that a kernel has to be built."""
        self._edits += 1
        body = self._call / "splork.c"
        head = f"/* edit {os.getpid()}.{self._edits} */\n"
        body.write_text(head + re.sub(r"\A/\* edit .*\n", "", body.read_text()))

    def compare(self, commands: dict[tuple[str, ...], str]) -> str:
        """What is wrong with the first of *commands* that says something else than before."""
        for words, before in commands.items():
            if (now := self._said(words)) != before:
                return f"{' '.join(words)}\n{now}\n-- expected:\n{before}"
        return ""

    def _said(self, words: tuple[str, ...]) -> str:
        start = "import sys; from syscraft.cli.main import main; main(sys.argv[1:])"
        done = subprocess.run(
            [sys.executable, "-c", start, *words], cwd=self._folder, capture_output=True,
            stdin=subprocess.DEVNULL, text=True, timeout=1800, check=False,
        )  # fmt: skip
        errors = done.stderr if done.returncode else ""
        return f"{done.returncode}\n{_VARYING.sub(' ', done.stdout)}{errors}"


def try_commands(
    folder: Path, cache: Path, choose: Callable[[], list[Path]]
) -> Iterator[tuple[str, Fault | None]]:
    """Damage the files that *choose* finds; yields the kind of each, and what is wrong."""
    commands = Commands(folder)
    for number, path in enumerate(choose()):
        if path.exists():
            damage: Damage = DAMAGES[number % len(DAMAGES)]
            kind = kind_of(path, cache)
            damage(path)
            if kind.startswith(("work", "trees")):
                commands.edit()
            wrong = commands.compare(commands.quick)
            if not kind.startswith(("kernels", "work", "cells", "tests", "remembered")):
                wrong = wrong or commands.compare(commands.slow)
            yield kind, (str(path), damage.__name__, wrong) if wrong else None
