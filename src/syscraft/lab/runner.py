"""Runs a declaration's tests, or any command, on a kernel that has the call."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from syscraft.abi.toolchain import Toolchain
from syscraft.build.kernel import BuiltKernel
from syscraft.errors import LabError
from syscraft.guest.channel import End, Ended
from syscraft.guest.initramfs import initramfs
from syscraft.guest.session import Booted
from syscraft.guest.symbols import name_addresses
from syscraft.guest.uml import uml
from syscraft.lab.judge import judge, judge_boot
from syscraft.lab.programs import c_tests, compile_program, generated_folder
from syscraft.lab.verdict import Outcome, Verdict, kernel_trouble
from syscraft.model.call import Shared

Progress = Callable[[str], None]

TIMED_OUT = 124  # as timeout(1) reports it
GUEST_DIED = 125


def run_tests(
    shared: Shared,
    kernel: BuiltKernel,
    generated: dict[str, str],
    folder: Path,
    deadline_s: float,
    progress: Progress,
) -> tuple[Outcome, ...]:
    """Run every test program of a declaration, one after the other, in one guest.

    A program that kills or hangs the guest gets its verdict; the next one a new guest.
    """
    folder_of_headers = generated_folder(generated)
    outcomes = []
    guest: Booted | None = None
    try:
        for name, argv, problem in _programs(shared, generated, folder, progress):
            if problem:
                outcomes.append(Outcome(name, Verdict.FAIL, 0.0, problem))
                continue
            progress(f"running {name}")
            new = uml(kernel.image, initramfs()) if guest is None else guest
            try:
                guest = new.__enter__() if guest is None else guest
                outcome, alive = judge(
                    guest, name, argv, cwd=str(folder), env=_environment(folder_of_headers),
                    deadline_s=deadline_s, image=kernel.image,
                )  # fmt: skip
            except (LabError, EOFError, TimeoutError) as error:
                outcome, alive = Outcome(name, *_no_guest(error, new)), False
            outcomes.append(outcome)
            if not alive and guest:
                guest.__exit__()
                guest = None
    finally:
        if guest:
            guest.__exit__()
    return tuple(outcomes)


def _no_guest(error: Exception, guest: Booted) -> tuple[Verdict, float, str]:
    verdict, detail = judge_boot(error, guest)
    return verdict, 0.0, detail


def _programs(
    shared: Shared, generated: dict[str, str], folder: Path, progress: Progress
) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Name, command and problem of each test program, in the order of names."""
    sources = c_tests(shared, generated)
    toolchain = Toolchain("gcc", "gcc", ("gcc",), link=())
    for name in sorted({*sources, *(test.name for test in shared.tests)}):
        if name in sources:
            progress(f"compiling {name}")
            program = compile_program(name, sources[name], generated, folder, toolchain)
            yield name, (str(program.binary),), program.problem
        elif name.endswith(".py"):
            yield name, (sys.executable, str(folder / name)), ""


def _environment(headers: Path) -> dict[str, str]:
    def front(name: str) -> str:
        rest = os.environ.get(name)
        return f"{headers}:{rest}" if rest else str(headers)

    return {
        **os.environ,
        "PYTHONPATH": front("PYTHONPATH"),
        "CPATH": front("CPATH"),  # headers, for a compiler that runs in the guest
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def run_command(
    kernel: BuiltKernel,
    argv: list[str],
    *,
    generated: dict[str, str],
    terminal: bool = False,
    deadline_s: float | None = None,
) -> int:
    """Run a command with our own standard streams; returns its exit status.

    A signal gives 128 + its number, a command that is not there 127, one that is no
    program 126, a deadline that passed 124, a guest that died 125.
    """
    with uml(kernel.image, initramfs()) as guest, _raw_terminal(terminal) as window:
        end = guest.run(
            argv,
            cwd=os.getcwd(),
            env=_environment(generated_folder(generated)),
            stdin=0,
            on_output=lambda data: _write(1, data),
            on_error=lambda data: _write(2, data),
            window=window,
            deadline_s=deadline_s,
        )
        log = name_addresses(guest.log(), kernel.image)
    return _status(end, argv[0], log, deadline_s)


def _status(end: End, name: str, log: str, deadline_s: float | None) -> int:
    if end.how is Ended.EXIT:
        if trouble := kernel_trouble(log):
            _write(2, f"warning: the kernel is not well:\n{trouble}\n".encode())
        return end.value
    if end.how is Ended.SIGNAL:
        return 128 + end.value
    if end.how is Ended.NO_START:
        _write(2, f"error: {name}: {os.strerror(end.value)}\n".encode())
        return 127 if end.value == errno.ENOENT else 126
    if end.how is Ended.DEADLINE:
        _write(2, f"error: no end after {deadline_s:g} s; the guest was killed\n".encode())
        return TIMED_OUT
    trouble = kernel_trouble(log) or log[-2000:]
    _write(2, f"error: the kernel died; its last words:\n{trouble}\n".encode())
    return GUEST_DIED


def _write(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


@contextmanager
def _raw_terminal(terminal: bool) -> Iterator[tuple[int, int] | None]:
    """Hand every key on; the guest's own terminal does the rest."""
    if not terminal:
        yield None
        return
    size = fcntl.ioctl(1, termios.TIOCGWINSZ, b"\0" * 8)
    rows, columns, _, _ = struct.unpack("HHHH", size)
    saved = termios.tcgetattr(0)
    tty.setraw(0)
    try:
        yield rows, columns
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, saved)
