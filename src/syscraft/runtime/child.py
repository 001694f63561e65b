"""A child process: its ID, its descriptor, and its end."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import select
import signal
import threading
import time
import warnings
from collections.abc import Generator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:  # it loads slowly, and few wait with it
    import asyncio

# include/uapi/linux/wait.h: also children whose end is told by another signal than SIGCHLD.
WALL = 0x40000000
# include/uapi/asm-generic/siginfo.h: how si_status is meant.
_EXITED = 1

# Children that were dropped before their end: each start of a new one looks after them.
dropped: list[int] = []
# They are the children of the process that dropped them, and not of its own children.
# How many forks this process is away from the first one, plus one.
_generation = 1


def _forked() -> None:
    global _generation
    _generation += 1
    dropped.clear()


os.register_at_fork(after_in_child=_forked)


class TimeoutExpired(TimeoutError):
    """The child has not ended within the time that ``wait`` had."""


class Child:
    """A child of this process, until it is waited for.

    As a context manager it waits at the end of the block. ``await child`` waits in asyncio. What is
    dropped without being waited for warns with ResourceWarning.

    Args:
        pid: the child's process ID; 0 until there is one.
        pidfd: a descriptor of the process that closes on exec, or -1.
        what: what runs in it, for messages.
    """

    returncode: int | None = None
    """What :meth:`wait` has returned, or None before."""

    _lost = False
    _generation = 0

    def __init__(self, pid: int = 0, pidfd: int = -1, what: object = None) -> None:
        self.pid = pid
        self._pidfd = pidfd
        self._what = what
        self._generation = _generation
        # Whoever holds it may take the child's status, and with it the ID.
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        state = "running" if self.returncode is None else f"returncode {self.returncode}"
        if self._lost:
            state = "lost"
        return f"<Child {self.pid}, {state}: {self._what!r}>"

    @property
    def pidfd(self) -> int:
        """The child's descriptor, readable once the child has ended; -1 if there is none."""
        return self._pidfd

    def fileno(self) -> int:
        """The pidfd, so that select, selectors and asyncio take the child as it is.

        Raises:
            ValueError: the child was made with pidfd=False, or is closed.
        """
        if self._pidfd < 0:
            raise ValueError(f"child {self.pid} has no pidfd: it was made without, or is closed")
        return self._pidfd

    def poll(self) -> int | None:
        """Look whether the child has ended, without waiting.

        Returns:
            The return code as :meth:`wait` returns it, or None while the child runs.

        Raises:
            ChildProcessError: somebody else has taken the child's status.
        """
        if self.returncode is not None:
            return self.returncode
        if self._lock.acquire(blocking=False):
            try:
                self._take(os.WEXITED | os.WNOHANG)
            finally:
                self._lock.release()
        elif self._has_ended():
            # Another thread waits, and is about to have the status.
            with self._lock:
                self._take(os.WEXITED | os.WNOHANG)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the child's end.

        Args:
            timeout: seconds, or None for any time.

        Returns:
            The exit status from 0 to 255, or the number of the signal that killed it, negative.

        Raises:
            TimeoutExpired: the child still runs.
            ChildProcessError: somebody else has taken the child's status.
        """
        # A program that has run has left the caches cold: each step from here on is felt.
        if self.returncode is not None:
            return self.returncode
        if timeout is not None and self.poll() is None and not self._ends_within(timeout):
            raise TimeoutExpired(
                errno.ETIMEDOUT, f"child {self.pid} still runs after {timeout} seconds"
            )
        if self._pidfd < 0 and self.returncode is None:
            # A signal must find the ID still taken: the status stays while nobody has the lock.
            self._has_ended(os.WEXITED | os.WNOWAIT)
        with self._lock:
            self._take(os.WEXITED)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal; nothing happens if the child has ended.

        Raises:
            OSError: the kernel refuses (EPERM, or EINVAL for a number that is no signal).
        """
        with contextlib.suppress(ProcessLookupError):
            if self._pidfd >= 0:
                signal.pidfd_send_signal(self._pidfd, number)
                return
            with self._lock:
                if self.returncode is None and not self._lost:
                    os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """Close the pidfd. The child itself is left alone."""
        pidfd, self._pidfd = self._pidfd, -1
        if pidfd >= 0:
            os.close(pidfd)

    def abandon(self) -> None:
        """End a child that the caller will not get, as an exception is under way; if there is one.

        What another exception interrupts here, __del__ finishes.
        """
        if self.pid:
            self.kill()
            with contextlib.suppress(ChildProcessError):
                self.wait()
            self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if self.returncode is None and not self._lost:
                self.wait()
        finally:
            self.close()

    def __await__(self) -> Generator[Any, None, int]:
        return self._ended().__await__()

    def __del__(self) -> None:
        # In a copy of the process that made it, it is no child; nor is what __init__ refused, or
        # what has not come to be one.
        if self._generation != _generation or not self.pid:
            return
        if self.returncode is None and not self._lost:
            warnings.warn(f"{self!r} was not waited for", ResourceWarning, stacklevel=2)
            dropped.append(self.pid)
        if self._pidfd >= 0:
            self.close()

    async def _ended(self) -> int:
        import asyncio

        loop = asyncio.get_running_loop()
        if self.poll() is None:
            ended = loop.create_future()
            # One of its own: the caller may watch the pidfd as well, or close it.
            watched = os.dup(self.fileno())
            loop.add_reader(watched, _tell, ended)
            try:
                await ended
            finally:
                loop.remove_reader(watched)
                os.close(watched)
        return self.wait()

    def _ends_within(self, timeout: float) -> bool:
        """Whether the child ends before the time is over."""
        deadline = time.monotonic() + timeout
        pidfd = os.dup(self._pidfd) if self._pidfd >= 0 else os.pidfd_open(self.pid)
        try:
            poll = select.poll()
            poll.register(pidfd, select.POLLIN)
            left_ms = max(0.0, deadline - time.monotonic()) * 1000
            return bool(poll.poll(math.ceil(left_ms)))
        finally:
            os.close(pidfd)

    def _take(self, options: int) -> None:
        """Take the status if there is one. For whoever holds the lock."""
        if self._lost:
            raise self._status_is_gone()
        if self.returncode is not None:
            return
        try:
            end = self._waitid(options)
        except ChildProcessError:
            self._lost = True
            raise self._status_is_gone() from None
        if end is not None:
            self.returncode = end.si_status if end.si_code == _EXITED else -end.si_status

    def _has_ended(self, options: int = os.WEXITED | os.WNOHANG | os.WNOWAIT) -> bool:
        """Look, or wait, without taking the status."""
        try:
            return self._waitid(options) is not None
        except ChildProcessError:
            return True

    def _waitid(self, options: int) -> os.waitid_result | None:
        if self._pidfd >= 0:
            return os.waitid(os.P_PIDFD, self._pidfd, options | WALL)
        return os.waitid(os.P_PID, self.pid, options | WALL)

    def _status_is_gone(self) -> ChildProcessError:
        return ChildProcessError(
            errno.ECHILD,
            f"the status of child {self.pid} is gone: this process ignores SIGCHLD, or something "
            "else in it waited for every child",
        )


def _tell(ended: asyncio.Future[None]) -> None:
    # The loop may find the descriptor readable again before the waiting task has run.
    if not ended.done():
        ended.set_result(None)


def reap_dropped() -> None:
    """Take the status of dropped children that have ended, so that none stays a zombie."""
    for pid in dropped[:]:
        try:
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | WALL) is None:
                continue
        except ChildProcessError:
            pass
        if pid in dropped:
            dropped.remove(pid)
