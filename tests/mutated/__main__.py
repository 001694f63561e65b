"""``python -m tests.mutated``: many inputs, or one of them again."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from ..tiers import guard_in
from . import command_lines
from .inputs import make_input
from .seeds import seeds
from .supervise import try_many
from .trial import small_tree, try_one, write


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutated")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="the first input's number")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--series-of", type=int, default=1, help="one of so many makes a series")
    parser.add_argument("--lines", action="store_true", help="command lines, not declarations")
    parser.add_argument("--only", type=int, help="try this input alone, without limits")
    parser.add_argument("--keep", type=Path, help="write the input of --only into this folder")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mutated-") as name:
        folder = Path(name)
        tree = small_tree(folder)
        if given.only is not None:
            path = write(make_input(given.seed, given.only, seeds()), given.keep or folder / "one")
            print(path.parent, *try_one(path, tree))
            return 0
        if given.lines:
            return _lines(given.seed, range(given.first, given.first + given.count), folder)
        summary = try_many(
            given.seed, given.first, given.count, folder, given.jobs, given.series_of,
            lambda text: print(text, file=sys.stderr, flush=True),
        )  # fmt: skip
        shutil.rmtree(folder / "linux")
    print(f"\n{summary.text()}")
    return 1 if summary.faults else 0


def _lines(seed: int, indices: range, folder: Path) -> int:
    guard = folder / "guard"
    guard.mkdir()
    os.environ["PATH"] = guard_in(guard)
    os.environ["SYSCRAFT_CACHE"] = str(folder / "cache")
    command_lines.prepare(folder / "here", folder / "linux")
    bad = 0
    for index in indices:
        line = command_lines.make_line(seed, index)
        if fault := command_lines.try_line(line, folder / "here"):
            bad += 1
            print(f"{index}: {line}: {fault}")
    print(f"{len(indices)} command lines, {bad} did not end as they should")
    return 1 if bad else 0


sys.exit(main())
