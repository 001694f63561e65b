"""A process that tries inputs and reports them line by line, under limits of its own."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from pathlib import Path

from syscraft.tree.source import KernelTree, open_tree

from .inputs import make_input
from .seeds import seeds
from .trial import try_one, write

PROCESSOR_S = 5.0
MEMORY_BYTES = 1 << 30


def limit_memory() -> None:
    """Let this process have a gigabyte more than it has now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def limit_time() -> None:
    """Let the kernel end this process soon; SIGPROF's default action needs no Python for it."""
    signal.setitimer(signal.ITIMER_PROF, PROCESSOR_S)


def main(seed: int, first: int, end: int, series_of: int, folder: Path) -> None:
    """Try inputs *first* to *end*; the process ends with one that takes too long.

    Args:
        series_of: one of how many declarations comes as far as a series.
        folder: holds ``linux``.
    """
    known = seeds()
    tree: KernelTree = open_tree(str(folder / "linux"))
    try_one(write(known[0], folder / f"input-{first}"), tree)  # what is loaded once, is loaded
    limit_memory()
    for index in range(first, end):
        print(json.dumps({"index": index}), flush=True)
        made = make_input(seed, index, known)
        path = write(made, folder / f"input-{first}")
        limit_time()
        if os.environ.get("MUTATED_FALL") == str(index):
            os.abort()  # for the test of what watches us
        reached, fault = try_one(path, tree if index % series_of == 0 else None)
        signal.setitimer(signal.ITIMER_PROF, 0)
        print(json.dumps({"how": made.how, "reached": reached, "fault": fault}), flush=True)


if __name__ == "__main__":
    seed, first, end, series_of = map(int, sys.argv[1:5])
    main(seed, first, end, series_of, Path(sys.argv[5]))
