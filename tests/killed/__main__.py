"""``python -m tests.killed``: kill commands at random moments, and run them again."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from ..small_tree import make_small
from .kill import SIGNALS, Killer, Tally
from .verbs import KERNEL, LIGHT
from .world import World


def main() -> int:
    known = {**LIGHT, **KERNEL}
    parser = argparse.ArgumentParser(prog="python -m tests.killed")
    parser.add_argument("--count", type=int, default=100, help="kills of each command")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--verb", action="append", choices=sorted(known), help="repeatable")
    parser.add_argument("--kernel", action="store_true", help="those that build and boot, too")
    parser.add_argument("--cache", type=Path, help="one that has kernels; it is used, and changed")
    given = parser.parse_args()
    names = given.verb or [*LIGHT, *(KERNEL if given.kernel else ())]
    bad = 0
    with tempfile.TemporaryDirectory(prefix="killed-") as name:
        examples = Path(__file__).parent.parent.parent / "examples"
        calls = [examples / "splork", examples / "clone_nice"]
        tree = make_small(Path(name) / "tree", calls)
        for verb in names:
            began = time.monotonic()
            world = World(Path(name) / verb.replace(" ", "_"), tree, given.cache)
            choose = random.Random(f"{given.seed} {verb}")
            killer, tally = Killer(known[verb], world, choose), Tally()
            for index in range(given.count):
                killer.kill(SIGNALS[index % len(SIGNALS)], tally)
            bad += len(tally.faults)
            hits = ", ".join(f"{how} {count}" for how, count in sorted(tally.hit.items()))
            print(
                f"{verb}: {tally.hit.total()} kills ({hits}), {tally.late} came too late, "
                f"{len(tally.faults)} faults, {time.monotonic() - began:.0f} s",
                flush=True,
            )
            for fault in tally.faults:
                print(f"    {fault}", flush=True)
    return 1 if bad else 0


sys.exit(main())
