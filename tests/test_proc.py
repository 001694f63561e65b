"""An interrupt ends one run of the lab, and not what the process does afterwards."""

from __future__ import annotations

import contextvars
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from syscraft import proc


def sleep(tmp_path: Path, seconds: str) -> proc.Result:
    return proc.run_watched(
        ["sleep", seconds], cwd=tmp_path, env={}, log=tmp_path / "log", on_line=print
    )


def short(tmp_path: Path, seconds: str) -> proc.Result:
    return proc.run(["sleep", seconds], cwd=tmp_path)


@pytest.mark.parametrize("sleep", [sleep, short])
def test_stop_ends_what_other_threads_wait_for(
    sleep: Callable[[Path, str], proc.Result], tmp_path: Path
) -> None:
    with proc.stoppable() as stop, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(contextvars.copy_context().run, sleep, tmp_path, "600")
        deadline = time.monotonic() + 10
        while not stop._groups and time.monotonic() < deadline:
            time.sleep(0.01)
        started = time.monotonic()
        stop.stop_all()
        assert not waiting.result(10).ok
        assert time.monotonic() - started < 10
        with pytest.raises(KeyboardInterrupt):
            sleep(tmp_path, "600")  # nothing new starts within this run


def test_another_run_of_the_process_is_not_touched(tmp_path: Path) -> None:
    with proc.stoppable() as first:
        first.stop_all()
    assert sleep(tmp_path, "0").ok
    with proc.stoppable():
        assert sleep(tmp_path, "0").ok


def test_interrupt_while_nobody_else_works(tmp_path: Path) -> None:
    """As a notebook does it: interrupt a build, and start another."""
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        sleep(tmp_path, "600")
    assert sleep(tmp_path, "0").ok
