"""Runs one command of the user's in a guest, with our own standard streams."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import signal
import struct
import termios
import threading
import tty
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from syscraft.errors import UsageError, Where
from syscraft.guest.base import Guest, Ready
from syscraft.guest.channel import End, Ended, Window
from syscraft.lab.environment import BARE_ENVIRONMENT, host_environment
from syscraft.lab.judge import LAST_BYTES, judge_boot
from syscraft.lab.verdict import kernel_trouble

if TYPE_CHECKING:
    from syscraft.abi.abi import ElfIdentity

TIMED_OUT = 124  # as timeout(1) reports it
GUEST_DIED = 125


def run_command(
    guest: Guest,
    ready: Ready,
    argv: Sequence[str],
    headers: Path,
    *,
    terminal: bool = False,
    deadline_s: float | None = None,
) -> int:
    """Run a command with our own standard streams; returns its exit status.

    A signal gives 128 + its number, a command that is not there 127, one that is no
    program 126, a deadline that passed 124, a guest that died 125.

    Args:
        argv: a command of this machine where the guest has its files; else a program of this
            machine's, built for the guest, and its arguments.
        headers: generated files, for the guest's programs to find.

    Raises:
        UsageError: the guest cannot run such a program.
        LabError: the guest could not be set up.
    """
    files: Mapping[str, Path] = {}
    if guest.has.host_files:
        cwd, env = os.getcwd(), host_environment(headers, dict(os.environ))
    else:
        program = _program(guest, argv[0])
        place = f"bin/{program.name}"
        files, cwd, env = {place: program}, "/", BARE_ENVIRONMENT
        argv = [f"/{place}", *argv[1:]]
    if not ready.from_cache:
        _write(2, "".join(f"{warning}\n" for warning in ready.warnings).encode())
    session = ready.start(files)
    try:
        with session, _raw_terminal(terminal) as window:
            end = session.run(
                argv,
                cwd=cwd,
                env=env,
                stdin=0,
                on_output=lambda data: _write(1, data),
                on_error=lambda data: _write(2, data),
                window=window,
                deadline_s=deadline_s,
            )
            log = session.log()
    except (EOFError, TimeoutError) as error:
        _, detail = judge_boot(error, ready.explain(session.log()))
        _write(2, f"error: {detail}\n".encode())
        return GUEST_DIED
    return _status(end, argv[0], log, deadline_s, ready)


def check_command(guest: Guest, name: str) -> None:
    """Refuse a command that the guest cannot run, before anything is built.

    Raises:
        UsageError: it cannot.
    """
    if not guest.has.host_files:
        _program(guest, name)


def _program(guest: Guest, name: str) -> Path:
    """A program of this machine's that the guest can run on its own."""
    from syscraft.abi.discover import find_abi
    from syscraft.guest.host import read_identity

    path = Path(name)
    wanted = f"a static program, built for {' or '.join(guest.abis)}"
    if not path.is_file():
        raise UsageError.of(
            f"the guest '{guest.key}' has none of this machine's files",
            Where(name),
            expected=f"the path of {wanted}",
            found="no such file",
            hint="a guest with this machine's files runs any command: --on uml",
        )
    with path.open("rb") as file:
        is_elf = file.read(4) == b"\x7fELF"
    if not is_elf:
        raise UsageError.of(
            f"the guest '{guest.key}' cannot run this file",
            Where(name),
            expected=wanted,
            found="not an ELF program",
        )
    abis = [find_abi(key) for key in guest.abis]
    found = read_identity(path)
    if not any(identity.matches(found) for abi in abis for identity in abi.elf):
        raise UsageError.of(
            f"the guest '{guest.key}' cannot run programs of this ABI",
            Where(name),
            expected=wanted,
            found=_describe(found),
        )
    interpreter = _interpreter(path)
    if interpreter and interpreter.lstrip("/") not in guest.libraries:
        raise UsageError.of(
            f"the guest '{guest.key}' has no shared libraries",
            Where(name),
            expected=wanted,
            found=f"a program that needs {interpreter}",
            hint="link it with -static",
        )
    return path.absolute()


def _describe(found: ElfIdentity) -> str:
    order = "little" if found.little_endian else "big"
    return f"ELF machine {found.machine}, {found.bits} bits, {order}-endian"


def _interpreter(path: Path) -> str:
    """The dynamic linker that a program needs; empty for a static one."""
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile
    from elftools.elf.segments import InterpSegment

    with path.open("rb") as file, contextlib.suppress(ELFError):
        for segment in ELFFile(file).iter_segments():
            if isinstance(segment, InterpSegment):
                return str(segment.get_interp_name())
    return ""


def _status(end: End, name: str, log: str, deadline_s: float | None, ready: Ready) -> int:
    if end.how is Ended.EXIT:
        if trouble := kernel_trouble(log):
            shown = ready.explain(trouble)
            _write(2, f"warning: the kernel reported a problem:\n{shown}\n".encode())
        return end.value
    if end.how is Ended.SIGNAL:
        return 128 + end.value
    if end.how is Ended.NO_START:
        _write(2, f"error: {name}: {os.strerror(end.value)}\n".encode())
        return 127 if end.value == errno.ENOENT else 126
    if end.how is Ended.DEADLINE:
        _write(2, f"error: no end after {deadline_s:g} s; the guest was killed\n".encode())
        return TIMED_OUT
    what = "the guest restarted" if end.how is Ended.RESTARTED else "the kernel died"
    trouble = ready.explain(kernel_trouble(log) or log[-LAST_BYTES:].strip() or "nothing")
    _write(2, f"error: {what}; last console output:\n{trouble}\n".encode())
    return GUEST_DIED


def _write(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


@contextmanager
def _raw_terminal(terminal: bool) -> Iterator[Window | None]:
    """Hand every key on; the guest's own terminal does the rest."""
    if not terminal:
        yield None
        return
    saved = termios.tcgetattr(0)
    with _window_changes() as changes:
        tty.setraw(0)
        try:
            yield Window(_window_size, changes)
        finally:
            termios.tcsetattr(0, termios.TCSADRAIN, saved)


def _window_size() -> tuple[int, int]:
    size = fcntl.ioctl(1, termios.TIOCGWINSZ, b"\0" * 8)
    rows, columns, _, _ = struct.unpack("HHHH", size)
    return rows, columns


@contextmanager
def _window_changes() -> Iterator[int]:
    """A descriptor that can be read after each change of our window's size."""
    ours, theirs = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def changed(*_: object) -> None:
        with contextlib.suppress(BlockingIOError):  # full: it will be read all the same
            os.write(theirs, b"\0")

    handles = threading.current_thread() is threading.main_thread()  # no other may
    before = signal.signal(signal.SIGWINCH, changed) if handles else None
    try:
        yield ours
    finally:
        if handles:
            signal.signal(signal.SIGWINCH, before)
        os.close(ours)
        os.close(theirs)
