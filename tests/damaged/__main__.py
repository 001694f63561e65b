"""``python -m tests.damaged``: every kept file, every damage."""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from collections import Counter
from functools import partial
from pathlib import Path

from .builds import try_files
from .commands import try_commands
from .damage import files_in, kind_of, sample
from .toy import Toy


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.damaged")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--per-kind", type=int, default=40, help="files of each kind")
    parser.add_argument("--real", action="store_true", help="a kernel that is built and booted")
    parser.add_argument("--only", default="", help="with --real: kinds that begin with this")
    parser.add_argument("--cache", type=Path, help="with --real: damage this cache")
    given = parser.parse_args()
    choose = random.Random(given.seed)
    with tempfile.TemporaryDirectory(prefix="damaged-") as name:
        folder = Path(name)
        tried: Counter[str] = Counter()
        bad = 0

        def note(kind: str, fault: tuple[str, str, str] | None) -> None:
            nonlocal bad
            tried[kind] += 1
            if fault:
                bad += 1
                print("FAULT", *fault, sep="\n    ", flush=True)

        def pick(cache: Path) -> list[Path]:
            found = [p for p in files_in(cache) if kind_of(p, cache).startswith(given.only)]
            return sample(found, cache, given.per_kind, choose)

        if given.real:
            cache = given.cache or folder / "cache"
            os.environ["SYSCRAFT_CACHE"] = str(cache)
            for kind, fault in try_commands(folder, cache, partial(pick, cache)):
                note(kind, fault)
        else:
            for own in (False, True):
                place = folder / ("own" if own else "archive")
                place.mkdir()
                os.environ["SYSCRAFT_CACHE"] = str(place / "cache")
                for fault in try_files(Toy(place, own=own), partial(pick, place / "cache")):
                    note(place.name, fault)
    for kind, count in sorted(tried.items()):
        print(f"{kind}: {count}")
    print(f"seed {given.seed}: {tried.total()} damages, {bad} faults")
    return 1 if bad else 0


sys.exit(main())
