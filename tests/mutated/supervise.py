"""Runs workers, notes what ended one, and goes on behind the input that did."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from . import worker
from .seeds import REPOSITORY

WALL_S = 60.0  # of no word from a worker: it waits for something


@dataclass
class Summary:
    """What became of many inputs.

    Attributes:
        reached: (kind of mutation, how far it came) -> how many.
        faults: each kind of fault -> the inputs that show it.
    """

    reached: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: dict[str, list[int]] = field(default_factory=dict)

    def note(self, index: int, fault: str) -> None:
        kind = re.sub(r"0x[0-9a-f]+|'[^']*'|\d{4,}", "_", fault)
        self.faults.setdefault(kind, []).append(index)

    def stages(self) -> dict[str, int]:
        """How far the inputs came, whatever kind they are."""
        found = Counter[str]()
        for (_, stage), n in sorted(self.reached.items()):
            found[stage] += n
        return dict(found)

    def text(self) -> str:
        lines = [f"{how}: {stage}: {n}" for (how, stage), n in sorted(self.reached.items())]
        lines += [f"all: {stage}: {n}" for stage, n in self.stages().items()]
        lines += [
            f"FAULT {len(found)} times, inputs {found[:5]}: {kind}"
            for kind, found in sorted(self.faults.items(), key=lambda item: -len(item[1]))
        ]
        return "\n".join([*lines, f"{self.reached.total()} ended as they should, "
                          f"{sum(map(len, self.faults.values()))} did not"])  # fmt: skip


def try_many(
    seed: int, first: int, count: int, folder: Path, jobs: int, series_of: int,
    progress: Callable[[str], None] = lambda text: None,
) -> Summary:  # fmt: skip
    """Try *count* inputs of a seed; *folder* holds the tree ``linux``.

    Args:
        progress: is told of faults as they are found, and now and then how far it is.
    """
    summary, lock = Summary(), threading.Lock()
    size = -(-count // jobs)

    def run(start: int, end: int) -> None:
        while start < end:
            start = _worker(seed, start, end, folder, series_of, summary, lock, progress)

    with ThreadPoolExecutor(jobs) as pool:
        starts = range(first, first + count, size)
        for done in [pool.submit(run, s, min(s + size, first + count)) for s in starts]:
            done.result()
    return summary


def _worker(
    seed: int, start: int, end: int, folder: Path, series_of: int,
    summary: Summary, lock: threading.Lock, progress: Callable[[str], None],
) -> int:  # fmt: skip
    """Let one worker try inputs until its end; returns the input to go on with."""
    words = (seed, start, end, series_of, folder)
    module = worker.__name__
    with subprocess.Popen(
        [sys.executable, "-m", module, *map(str, words)],
        cwd=REPOSITORY if module.startswith("tests.") else REPOSITORY / "tests",
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        index = start - 1
        for word in _words(process):
            if "index" in word:
                index = word["index"]
                continue
            with lock:
                if word["fault"]:
                    summary.note(index, word["fault"])
                    progress(f"{index}: {word['fault']}")
                else:
                    summary.reached[word["how"], word["reached"]] += 1
                if index % 1000 == 0:
                    progress(f"{index}: {summary.stages()}")
        said = process.stderr.read() if process.stderr else ""
        status = process.wait()
    if status == 0:
        return end
    if index < start:
        raise RuntimeError(f"no worker starts: {said}")
    with lock:
        summary.note(index, ended(status, said))
        progress(f"{index}: {ended(status, said)}")
    return index + 1


def _words(process: subprocess.Popen[str]) -> Iterator[dict[str, object]]:
    assert process.stdout is not None
    while True:
        timer = threading.Timer(WALL_S, process.kill)
        timer.start()
        line = process.stdout.readline()
        timer.cancel()
        if not line:
            return
        yield json.loads(line)


def ended(status: int, said: str) -> str:
    """Why a worker has ended."""
    if status == -signal.SIGPROF:
        return f"more than {worker.PROCESSOR_S:g} s of processor time"
    if status == -signal.SIGKILL:
        return f"no word for {WALL_S:g} s"
    return f"the process ended with {status}: {said.strip()[-200:]}"
