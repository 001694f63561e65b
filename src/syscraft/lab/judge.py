"""Runs one test program in a guest and judges how it ended."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from syscraft.errors import LabError
from syscraft.guest.channel import End, Ended
from syscraft.guest.session import Booted
from syscraft.guest.symbols import name_addresses
from syscraft.lab.verdict import Outcome, Verdict, kernel_trouble, read_ktap

_LAST_BYTES = 3000


def judge(
    guest: Booted,
    name: str,
    argv: Sequence[str],
    *,
    cwd: str,
    env: Mapping[str, str],
    deadline_s: float,
    image: Path | None = None,
) -> tuple[Outcome, bool]:
    """Run a test program.

    Args:
        image: the kernel, to name the functions behind bare addresses.

    Returns: the outcome, and whether the guest is still fit for another program.
    """
    output = bytearray()
    seen = len(guest.log())
    try:
        end = guest.run(
            argv, cwd=cwd, env=env, on_output=output.extend, on_error=output.extend,
            deadline_s=deadline_s,
        )  # fmt: skip
    except LabError as error:
        return Outcome(name, Verdict.INFRA, 0.0, str(error)), False
    said = guest.log()[seen:]
    if image:
        said = name_addresses(said, image)
    verdict, detail = _verdict(end, output.decode(errors="replace"), said, deadline_s)
    alive = verdict in (Verdict.PASS, Verdict.FAIL, Verdict.SKIP)
    return Outcome(name, verdict, end.seconds, detail), alive


def _verdict(end: End, output: str, said: str, deadline_s: float) -> tuple[Verdict, str]:
    trouble = kernel_trouble(said)
    if trouble:
        return Verdict.CRASH, trouble
    if end.how is Ended.GUEST_DIED:
        return Verdict.CRASH, "the kernel died; its last words:\n" + said[-_LAST_BYTES:]
    if end.how is Ended.DEADLINE:
        last = (output + said).splitlines()[-10:]
        return Verdict.TIMEOUT, "\n".join([f"no end after {deadline_s:g} s", *last])
    if end.how is Ended.NO_START:
        return Verdict.INFRA, f"the program cannot be started: {os.strerror(end.value)}"
    if end.how is Ended.SIGNAL:
        tail = output.splitlines()[-10:]
        return Verdict.FAIL, "\n".join([f"killed by signal {end.value}", *tail])
    return read_ktap(output, end.value)


def judge_boot(error: Exception, guest: Booted) -> tuple[Verdict, str]:
    """Say whose fault it is that a guest is not up: of the kernel, or of what runs it."""
    log = guest.log()
    if trouble := kernel_trouble(log):
        return Verdict.CRASH, f"the kernel did not come up:\n{trouble}"
    last = log[-_LAST_BYTES:].strip() or "nothing"
    if isinstance(error, TimeoutError):
        return Verdict.TIMEOUT, f"the guest was not up in time; its last words:\n{last}"
    if isinstance(error, EOFError):
        return Verdict.INFRA, f"the guest ended before it was up; its last words:\n{last}"
    return Verdict.INFRA, f"{error}\nthe guest's last words:\n{last}"
