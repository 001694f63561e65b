"""User Mode Linux as a guest: start it, run commands in it, learn how each ended."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Self

from syscraft import proc
from syscraft.errors import LabError

INPUT_MAX = 3072  # as in guest/guest.h, which says why
BOOT_DEADLINE_S = 60.0
_MEMORY = "mem=512M"

Sink = Callable[[bytes], None]


class Ended(Enum):
    """How a command ended; the first three are the guest's own words."""

    EXIT = 0
    SIGNAL = 1
    NO_START = 2
    GUEST_DIED = 3
    DEADLINE = 4


@dataclass(frozen=True)
class End:
    """``value`` is an exit status, a signal number or an errno."""

    how: Ended
    value: int
    seconds: float


class Uml:
    """A booted User Mode Linux with the host's root file system; use with ``with``.

    The guest writes to memory only. It dies with us: it has its own process group, and
    the kernel kills it when this process ends in whatever way.
    """

    def __init__(self, kernel: Path, initramfs: Path) -> None:
        self._kernel = kernel
        self._initramfs = initramfs
        self._buffer = bytearray()
        self._frames: list[tuple[str, bytes]] = []
        self._log = tempfile.TemporaryFile()  # noqa: SIM115

    def __enter__(self) -> Self:
        from_guest, guest_out = os.pipe()
        guest_in, to_guest = os.pipe()
        self._in, self._out = from_guest, to_guest
        argv = [
            str(self._kernel), _MEMORY, f"initrd={self._initramfs}", "rdinit=/init",
            "con=null", f"con0=null,fd:{self._log.fileno()}",
            "ssl=null", f"ssl0=fd:{guest_in},fd:{guest_out}",
            "SYSCRAFT_LINE=/dev/ttyS0", "SYSCRAFT_ROOT=hostfs", "panic=-1",
        ]  # fmt: skip
        self._process = subprocess.Popen(
            # A panic ends in abort(); nobody wants 512 MB of core for it.
            ["prlimit", "--core=0", *proc.dying_with_us(argv, "KILL")],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            pass_fds=(guest_in, guest_out, self._log.fileno()),
            process_group=0,
        )
        os.close(guest_in)
        os.close(guest_out)
        try:
            kind, payload = self._frame(time.monotonic() + BOOT_DEADLINE_S)
            if kind != "B":
                raise LabError.of(
                    "the guest cannot be set up", found=payload.decode(errors="replace")
                )
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(EOFError):
            self._send("P")
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self._process.poll() is None:
                self._process.wait(0.5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._in)
        os.close(self._out)

    def log(self) -> str:
        """What the kernel has said so far."""
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
        """Run a command to its end.

        Args:
            stdin: a descriptor to read its standard input from; None for no input.
            window: (rows, columns) of the terminal to give it; None for pipes.
        """
        started = time.monotonic()
        deadline = started + deadline_s if deadline_s else None
        source = _Source(stdin)
        try:
            self._send_command(argv, cwd, env, window, deadline)
            while True:
                kind, payload = self._frame(deadline, source)
                if kind == "O":
                    on_output(payload)
                elif kind == "E":
                    on_error(payload)
                elif kind == "R":
                    source.wanted = True
                elif kind == "I":
                    self._send("I", payload)
                elif kind == "Q":
                    return End(Ended(payload[0]), payload[1], time.monotonic() - started)
                elif kind == "F":
                    raise LabError.of("the guest failed", found=payload.decode(errors="replace"))
        except TimeoutError:
            return End(Ended.DEADLINE, 0, time.monotonic() - started)
        except EOFError:
            return End(Ended.GUEST_DIED, 0, time.monotonic() - started)

    def _send_command(
        self,
        argv: Sequence[str],
        cwd: str,
        env: Mapping[str, str],
        window: tuple[int, int] | None,
        deadline: float | None,
    ) -> None:
        variables = [f"{name}={value}" for name, value in env.items()]
        head = struct.pack(
            "<BHHII", window is not None, *(window or (0, 0)), len(argv), len(variables)
        )
        data = head + b"".join(os.fsencode(text) + b"\0" for text in (cwd, *argv, *variables))
        for start in range(0, len(data), INPUT_MAX):
            self._send("D", data[start : start + INPUT_MAX])
            kind, payload = self._frame(deadline)
            if kind != "R":
                raise LabError.of("the guest failed", found=payload.decode(errors="replace"))
        self._send("C")

    def _send(self, kind: str, payload: bytes = b"") -> None:
        data = struct.pack("<BI", ord(kind), len(payload)) + payload
        try:
            while data:
                data = data[os.write(self._out, data) :]
        except BrokenPipeError as error:  # not to be taken for one of our own output's
            raise EOFError from error

    def _frame(self, deadline: float | None, source: _Source | None = None) -> tuple[str, bytes]:
        """The next frame; input that *source* has for the guest comes as kind "I"."""
        while True:
            if len(self._buffer) >= 5:
                kind, length = struct.unpack_from("<BI", self._buffer)
                if len(self._buffer) >= 5 + length:
                    payload = bytes(self._buffer[5 : 5 + length])
                    del self._buffer[: 5 + length]
                    return chr(kind), payload
            with selectors.DefaultSelector() as selector:
                selector.register(self._in, selectors.EVENT_READ)
                if source and source.wanted and not source.can_be_waited_for(selector):
                    return "I", source.read()
                remaining = None if deadline is None else max(0.0, deadline - time.monotonic())
                ready = {key.fd for key, _ in selector.select(remaining)}
            if not ready:
                raise TimeoutError
            if self._in in ready:
                data = os.read(self._in, 65536)
                if not data:
                    raise EOFError
                self._buffer += data
            elif source:
                return "I", source.read()


class _Source:
    """Standard input for the guest, one piece for each time it asks."""

    def __init__(self, fd: int | None) -> None:
        self.fd = fd
        self.wanted = False

    def read(self) -> bytes:
        self.wanted = False
        return os.read(self.fd, INPUT_MAX) if self.fd is not None else b""

    def can_be_waited_for(self, selector: selectors.BaseSelector) -> bool:
        if self.fd is None:
            return False
        try:
            selector.register(self.fd, selectors.EVENT_READ)
        except PermissionError:
            return False  # a regular file: always ready
        return True
