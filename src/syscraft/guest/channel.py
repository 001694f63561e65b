"""The line to a guest: commands go in, what they write and how they end come out.

The frames are those of ``init/guest.h``.
"""

from __future__ import annotations

import hmac
import os
import selectors
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from syscraft.errors import LabError

INPUT_MAX = 3072  # as in init/guest.h, which says why
_TOKEN_BYTES = 16
_OUTPUT_MAX = 32768
_FROM_GUEST = b"BROEQF"

Sink = Callable[[bytes], None]


class Ended(Enum):
    """How a command ended; the first three are the guest's own words."""

    EXIT = 0
    SIGNAL = 1
    NO_START = 2
    GUEST_DIED = 3
    DEADLINE = 4
    RESTARTED = 5


@dataclass(frozen=True)
class End:
    """``value`` is an exit status, a signal number or an errno."""

    how: Ended
    value: int
    seconds: float


@dataclass(frozen=True)
class Window:
    """The window of a terminal.

    Args:
        size: tells its rows and columns.
        changes: a descriptor that can be read when they have changed.
    """

    size: Callable[[], tuple[int, int]]
    changes: int


class Line:
    """A guest's line; *fd* is our end of a socket, which stays the caller's."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._buffer = bytearray()

    def wait_until_ready(self, deadline: float) -> None:
        """Wait for the guest's first frame.

        Args:
            deadline: on the clock of time.monotonic(), in seconds.

        Raises:
            LabError: the guest could not be set up, or says something else.
            EOFError: it died; TimeoutError: the deadline passed.
        """
        kind, payload = self._frame(deadline)
        if kind != "B":
            raise LabError.of("the guest cannot be set up", found=payload.decode(errors="replace"))

    def open_folder(self, path: str, deadline: float) -> None:
        """Let commands change the files of this machine's folder *path*.

        Raises:
            LabError: the guest cannot do so.
            EOFError, TimeoutError: as above.
        """
        self._send("M", os.fsencode(path))
        self._expect_credit(deadline)

    def power_off(self) -> None:
        """Ask the guest to end.

        Raises:
            EOFError: it is gone already.
        """
        self._send("P")

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
        """Run a command to its end.

        Args:
            stdin: a descriptor to read its standard input from; None for no input.
            window: of the terminal to give it; None for pipes.
        """
        started = time.monotonic()
        deadline = started + deadline_s if deadline_s else None
        token = os.urandom(_TOKEN_BYTES)
        source = _Source(stdin, window)
        try:
            self._send_command(argv, cwd, env, window, deadline)
            self._send("C", token)
            while True:
                kind, payload = self._frame(deadline, source)
                if kind == "O":
                    on_output(payload)
                elif kind == "E":
                    on_error(payload)
                elif kind == "R":
                    source.wanted = True
                elif kind in ("I", "W"):
                    self._send(kind, payload)
                elif kind == "Q":
                    return _end(payload, token, time.monotonic() - started)
                elif kind == "B":
                    return End(Ended.RESTARTED, 0, time.monotonic() - started)
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
        window: Window | None,
        deadline: float | None,
    ) -> None:
        variables = [f"{name}={value}" for name, value in env.items()]
        head = struct.pack(
            "<BHHII",
            window is not None,
            *(window.size() if window else (0, 0)),
            len(argv),
            len(variables),
        )
        data = head + b"".join(os.fsencode(text) + b"\0" for text in (cwd, *argv, *variables))
        for start in range(0, len(data), INPUT_MAX):
            self._send("D", data[start : start + INPUT_MAX])
            self._expect_credit(deadline)

    def _expect_credit(self, deadline: float | None) -> None:
        kind, payload = self._frame(deadline)
        if kind != "R":
            raise LabError.of("the guest failed", found=payload.decode(errors="replace"))

    def _send(self, kind: str, payload: bytes = b"") -> None:
        data = struct.pack("<BI", ord(kind), len(payload)) + payload
        try:
            while data:
                data = data[os.write(self._fd, data) :]
        except (BrokenPipeError, ConnectionResetError) as error:
            # Not to be taken for one of our own output's.
            raise EOFError from error

    def _frame(self, deadline: float | None, source: _Source | None = None) -> tuple[str, bytes]:
        """The next frame; what *source* has for the guest comes as kind "I" or "W"."""
        while True:
            if len(self._buffer) >= 5:
                kind, length = struct.unpack_from("<BI", self._buffer)
                if kind not in _FROM_GUEST or length > _OUTPUT_MAX:
                    raise LabError.of(
                        "protocol error on the guest's line",
                        expected="frames of init/guest.h",
                        found=repr(bytes(self._buffer[:64])),
                    )
                if len(self._buffer) >= 5 + length:
                    payload = bytes(self._buffer[5 : 5 + length])
                    del self._buffer[: 5 + length]
                    return chr(kind), payload
            with selectors.DefaultSelector() as selector:
                selector.register(self._fd, selectors.EVENT_READ)
                if source and source.window:
                    selector.register(source.window.changes, selectors.EVENT_READ)
                if source and source.wanted and not source.can_be_waited_for(selector):
                    return "I", source.read()
                remaining = None if deadline is None else max(0.0, deadline - time.monotonic())
                ready = {key.fd for key, _ in selector.select(remaining)}
            if not ready:
                raise TimeoutError
            if self._fd in ready:
                try:
                    data = os.read(self._fd, 65536)
                except ConnectionResetError as error:
                    raise EOFError from error
                if not data:
                    raise EOFError
                self._buffer += data
            elif source and source.window and source.window.changes in ready:
                return "W", source.new_size()
            elif source:
                return "I", source.read()


def _end(payload: bytes, token: bytes, seconds: float) -> End:
    told = {end.value: end for end in (Ended.EXIT, Ended.SIGNAL, Ended.NO_START)}
    if len(payload) != 2 + _TOKEN_BYTES or payload[0] not in told:
        raise LabError.of(
            "protocol error on the guest's line",
            expected="how a command ended",
            found=repr(payload[:64]),
        )
    if not hmac.compare_digest(payload[2:], token):
        raise LabError.of(
            "a command pretends to be the guest's first program",
            expected="how the command ended, from who was asked to run it",
            found="somebody else's word for it on the guest's line",
        )
    return End(told[payload[0]], payload[1], seconds)


class _Source:
    """What the guest gets while a command runs.

    Standard input, one piece for each time it asks, and its window's new sizes.
    """

    def __init__(self, fd: int | None, window: Window | None) -> None:
        self.fd = fd
        self.window = window
        self.wanted = False

    def read(self) -> bytes:
        self.wanted = False
        return os.read(self.fd, INPUT_MAX) if self.fd is not None else b""

    def new_size(self) -> bytes:
        assert self.window is not None
        os.read(self.window.changes, INPUT_MAX)
        return struct.pack("<HH", *self.window.size())

    def can_be_waited_for(self, selector: selectors.BaseSelector) -> bool:
        if self.fd is None:
            return False
        try:
            selector.register(self.fd, selectors.EVENT_READ)
        except PermissionError:
            return False  # a regular file: always ready
        return True
