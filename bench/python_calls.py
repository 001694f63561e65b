# SPDX-License-Identifier: MIT
"""What one getppid(2) costs from Python, by each way in turn in one run.

Ends with 1 if syscall() or calls.getppid() is slower than it may be beside os.getppid().
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import mmap
import os
import random
import statistics
import sys
import timeit
from pathlib import Path

import cffi

from syscraft.runtime import calls
from syscraft.runtime.raw import syscall

# To os.getppid().
LIMITS = {"syscall(number)": 1.15, "calls.getppid()": 1.25}
WARM_CALLS, CALLS = 200, 4_000

ctypes_libc = ctypes.CDLL(None)
ffi = cffi.FFI()
ffi.cdef("int getppid(void); long syscall(long number, ...);")
cffi_libc = ffi.dlopen(None)
number = calls.numbers()["getppid"]

WAYS = {
    "os.getppid()": "os.getppid()",
    "syscall(number)": "syscall(number)",
    "syscall('getppid')": "syscall('getppid')",
    "syscall(number, blocking=True)": "syscall(number, blocking=True)",
    "calls.getppid()": "calls.getppid()",
    "ctypes: libc.getppid()": "ctypes_libc.getppid()",
    "ctypes: libc.syscall(number)": "ctypes_libc.syscall(number)",
    "cffi: libc.getppid()": "cffi_libc.getppid()",
    "cffi: libc.syscall(number)": "cffi_libc.syscall(number)",
}


def measure(rounds: int) -> dict[str, list[float]]:
    """Returns: nanoseconds a call, of each way and round."""
    timers = {name: timeit.Timer(code, globals=globals()) for name, code in WAYS.items()}
    times: dict[str, list[float]] = {name: [] for name in WAYS}
    order = list(WAYS)
    for _ in range(rounds):
        random.shuffle(order)
        for name in order:
            timers[name].timeit(WARM_CALLS)
            times[name].append(timers[name].timeit(CALLS) / CALLS * 1e9)
    return times


def show(times: dict[str, list[float]]) -> bool:
    """Print a table. Returns: whether every limit is kept."""
    print(f"Python {sys.version.split()[0]}\n")
    print("| one getppid(2) | ns, median (quartiles) | to os.getppid(), median (quartiles) |")
    print("| --- | --- | --- |")
    good = True
    for name, column in times.items():
        ratios = [ns / base for ns, base in zip(column, times["os.getppid()"], strict=True)]
        print(f"| {name} | {spread(column, 0)} | {spread(ratios, 2)} |")
        good &= statistics.median(ratios) <= LIMITS.get(name, 99.0)
    return good


def spread(values: list[float], digits: int) -> str:
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def resident_kib() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * (mmap.PAGESIZE // 1024)


def leaks(count: int) -> bool:
    """Make *count* calls with arguments of each kind. Returns: whether memory stayed as it was."""

    def some(times: int) -> None:
        path, buffer = "/nowhere/at/all", bytearray(64)
        for _ in range(times // 4):
            syscall(number)
            calls.getppid()
            syscall("getrandom", buffer, len(buffer), 0)
            try:
                calls.chdir(path)
            except FileNotFoundError:
                continue
            raise AssertionError(f"{path} is there")

    some(10_000)
    gc.collect()
    fds, before = len(os.listdir("/proc/self/fd")), resident_kib()
    some(count)
    gc.collect()
    grown_kib = resident_kib() - before
    more = len(os.listdir("/proc/self/fd")) - fds
    print(f"{count} calls: {grown_kib} KiB more, {more} descriptors more")
    return grown_kib < 512 and more == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--leaks", type=int, help="make so many calls instead; look what is left")
    arguments = parser.parse_args()
    if arguments.leaks:
        return 0 if leaks(arguments.leaks) else 1
    return 0 if show(measure(arguments.rounds)) else 1


if __name__ == "__main__":
    sys.exit(main())
