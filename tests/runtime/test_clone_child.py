"""Child: waiting, signals, asyncio, and what happens to those that nobody waits for."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from runtime.core_support import nothing_left, numbers
from syscraft.runtime import _core
from syscraft.runtime.child import Child, TimeoutExpired
from syscraft.runtime.clone import clone

pytestmark = pytest.mark.filterwarnings("ignore:this process has several threads")


def started(func: Callable[..., object], *args: object, **keywords: Any) -> Child:
    return clone(func, *args, **keywords)


def end_of(func: Callable[..., object], *args: object, **keywords: Any) -> int:
    """What the child's end says; the child leaves nothing."""
    with nothing_left(), started(func, *args, **keywords) as child:
        return child.wait(30)


def raise_(error: BaseException) -> None:
    raise error


def test_wait_that_takes_too_long() -> None:
    with started(time.sleep, 60) as child:
        for timeout in (0, -1, 0.02):
            with pytest.raises(TimeoutExpired, match=f"still runs after {timeout} seconds"):
                child.wait(timeout)
        child.kill()
        assert child.wait(30) == -signal.SIGKILL
    with started(time.sleep, 60, pidfd=False) as child:
        with pytest.raises(TimeoutError):
            child.wait(0.02)
        child.kill()


def test_signals_after_the_end_do_nothing() -> None:
    for pidfd in (True, False):
        with started(int, pidfd=pidfd) as child:
            child.wait()
            child.kill()
            child.send_signal(signal.SIGTERM)


def test_signal_that_is_none() -> None:
    for pidfd in (True, False):
        with started(time.sleep, 60, pidfd=pidfd) as child:
            with pytest.raises(OSError) as caught:
                child.send_signal(1000)
            assert caught.value.errno == errno.EINVAL
            child.kill()


def test_status_that_somebody_else_took() -> None:
    for pidfd in (True, False):
        child = started(int, pidfd=pidfd)
        os.waitpid(child.pid, 0)
        for ask in (child.poll, child.wait, lambda child=child: child.wait(1)):
            with pytest.raises(ChildProcessError, match=f"the status of child {child.pid} is gone"):
                ask()
        assert "lost" in repr(child)
        child.kill()
        with child:
            pass


def test_waiting_from_many_threads() -> None:
    for pidfd in (True, False):
        with nothing_left(), started(time.sleep, 60, pidfd=pidfd) as child:
            codes: list[int] = []
            threads = [
                threading.Thread(target=lambda c=child, to=codes: to.append(c.wait()))
                for _ in range(4)
            ]
            for thread in threads:
                thread.start()
            assert child.poll() is None
            child.terminate()
            for thread in threads:
                thread.join()
            assert codes == [-signal.SIGTERM] * 4


def test_signals_arrive_while_it_waits() -> None:
    runs = []
    old = signal.signal(signal.SIGALRM, lambda number, frame: runs.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
    try:
        for _ in range(3):
            assert end_of(time.sleep, 0.05) == 0
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    assert runs


def test_asyncio() -> None:
    async def several() -> list[int]:
        with started(time.sleep, 0.05) as first, started(lambda: 3) as second:
            ended = await asyncio.gather(_ended(first), _ended(second), _ended(first))
            assert await first == 0
            return list(ended)

    async def _ended(child: Child) -> int:
        return await child

    assert asyncio.run(several()) == [0, 3, 0]


def test_dropped_child_warns_and_is_no_zombie_for_long() -> None:
    with nothing_left():
        with pytest.warns(ResourceWarning, match="was not waited for"):
            child: Child | None = started(int)
            pid = child.pid if child else 0
            child = None
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        with started(int):
            pass  # the start of the next one looks after it
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def test_fork_call() -> None:
    """What generated modules make their children with."""
    for number, args in (
        (numbers()["clone"], (int(signal.SIGCHLD), 0, 0, 0, 0)),
        (numbers()["clone3"], (struct.pack("11Q", 0, 0, 0, 0, signal.SIGCHLD, *[0] * 6), 88)),
    ):
        with nothing_left():
            ran: list[str] = []
            pid = _core.fork_call(number, *args)
            if pid == 0:
                # The interpreter and libc know where they are.
                signal.signal(signal.SIGUSR1, lambda *_, to=ran: to.append("handler"))
                signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
                os._exit(len(threading.enumerate()) + len(ran) + 10)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 12


@pytest.mark.parametrize(
    ("args", "kind", "message"),
    [
        ((), TypeError, "takes a number and at most 6 arguments: 0 given"),
        ((1,) * 8, TypeError, "at most 6 arguments: 8 given"),
        (("fork",), TypeError, "int"),
        ((999, 1.5), TypeError, "is a float"),
        ((999, b"x", 2**64), OverflowError, "64 bits"),
        ((999,), OSError, "not implemented"),
    ],
)
def test_fork_call_that_fails(args: Any, kind: type[Exception], message: str) -> None:
    with nothing_left(), pytest.raises(kind, match=message):
        _core.fork_call(*args)
