"""Signals that ask a command to end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def ending_in_order() -> Iterator[list[int]]:
    """Let what service managers and closed terminals send end the block as an interrupt does.

    Yields: a list that gets the number of the signal that came.
    """
    came: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        came.append(number)
        raise KeyboardInterrupt

    changed = []
    if threading.current_thread() is threading.main_thread():  # no other may
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:  # nohup(1) ignores one
                signal.signal(number, end)
                changed.append(number)
    try:
        yield came
    finally:
        for number in changed:
            signal.signal(number, signal.SIG_DFL)
