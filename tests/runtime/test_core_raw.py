"""syscall() by name: the tables that it reads, and what it says of names that are not in them."""

from __future__ import annotations

import errno
import os
import signal
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from runtime.core_support import numbers, run_python
from syscraft.runtime.call_table import all_names
from syscraft.runtime.policy import REFUSED, RETRY
from syscraft.runtime.raw import syscall


def test_names_are_those_of_this_abi() -> None:
    assert syscall("getppid") == os.getppid()
    assert syscall("".join(["get", "pid"])) == os.getpid()


@pytest.mark.parametrize(
    ("name", "near"), [("getpidd", "getpid"), ("open_at", "openat"), ("Getpid", "getpid")]
)
def test_name_that_no_abi_has(name: str, near: str) -> None:
    with pytest.raises(
        LookupError, match=f"no system call is named '{name}'; did you mean '{near}'"
    ):
        syscall(name)


def test_name_that_is_like_none() -> None:
    with pytest.raises(LookupError, match=r"no system call is named 'qqqqqqqqqqq'$"):
        syscall("qqqqqqqqqqq")


def test_name_that_another_abi_has() -> None:
    """memory_ordering is sparc's alone: kernel/sys.c has nothing of it elsewhere."""
    with pytest.raises(OSError) as caught:
        syscall("memory_ordering", 0)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSYS, "memory_ordering")


@pytest.mark.parametrize("name", sorted(set(REFUSED) & set(numbers())))
def test_calls_that_no_interpreter_survives(name: str) -> None:
    for call in (name, numbers()[name]):
        with pytest.raises(ValueError, match=rf"^{name}\(\) .*"):
            syscall(call)
    assert any(word in REFUSED[name] for word in ("use ", "may call it"))


def test_lists_have_calls_that_exist_somewhere() -> None:
    """A misspelt name would do nothing, and nobody would see it."""
    assert set(RETRY) <= set(all_names())
    assert set(REFUSED) <= set(all_names())


def with_alarm(call: Callable[[], object]) -> float:
    """How long a call takes that a signal interrupts soon."""
    old = signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    start = time.monotonic()
    try:
        call()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    return time.monotonic() - start


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("poll", (None, 0, 10_000)),
        ("pause", ()),
        ("rt_sigsuspend", (bytes(8), 8)),
        ("nanosleep", (struct.pack("ll", 10, 0), None)),
    ],
)
def test_interrupted_calls_that_are_not_tried_again(name: str, arguments: tuple[Any, ...]) -> None:
    if name not in numbers():
        pytest.skip(f"this ABI has no {name}")
    with pytest.raises(InterruptedError):
        with_alarm(lambda: syscall(name, *arguments))


def test_interrupted_calls_that_go_on() -> None:
    """The kernel writes the time that is left into ppoll's own timeout: a second try is right."""
    timeout = bytearray(struct.pack("ll", 0, 200_000_000))
    assert 0.15 < with_alarm(lambda: syscall("ppoll", None, 0, timeout, None, 0)) < 5


def test_blocking_by_default() -> None:
    """A thread that sleeps in a call lets others run; one that asks for its ID does not bother."""
    done = threading.Event()
    read, write = os.pipe()
    thread = threading.Thread(target=lambda: (syscall("read", read, bytearray(1), 1), done.set()))
    thread.start()
    assert not done.wait(0.05)
    assert syscall("write", write, b"x", 1) == 1
    assert done.wait(10)
    thread.join()
    os.close(read)
    os.close(write)


def test_import_reads_no_tables() -> None:
    done = run_python(
        "import sys\n"
        "from syscraft.runtime.raw import syscall\n"
        "print('syscraft.runtime.call_table' in sys.modules)\n"
        "syscall('getpid')\n"
        "print('syscraft.runtime.call_table' in sys.modules)\n"
    )
    assert done.stdout == "False\nTrue\n", done.stderr


def test_program_whose_abi_cannot_be_told() -> None:
    """Numbers still work; a name says what is missing."""
    done = run_python(
        "import os\n"
        "from syscraft.errors import EnvironmentLacks\n"
        "from syscraft.runtime import call_table\n"
        "def own_table(): raise EnvironmentLacks.of('there is no /proc')\n"
        "call_table.own_table = own_table\n"
        "from syscraft.runtime.raw import syscall\n"
        f"print(syscall({numbers()['getpid']}) == os.getpid())\n"
        "try: syscall('getpid')\n"
        "except EnvironmentLacks as error: print(error)\n"
    )
    assert done.stdout == "True\nerror: there is no /proc\n", done.stderr


def test_first_calls_from_many_threads() -> None:
    done = run_python(
        "import os, threading\n"
        "from syscraft.runtime.raw import syscall\n"
        "barrier = threading.Barrier(8)\n"
        "results = []\n"
        "def work():\n"
        "    barrier.wait()\n"
        "    results.append(syscall('getpid'))\n"
        "threads = [threading.Thread(target=work) for _ in range(8)]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
        "print(results == [os.getpid()] * 8)\n"
    )
    assert done.stdout == "True\n", done.stderr
