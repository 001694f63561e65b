"""A guest as a process of this machine: started, talked to over its line, ended."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Self

from syscraft import proc
from syscraft.guest.channel import End, Line, Sink

BOOT_DEADLINE_S = 60.0

# Makes a guest's command line of two descriptors: the line, and the file for the console.
Command = Callable[[int, int], Sequence[str]]


class Booted:
    """A guest that is up, for ``with``.

    It dies with us: it has its own process group, and the kernel kills it when this
    process ends in whatever way.

    Raises:
        LabError: the guest could not be set up, or says what no guest says.
        EOFError: it died before it was ready; TimeoutError: it was not ready in time.
    """

    def __init__(self, command: Command, *, deadline_s: float = BOOT_DEADLINE_S) -> None:
        self._command = command
        self._deadline_s = deadline_s
        self._log = tempfile.TemporaryFile("ab+")  # noqa: SIM115
        self.boot_seconds = 0.0

    def __enter__(self) -> Self:
        started = time.monotonic()
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                # A panic of UML ends in abort(); nobody wants all its memory for it.
                [
                    "prlimit", "--core=0",
                    *proc.dying_with_us(self._command(theirs.fileno(), self._log.fileno()), "KILL"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                pass_fds=(theirs.fileno(), self._log.fileno()),
                process_group=0,
            )  # fmt: skip
        self._line = Line(self._socket.fileno())
        self._stack = contextlib.ExitStack()
        try:
            self._stack.enter_context(proc.stopped_with_us(self._process.pid, signal.SIGKILL))
            self._line.wait_until_ready(started + self._deadline_s)
        except BaseException:
            self.__exit__()
            raise
        self.boot_seconds = time.monotonic() - started
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(EOFError):
            self._line.power_off()
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self._process.poll() is None:
                self._process.wait(0.5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._stack.close()
        self._socket.close()

    def log(self) -> str:
        """What the kernel has said so far, and the emulator if it had to."""
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), size, 0).decode(errors="replace")

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: str,
        env: Mapping[str, str],
        stdin: int | None = None,
        on_output: Sink,
        on_error: Sink,
        window: tuple[int, int] | None = None,
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
