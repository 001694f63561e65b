"""syscall() while signals arrive and other threads run."""

from __future__ import annotations

import errno
import os
import signal
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from runtime.core_support import fresh_core, numbers

NR = numbers()
_core = fresh_core()
_core.set_numbers({}, retry=[NR["read"]])
syscall = _core.syscall
SOON_S = 0.05


@contextmanager
def alarm(handler: Callable[[int, Any], None], every_s: float = 0) -> Iterator[None]:
    """Let a handler run soon, in the middle of whatever is going on."""
    old = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, SOON_S, every_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


def test_call_goes_on_after_a_handler() -> None:
    read, write = os.pipe()
    runs = []

    def handler(number: int, frame: Any) -> None:
        runs.append(number)
        if len(runs) == 3:
            os.write(write, b"x")

    with alarm(handler, SOON_S / 2):
        assert syscall(NR["read"], read, bytearray(1), 1) == 1
    assert len(runs) == 3
    os.close(read)
    os.close(write)


def test_exception_of_a_handler_ends_the_call() -> None:
    read, write = os.pipe()
    memory = bytearray(1)

    def handler(number: int, frame: Any) -> None:
        raise ZeroDivisionError("from the handler")

    with alarm(handler), pytest.raises(ZeroDivisionError, match="from the handler"):
        syscall(NR["read"], read, memory, 1)
    memory.append(1)  # it is not held any more
    os.close(read)
    os.close(write)


def sleep(core: Any, seconds: float, **keywords: Any) -> None:
    timespec = struct.pack("ll", int(seconds), int(seconds % 1 * 1e9))
    core.syscall(NR["nanosleep"], timespec, None, **keywords)


def test_call_that_is_not_tried_again() -> None:
    """Of a call that is not known nobody can say whether a second one is right."""
    core = fresh_core()
    runs = []
    with alarm(lambda number, frame: runs.append(number)), pytest.raises(InterruptedError):
        sleep(core, 10)
    assert runs == [signal.SIGALRM]


@pytest.mark.parametrize("retry", [False, True])
def test_call_object_is_tried_again_if_it_says_so(retry: bool) -> None:
    read, write = os.pipe()
    call = fresh_core().Call("read", NR["read"], ("fd", "buf", "count"), retry=retry)
    runs = []

    def handler(number: int, frame: Any) -> None:
        runs.append(number)
        if len(runs) == 3:
            os.write(write, b"x")

    with alarm(handler, SOON_S / 2):
        if retry:
            assert call(read, bytearray(1), 1) == 1
        else:
            with pytest.raises(InterruptedError):
                call(read, bytearray(1), 1)
    assert len(runs) == (3 if retry else 1)
    os.close(read)
    os.close(write)


def test_call_that_keeps_the_gil_is_not_tried_again() -> None:
    with alarm(lambda number, frame: None), pytest.raises(InterruptedError) as caught:
        sleep(fresh_core(), 10, blocking=False)
    assert caught.value.errno == errno.EINTR


def counted_while(call: Callable[[], None]) -> int:
    """How far another thread gets meanwhile."""
    count = 0
    started, stop = threading.Event(), threading.Event()

    def run() -> None:
        nonlocal count
        started.set()
        while not stop.is_set():
            count += 1
            time.sleep(0.001)

    thread = threading.Thread(target=run)
    thread.start()
    started.wait()
    before = count
    call()
    counted = count - before
    stop.set()
    thread.join()
    return counted


@pytest.mark.parametrize("keywords", [{}, {"blocking": True}])
def test_other_threads_run_while_a_call_sleeps(keywords: Any) -> None:
    core = fresh_core()
    if keywords:
        core.set_numbers({}, keep_gil=[NR["nanosleep"]])
    assert counted_while(lambda: sleep(core, 0.3, **keywords)) > 10


@pytest.mark.parametrize("keywords", [{}, {"blocking": False}])
def test_other_threads_stand_still_where_the_gil_is_kept(keywords: Any) -> None:
    core = fresh_core()
    if not keywords:
        core.set_numbers({}, keep_gil=[NR["nanosleep"]])
    # No switch is forced on the way into the call, however busy the machine is.
    interval = sys.getswitchinterval()
    sys.setswitchinterval(60)
    try:
        assert counted_while(lambda: sleep(core, 0.3, **keywords)) <= 1
    finally:
        sys.setswitchinterval(interval)


def test_from_many_threads() -> None:
    wrong: list[object] = []

    def work(index: int) -> None:
        read, write = os.pipe()
        for step in range(200):
            text = b"%d %d" % (index, step)
            memory = bytearray(len(text))
            syscall(NR["write"], write, text, len(text))
            syscall(NR["read"], read, memory, len(memory))
            try:
                syscall(NR["openat"], -100, f"/no/such/{index}", 0)
            except OSError as error:
                if (error.errno, error.filename) != (errno.ENOENT, f"/no/such/{index}"):
                    wrong.append(error)
            if memory != text:
                wrong.append(text)
        os.close(read)
        os.close(write)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
