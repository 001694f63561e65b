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
from dataclasses import dataclass
from pathlib import Path

from syscraft import proc
from syscraft.errors import LabError
from syscraft.files import cache_root, digest, folder_made_whole, write_atomic
from syscraft.lab.build import BuiltKernel
from syscraft.lab.initramfs import initramfs
from syscraft.lab.symbols import name_addresses
from syscraft.lab.uml import End, Ended, Uml
from syscraft.lab.verdict import Outcome, Verdict, kernel_trouble, read_ktap
from syscraft.model.call import Call

Progress = Callable[[str], None]

TIMED_OUT = 124  # as timeout(1) reports it
GUEST_DIED = 125
_CFLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror")


@dataclass(frozen=True)
class _Program:
    name: str
    argv: tuple[str, ...]
    problem: str | None = None  # the compiler's words


def generated_folder(generated: dict[str, str]) -> Path:
    """Keep generated files where guests can use them; the same files, the same folder."""
    key = digest(*(part for item in sorted(generated.items()) for part in item))
    folder = cache_root() / "generated" / key
    if not folder.is_dir():
        with folder_made_whole(folder) as draft:
            for name, text in generated.items():
                write_atomic(draft / name, text.encode())
    return folder


def run_tests(
    call: Call,
    kernel: BuiltKernel,
    generated: dict[str, str],
    folder: Path,
    deadline_s: float,
    progress: Progress,
) -> tuple[Outcome, ...]:
    """Run every test program of *call*, one after the other, in one guest.

    A program that kills or hangs the guest gets its verdict; the next one a new guest.
    """
    programs = _programs(call, generated, folder, progress)
    outcomes = []
    guest: Uml | None = None
    try:
        for program in programs:
            if program.problem:
                outcomes.append(Outcome(program.name, Verdict.FAIL, 0.0, program.problem))
                continue
            progress(f"running {program.name}")
            try:
                if guest is None:
                    guest = Uml(kernel.image, initramfs()).__enter__()
                outcome, alive = _judge(guest, kernel.image, program, generated, folder, deadline_s)
            except (LabError, EOFError, TimeoutError) as error:
                log = guest.log()[-2000:] if guest else ""
                detail = f"{error}\n{log}".strip()
                outcome, alive = Outcome(program.name, Verdict.INFRA, 0.0, detail), False
            outcomes.append(outcome)
            if not alive and guest:
                guest.__exit__()
                guest = None
    finally:
        if guest:
            guest.__exit__()
    return tuple(outcomes)


def _judge(
    guest: Uml,
    image: Path,
    program: _Program,
    generated: dict[str, str],
    folder: Path,
    deadline_s: float,
) -> tuple[Outcome, bool]:
    output = bytearray()
    seen = len(guest.log())
    end = guest.run(
        program.argv,
        cwd=str(folder),
        env=_environment(generated_folder(generated)),
        on_output=output.extend,
        on_error=output.extend,
        deadline_s=deadline_s,
    )
    said = name_addresses(guest.log()[seen:], image)
    text = output.decode(errors="replace")
    verdict, detail = _verdict(end, text, said, deadline_s)
    alive = verdict in (Verdict.PASS, Verdict.FAIL, Verdict.SKIP)
    return Outcome(program.name, verdict, end.seconds, detail), alive


def _verdict(end: End, output: str, said: str, deadline_s: float) -> tuple[Verdict, str]:
    trouble = kernel_trouble(said)
    if trouble:
        return Verdict.CRASH, trouble
    if end.how is Ended.GUEST_DIED:
        return Verdict.CRASH, "the kernel died; its last words:\n" + said[-3000:]
    if end.how is Ended.DEADLINE:
        last = (output + said).splitlines()[-10:]
        return Verdict.TIMEOUT, "\n".join([f"no end after {deadline_s:g} s", *last])
    if end.how is Ended.NO_START:
        return Verdict.INFRA, f"the program cannot be started: {os.strerror(end.value)}"
    if end.how is Ended.SIGNAL:
        tail = output.splitlines()[-10:]
        return Verdict.FAIL, "\n".join([f"killed by signal {end.value}", *tail])
    return read_ktap(output, end.value)


def _programs(
    call: Call, generated: dict[str, str], folder: Path, progress: Progress
) -> list[_Program]:
    sources = {name: text for name, text in generated.items() if name.startswith("test_")}
    sources |= {test.name: test.text for test in call.tests}
    headers = generated_folder(generated)
    programs = []
    for name, text in sorted(sources.items()):
        if name.endswith(".py"):
            programs.append(_Program(name, (sys.executable, str(folder / name))))
            continue
        source = headers / name if name in generated else folder / name
        argv = ["gcc", *_CFLAGS, "-I", str(headers), "-I", str(folder), str(source)]
        binary = cache_root() / "tests" / digest(headers.name, text, *argv) / name[:-2]
        if not binary.exists():
            progress(f"compiling {name}")
            problem = _compile([*argv, "-pthread"], binary)
            if problem:
                programs.append(_Program(name, (), problem))
                continue
        programs.append(_Program(name, (str(binary),)))
    return programs


def _compile(argv: list[str], binary: Path) -> str | None:
    """Compile a test program; returns the compiler's words if it cannot."""
    binary.parent.mkdir(parents=True, exist_ok=True)
    draft = binary.with_name(f".{binary.name}.{os.getpid()}.part")
    done = proc.run([*argv, "-o", str(draft)])
    if not done.ok:
        return f"{done.output.strip()}\nrepeat it: {done.replay}"
    os.replace(draft, binary)
    return None


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
    with Uml(kernel.image, initramfs()) as guest, _raw_terminal(terminal) as window:
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
