"""Verdicts, the KTAP reader, and what a kernel's log says about its health."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """How a test ended, and whose fault it is."""

    PASS = "the test passed"
    FAIL = "the call does not do what the test expects"
    SKIP = "this machine cannot run the test"
    CRASH = "the kernel oopsed, panicked or warned"
    TIMEOUT = "not finished within the deadline"
    INFRA = "the guest failed before the test could report anything"


@dataclass(frozen=True)
class Outcome:
    """One test's verdict; ``detail`` is for people who have to repair something."""

    name: str
    verdict: Verdict
    seconds: float
    detail: str


_RESULT = re.compile(r"^(?P<not>not )?ok (?P<number>\d+)(?: (?:- )?(?P<name>.*))?$")
_PLAN = re.compile(r"^1\.\.(?P<count>\d+)")
_SKIP = re.compile(r"#\s*SKIP\b\s*(?P<why>.*)$", re.IGNORECASE)

# A kernel that prints one of these is not healthy. Source: lib/bug.c, kernel/panic.c,
# mm/, lib/ubsan.c, kernel/locking/ and arch/um/kernel/trap.c, Linux 6.12
_TROUBLE = re.compile(
    # Firmware and drivers warn of other things too; newer kernels leave the CPU out.
    r"WARNING: (?:CPU: |\S+:\d+ at |possible |suspicious |inconsistent |held lock|bad unlock)"
    r"|BUG: |BUG \S+ \((?:Not tainted|Tainted)|UBSAN: "
    r"|kernel BUG at|Kernel panic|Oops|Kernel mode fault|Segfault with no mm"
    r"|Modules linked in:|INFO: task .* blocked|possible (?:circular|recursive) locking"
)
_TRACE_LINES = 40
_KSFT_SKIP = 4  # source: tools/testing/selftests/kselftest.h, Linux 6.12


def read_ktap(output: str, status: int) -> tuple[Verdict, str]:
    """Judge a test program by what it printed and its exit status.

    Returns: the verdict and the lines that explain it.
    """
    planned: int | None = None
    results: list[tuple[bool, bool]] = []  # good, skipped
    notes: list[str] = []
    told: list[str] = []
    for line in output.splitlines():
        if match := _PLAN.match(line):
            planned = planned if planned is not None else int(match["count"])
            if planned == 0 and _SKIP.search(line) and status in (0, _KSFT_SKIP):
                return Verdict.SKIP, line
        elif match := _RESULT.match(line):
            skipped = _SKIP.search(line)
            good = match["not"] is None
            results.append((good, skipped is not None))
            if not good:
                told += [*notes, line]
            elif skipped:
                told.append(line)
            notes = []
        elif line.startswith("#"):
            notes.append(line)
    told += notes
    problems = []
    if not results and not planned:
        problems.append("the program printed no KTAP results")
    elif planned is None:
        problems.append("the program printed no plan (1..N)")
    elif len(results) != planned:
        problems.append(f"{planned} results were planned, {len(results)} reported")
    if status:
        problems.append(f"exit status {status}")
    if problems or any(not good for good, _ in results):
        tail = [] if results else output.splitlines()[-10:]
        return Verdict.FAIL, "\n".join([*told, *problems, *tail])
    if results and all(skipped for _, skipped in results):
        return Verdict.SKIP, "\n".join(told)
    return Verdict.PASS, f"{len(results)} results"


def read_exit(output: str, status: int) -> tuple[Verdict, str]:
    """Judge a test program by its exit status alone."""
    tail = output.splitlines()[-10:]
    if status == 0:
        return Verdict.PASS, "exit status 0"
    if status == _KSFT_SKIP:
        return Verdict.SKIP, "\n".join(tail) or f"exit status {status}"
    return Verdict.FAIL, "\n".join([f"exit status {status}", *tail])


def kernel_trouble(log: str) -> str | None:
    """Find the first oops, warning or panic in a kernel's log, with its trace."""
    lines = log.splitlines()
    for index, line in enumerate(lines):
        if _TROUBLE.search(line):
            # What a warning says may stand between the scissors and this line.
            before = [i for i in range(max(0, index - 4), index) if "cut here" in lines[i]]
            start = before[-1] if before else index
            return "\n".join(lines[start : start + _TRACE_LINES])
    return None
