"""Runs one test program in a guest and judges how it ended."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

from syscraft.errors import LabError
from syscraft.guest.base import Session
from syscraft.guest.channel import End, Ended
from syscraft.lab.verdict import Outcome, Verdict, kernel_trouble, read_exit, read_ktap
from syscraft.model.tests import Result, TestProgram

LAST_BYTES = 3000  # of a console, where nothing tells which lines matter


def judge(
    session: Session,
    test: TestProgram,
    argv: Sequence[str],
    *,
    cwd: str,
    env: Mapping[str, str],
    deadline_s: float,
    explain: Callable[[str], str],
) -> tuple[Outcome, bool]:
    """Run a test program.

    Args:
        explain: puts names to addresses in a kernel's log.

    Returns: the outcome, and whether the guest is still fit for another program.
    """
    output = bytearray()
    seen = len(session.log())
    try:
        end = session.run(
            argv, cwd=cwd, env=env, on_output=output.extend, on_error=output.extend,
            deadline_s=deadline_s,
        )  # fmt: skip
    except LabError as error:
        return Outcome(test.name, Verdict.INFRA, 0.0, str(error)), False
    said = session.log()[seen:]
    text = output.decode(errors="replace")
    verdict, detail = _verdict(test, argv[0], end, text, said, deadline_s)
    if verdict in (Verdict.CRASH, Verdict.TIMEOUT):
        detail = explain(detail)
    alive = verdict in (Verdict.PASS, Verdict.FAIL, Verdict.SKIP)
    return Outcome(test.name, verdict, end.seconds, detail), alive


def _verdict(
    test: TestProgram, program: str, end: End, output: str, said: str, deadline_s: float
) -> tuple[Verdict, str]:
    if trouble := kernel_trouble(said):
        return Verdict.CRASH, trouble
    if end.how in (Ended.GUEST_DIED, Ended.RESTARTED):
        what = "the guest restarted" if end.how is Ended.RESTARTED else "the kernel died"
        return Verdict.CRASH, f"{what}; last console output:\n" + said[-LAST_BYTES:]
    if end.how is Ended.DEADLINE:
        last = (output + said).splitlines()[-10:]
        return Verdict.TIMEOUT, "\n".join([f"no end after {deadline_s:g} s", *last])
    if end.how is Ended.NO_START:
        return (
            Verdict.INFRA,
            f"{program} cannot be started in the guest: {os.strerror(end.value)}",
        )
    if end.how is Ended.SIGNAL:
        tail = output.splitlines()[-10:]
        return Verdict.FAIL, "\n".join([f"killed by signal {end.value}", *tail])
    if test.result is Result.EXIT:
        return read_exit(output, end.value)
    return read_ktap(output, end.value)


def judge_boot(error: Exception, log: str) -> tuple[Verdict, str]:
    """Say whose fault it is that a guest is not up: of the kernel, or of what runs it."""
    if trouble := kernel_trouble(log):
        return Verdict.CRASH, f"the kernel did not boot:\n{trouble}"
    last = log[-LAST_BYTES:].strip() or "nothing"
    if isinstance(error, TimeoutError):
        return Verdict.TIMEOUT, f"the guest did not boot in time; last console output:\n{last}"
    if isinstance(error, EOFError):
        return Verdict.INFRA, f"the guest ended before it was up; last console output:\n{last}"
    return Verdict.INFRA, f"{error}\nlast console output:\n{last}"
