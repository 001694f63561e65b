"""What test programs print and kernels say, and what is made of it."""

from __future__ import annotations

import pytest

from syscraft.lab.verdict import Verdict, kernel_trouble, read_ktap


@pytest.mark.parametrize(
    ("output", "status", "verdict", "detail"),
    [
        ("KTAP version 1\n1..2\nok 1 a\nok 2 b\n", 0, Verdict.PASS, "2 results"),
        ("1..1\n# found 3\nnot ok 1 a\n", 1, Verdict.FAIL, "# found 3\nnot ok 1 a"),
        ("1..1\nnot ok 1 a\n", 0, Verdict.FAIL, "not ok 1 a"),
        ("1..2\nok 1 a\n", 0, Verdict.FAIL, "2 results were planned, 1 reported"),
        ("1..1\nok 1 a\nok 2 b\n", 0, Verdict.FAIL, "1 results were planned, 2 reported"),
        ("ok 1 a\n", 0, Verdict.FAIL, "printed no plan"),
        ("1..1\nok 1 a\n", 3, Verdict.FAIL, "exit status 3"),
        ("", 0, Verdict.FAIL, "printed no KTAP results"),
        ("hello\n", 0, Verdict.FAIL, "hello"),
        ("1..1\nok 1 a # SKIP no such device\n", 0, Verdict.SKIP, "no such device"),
        ("1..2\nok 1 a # SKIP x\nok 2 b\n", 0, Verdict.PASS, "2 results"),
        ("1..1\nok 1 - a\n", 0, Verdict.PASS, "1 results"),
        ("1..0\n", 0, Verdict.FAIL, "no KTAP results"),
        ("1..0 # SKIP needs two CPUs\n", 0, Verdict.SKIP, "needs two CPUs"),
        ("1..0 # SKIP needs two CPUs\n", 4, Verdict.SKIP, "needs two CPUs"),
        ("1..0 # SKIP needs two CPUs\n", 1, Verdict.FAIL, "exit status 1"),
        ("1..3\n", 0, Verdict.FAIL, "3 results were planned, 0 reported"),
    ],
)
def test_read_ktap(output: str, status: int, verdict: Verdict, detail: str) -> None:
    found, told = read_ktap(output, status)
    assert found is verdict, told
    assert detail in told


@pytest.mark.parametrize(
    "line",
    [
        "-----[ cut here ]-----\nWARNING: CPU: 0 PID: 15 at kernel/x.c:9 do_x+0x1/0x9",
        "BUG: sleeping function called from invalid context at kernel/x.c:9",
        "kernel BUG at mm/slub.c:559!",
        "Kernel panic - not syncing: Kernel mode fault at addr 0x0, ip 0x6007c6e8",
        "Oops: 0000 [#1] PREEMPT SMP",
        "INFO: task x:15 blocked for more than 122 seconds.",
        "WARNING: possible circular locking dependency detected",
        "UBSAN: array-index-out-of-bounds in kernel/x.c:9:2",
        "BUG kmalloc-16 (Not tainted): Poison overwritten",
        "BUG: KASAN: slab-use-after-free in do_x+0x1/0x9",
    ],
)
def test_trouble_is_found_with_its_trace(line: str) -> None:
    trace = "\n".join(f" [<6001e{n:03d}>] f{n}+0x1/0x2" for n in range(100))
    found = kernel_trouble(f"Linux version 6.12\nall good\n{line}\n{trace}\n")
    assert found is not None
    assert found.splitlines()[0] == line.splitlines()[0]
    assert "f3+0x1/0x2" in found
    assert "f99" not in found


@pytest.mark.parametrize(
    "line",
    [
        "random: crng init done",
        "Warning: unable to open an initial console.",
        "printk: debugging enabled",
        "WARNING: nvram corruption detected: 0-length partition",
        "workqueue: round-robin CPU selection forced, expect performance impact",
    ],
)
def test_no_trouble(line: str) -> None:
    assert kernel_trouble(f"Linux version 6.12\n{line}\n") is None


@pytest.mark.parametrize(
    "lines",
    [
        ["---[ cut here ]---", "asked to warn", "WARNING: CPU: 0 PID: 1 at kernel/x.c:1 f+0x1/0x2"],
        ["---[ cut here ]---", "WARNING: CPU: 0 PID: 1 at kernel/x.c:1 f+0x1/0x2", "asked to warn"],
        [
            "---[ cut here ]---",
            "WARNING: kernel/x.c:1 at f+0x1/0x2, CPU#0: init/1",
            "asked to warn",
        ],
    ],
)
def test_what_a_warning_says_is_told(lines: list[str]) -> None:
    """Architectures and generations print it before or behind the line with the place."""
    found = kernel_trouble("\n".join(["all good", *lines, "trace"]))
    assert found == "\n".join([*lines, "trace"])
