"""A guest as a process of this machine: started, talked to over its line, ended."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from syscraft import proc
from syscraft.guest.channel import End, Line, Sink, Window
from syscraft.guest.sandbox import confined, opening, refuse_if_unconfined

BOOT_DEADLINE_S = 60.0


@dataclass(frozen=True)
class Wires:
    """What a guest's process finds.

    Args:
        line: a descriptor, the other end of the line; *console* is one to print to.
        scratch: a folder for what is gone with the process.
    """

    line: int
    console: int
    scratch: str


# Makes a guest's command line.
Command = Callable[[Wires], Sequence[str]]


class Booted:
    """A guest that is up, for ``with``.

    It is confined, unless the user wants it otherwise. It dies with us: it has its own
    session, and the kernel kills it when this process ends in whatever way.

    Args:
        devices: nodes of this machine that its process needs.

    Raises:
        EnvironmentLacks: it cannot be confined here.
        LabError: the guest could not be set up, or says what no guest says.
        EOFError: it died before it was ready; TimeoutError: it was not ready in time.
    """

    def __init__(
        self,
        command: Command,
        *,
        deadline_s: float = BOOT_DEADLINE_S,
        devices: Sequence[str] = (),
    ) -> None:
        self._command = command
        self._deadline_s = deadline_s
        self._devices = devices
        # In memory: a file of a disk would be one that the guest can write.
        self._log = os.memfd_create("console")
        fcntl.fcntl(self._log, fcntl.F_SETFL, os.O_APPEND)
        self.boot_seconds = 0.0

    def __del__(self) -> None:
        os.close(self._log)

    def __enter__(self) -> Self:
        started = time.monotonic()
        with contextlib.ExitStack() as stack:
            self._socket, theirs = socket.socketpair()
            stack.callback(self._socket.close)
            with theirs:
                self._process = self._start(theirs.fileno(), stack)
            stack.callback(self._end)
            self._line = Line(self._socket.fileno())
            stack.enter_context(proc.stopped_with_us(self._process.pid, signal.SIGKILL))
            try:
                self._line.wait_until_ready(started + self._deadline_s)
            except EOFError:
                refuse_if_unconfined(self.log())
                raise
            for path in opening().rw:
                self._line.open_folder(path, started + self._deadline_s)
            self._stack = stack.pop_all()
        self.boot_seconds = time.monotonic() - started
        return self

    def _start(self, line: int, stack: contextlib.ExitStack) -> subprocess.Popen[bytes]:
        place = stack.enter_context(confined(self._devices))
        command = self._command(Wires(line, self._log, place.scratch))
        return subprocess.Popen(
            # A panic of UML ends in abort(); nobody wants all its memory for it.
            [proc.need("prlimit"), "--core=0", *place.before, *command],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            pass_fds=(line, self._log, *place.descriptors),
            env=place.env,
            # Without our terminal, into which it could type commands.
            start_new_session=True,
        )

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _end(self) -> None:
        with contextlib.suppress(EOFError):
            self._line.power_off()
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self._process.poll() is None:
                self._process.wait(0.5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def log(self) -> str:
        """What the kernel has said so far, and the emulator if it had to."""
        size = os.fstat(self._log).st_size
        return os.pread(self._log, size, 0).decode(errors="replace")

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: str,
        env: Mapping[str, str],
        stdin: int | None = None,
        on_output: Sink,
        on_error: Sink,
        window: Window | None = None,
        deadline_s: float | None = None,
    ) -> End:
        """Run a command to its end; see :meth:`syscraft.guest.channel.Line.run`."""
        return self._line.run(
            argv,
            cwd=cwd,
            env=env,
            stdin=stdin,
            on_output=on_output,
            on_error=on_error,
            window=window,
            deadline_s=deadline_s,
        )
