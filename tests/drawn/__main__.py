"""Draw as many declarations as wanted: python -m tests.drawn --count 20000 --seed 1"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from .draw import draw
from .hold import hold_many
from .series import hold_series


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.drawn", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="how many; default 1000")
    parser.add_argument("--seed", type=int, default=1, help="the first one's seed; default 1")
    parser.add_argument("--show", action="store_true", help="print the declarations and stop")
    parser.add_argument("--series", type=int, help="apply the series of so many, and stop")
    given = parser.parse_args()
    seeds = range(given.seed, given.seed + given.count)
    if given.show:
        print("\n".join(draw(seed).text for seed in seeds))
        return 0
    if given.series:
        with tempfile.TemporaryDirectory() as folder:
            count, faults = hold_series(map(draw, seeds), Path(folder), given.series)
        print(f"{count} series applied", *faults, sep="\n")
        return 1 if faults else 0
    with tempfile.TemporaryDirectory() as folder:
        tally = hold_many(draw, seeds, Path(folder), lambda line: print(line, file=sys.stderr))
    print(f"{given.count} drawn, {tally.accepted} accepted with {tally.structs} structs")
    for message, times in tally.refused.most_common():
        print(f"{times:8} {message}")
    print(f"{len(tally.faults)} faults")
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
