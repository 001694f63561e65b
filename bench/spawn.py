# SPDX-License-Identifier: MIT
"""What it costs to start a program and wait for it, each way in turn in one run.

The program is a static one that ends at once. Times are taken in a process of its own for each size
of the parent: a small one, and one with memory resident. Ends with 1 if spawn() is slower than
another way beyond the spread, or grows with the parent.
"""

from __future__ import annotations

import argparse
import gc
import json
import mmap
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from syscraft.runtime.clone import clone
from syscraft.runtime.spawn import spawn

ROOT = Path(__file__).parent.parent
IN_C = "vfork + exec in C"
WARM, BLOCK = 3, 10
LIMITS = {"subprocess.run": 1.0, "os.posix_spawn": 1.0, "fork + exec": 1.0, IN_C: 1.15}


def compile_programs(folder: Path) -> tuple[Path, Path]:
    """Returns: the tiny program, and the one that starts it from C."""
    tiny, vfork = folder / "tiny", folder / "vfork"
    common = ["gcc", "-O2", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([*common, "-static", ROOT / "bench/spawn_tiny.c", "-o", tiny], check=True)
    subprocess.run([*common, ROOT / "bench/spawn_vfork.c", "-o", vfork], check=True)
    return tiny, vfork


def keep_resident(mib: int) -> object:
    """Take memory in small pages, as a heap that has grown has them, and touch all of it."""
    if not mib:
        return None
    memory = mmap.mmap(-1, mib << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_NOHUGEPAGE)
    for place in range(0, len(memory), mmap.PAGESIZE):
        memory[place] = 1
    return memory


def by_spawn(program: str) -> None:
    with spawn([program]) as child:
        assert child.wait() == 0


def by_spawn_without_pidfd(program: str) -> None:
    with spawn([program], pidfd=False) as child:
        assert child.wait() == 0


def by_run(program: str) -> None:
    assert subprocess.run([program], check=False).returncode == 0


def by_posix_spawn(program: str) -> None:
    pid = os.posix_spawn(program, [program], os.environ)
    assert os.waitpid(pid, 0)[1] == 0


def by_fork(program: str) -> None:
    pid = os.fork()
    if pid == 0:
        os.execv(program, [program])
    assert os.waitpid(pid, 0)[1] == 0


def measure(tiny: str, vfork: str, mib: int, rounds: int) -> dict[str, list[float]]:
    """Returns: microseconds of each way, without those that warm up."""
    kept = keep_resident(mib)
    ways: dict[str, Callable[[str], None]] = {
        "spawn": by_spawn,
        "spawn, pidfd=False": by_spawn_without_pidfd,
        "subprocess.run": by_run,
        "os.posix_spawn": by_posix_spawn,
        "fork + exec": by_fork,
    }
    # It keeps no memory: vfork does not look at it, and two of such size may not fit.
    with subprocess.Popen(
        [vfork, tiny], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as other:
        assert other.stdin and other.stdout
        ask, answer = other.stdin, other.stdout

        def in_c(count: int) -> list[float]:
            ask.write(f"{count}\n")
            return [int(ns) / 1000 for ns in answer.readline().split()]

        times: dict[str, list[float]] = {name: [] for name in (*ways, IN_C)}
        order = list(times)
        gc.disable()
        for _ in range(rounds):
            # A fork leaves page faults for whoever comes next, and caches favour the same way
            # again: blocks in random order, without their first starts.
            random.shuffle(order)
            for name in order:
                block = in_c(WARM + BLOCK) if name == IN_C else timed(ways[name], tiny)
                times[name] += block[WARM:]
        ask.close()
    del kept
    return times


def timed(way: Callable[[str], None], program: str) -> list[float]:
    """Returns: the microseconds of each start of a block."""
    block = []
    for _ in range(WARM + BLOCK):
        start = time.perf_counter_ns()
        way(program)
        block.append((time.perf_counter_ns() - start) / 1000)
    return block


def show(mib: int, times: dict[str, list[float]]) -> bool:
    """Print a table. Returns: whether spawn is within every limit."""
    print(f"\n| parent with {mib} MiB: started by | µs, median (quartiles) | spawn to it |")
    print("| --- | --- | --- |")
    good = True
    ours = statistics.median(times["spawn"])
    for name, column in times.items():
        low, middle, high = statistics.quantiles(column, n=4)
        ratio = ours / middle
        print(f"| {name} | {middle:.0f} ({low:.0f} to {high:.0f}) | {ratio:.2f} |")
        # Medians of one run differ by a few percent for equal ways, too.
        good &= ratio <= LIMITS.get(name, 9.0) * 1.03
    return good


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def resident_kib() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * (mmap.PAGESIZE // 1024)


def leaks(tiny: str, count: int) -> bool:
    """Start *count* programs and clones. Returns: whether nothing is left of them."""
    good = True
    ways: dict[str, Callable[[str], None]] = {"spawn": by_spawn, "clone": by_clone}
    for name, way in ways.items():
        for _ in range(100):
            way(tiny)
        fds, memory = descriptors(), resident_kib()
        for _ in range(count):
            way(tiny)
        grown_kib = resident_kib() - memory
        try:
            os.waitpid(-1, os.WNOHANG)
            zombies = True
        except ChildProcessError:
            zombies = False
        print(
            f"{count} times {name}: {descriptors() - fds} descriptors more, {grown_kib} KiB more, "
            f"{'children' if zombies else 'no child'} left"
        )
        good &= descriptors() == fds and grown_kib < 512 and not zombies
    return good


def by_clone(program: str) -> None:
    with clone(int) as child:
        assert child.wait() == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--mib", type=int, nargs="*", default=[0, 4096])
    parser.add_argument("--leaks", type=int, help="start so many instead, and look what is left")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        tiny, vfork, mib = arguments.one
        print(json.dumps(measure(tiny, vfork, int(mib), arguments.rounds)))
        return 0
    with tempfile.TemporaryDirectory(prefix="syscraft-bench-") as name:
        tiny_path, vfork_path = compile_programs(Path(name))
        if arguments.leaks:
            return 0 if leaks(str(tiny_path), arguments.leaks) else 1
        good = True
        medians = []
        for mib in arguments.mib:
            again = [sys.executable, __file__, "--rounds", str(arguments.rounds), "--one"]
            text = subprocess.check_output([*again, tiny_path, vfork_path, str(mib)], text=True)
            times = json.loads(text)
            good &= show(mib, times)
            medians.append(statistics.median(times["spawn"]))
        growth = max(medians) / medians[0]
        print(f"\nspawn grows with the parent by {growth:.2f}")
        return 0 if good and growth < 1.15 else 1


if __name__ == "__main__":
    sys.exit(main())
