"""Make children in every way that Python code has, among busy threads and signals.

    python tests/runtime/torture.py [--children 10000] [--way NAME] [--signals KIND]

For each way it says what went wrong: children that hang, children in which a handler of the parent
runs, children that go on as a second parent, and descriptors or zombies that are left. It ends with
1 if there is anything. os.fork() is among the ways, for comparison. Declared variants are generated
here, with numbers of real calls, which do not look at the argument that the variant has more.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import resource
import select
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import syscraft
from syscraft import clone, spawn
from syscraft.runtime import calls
from syscraft.runtime.child import Child, dropped, reap_dropped
from syscraft.runtime.structs import CloneArgs

GOOD, HANDLER, SECOND_PARENT = 0, 41, 42
PATIENCE_S = 20.0
# A signal comes at any time from the call on until about when the child is there.
LATEST_SIGNAL_S = 0.004
# Name, like, number of, and what is declared besides.
VARIANTS = (
    ("t_clone", "clone", "clone", 'add = ["int tag"]'),
    ("t_clone3", "clone3", "clone3", 'add = ["unsigned int tag"]'),
    ("t_fork", "fork", "fork", 'add = ["unsigned int tag"]'),
    ("t_vfork", "vfork", "vfork", 'add = ["unsigned int tag"]'),
)
TOML = """
name = "{name}"
summary = "make a child"
author = "A U Thor <author@example.org>"
like = "{like}"
{more}
"""
BODIES = {
    "clone": "struct kernel_clone_args *args, int tag",
    "clone3": "struct clone_args __user *uargs, size_t size, unsigned int tag",
    "fork": "unsigned int tag",
    "vfork": "unsigned int tag",
}


class Raised(Exception):
    """What a handler raises."""


def variants(folder: Path) -> dict[str, Callable[..., int]]:
    """Generate modules of variants, and give them numbers of calls that this kernel has."""
    found: dict[str, Callable[..., int]] = {}
    sys.path.insert(0, str(folder))
    for name, like, real, more in VARIANTS:
        if real not in calls.numbers():
            continue
        (folder / f"{name}.toml").write_text(TOML.format(name=name, like=like, more=more))
        body = f"static long do_{name}({BODIES[like]})\n{{\n\treturn 0;\n}}\n"
        (folder / f"{name}.c").write_text(body)
        text = syscraft.load(folder / f"{name}.toml").generate(only=["python"])[f"{name}.py"]
        (folder / f"{name}.py").write_text(text)
        module = __import__(name)
        module._NUMBERS = {module._abi(): calls.numbers()[real]}
        found[name] = getattr(module, name)
    sys.path.remove(str(folder))
    return found


class Torture:
    """One way to make children, under one kind of signals."""

    def __init__(self, make: Callable[[Torture], int | None], signals: str) -> None:
        self.make = make
        self.signals = signals
        self.parent = os.getpid()
        self.armed = False
        self.found: Counter[str] = Counter()

    def handler(self, number: int, frame: object) -> None:
        if os.getpid() != self.parent:
            os._exit(HANDLER)
        if self.signals == "raising" and self.armed:
            self.armed = False
            raise Raised

    def in_child(self) -> int:
        """The life of a child: the threads of the parent are not in it, and a new one starts."""
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()
        threading.current_thread()
        # A signal would be the child's own, as timers are not handed on; nor is what has come.
        sum(range(50))
        return GOOD

    def one(self) -> None:
        """Make a child, and wait for it; what a raising handler interrupts is tried no further."""
        child: int | None = None
        if self.signals != "none":
            signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, LATEST_SIGNAL_S))
        try:
            self.armed = True
            child = self.make(self)
            self.armed = False
        except Raised:
            if os.getpid() != self.parent:
                os._exit(SECOND_PARENT)
            self.found["raised"] += 1
        self.armed = False
        if child is not None:
            self.follow(child)

    def follow(self, pid: int) -> None:
        pidfd = os.pidfd_open(pid)
        try:
            poll = select.poll()
            poll.register(pidfd, select.POLLIN)
            end = time.monotonic() + PATIENCE_S
            while not poll.poll(100):
                if time.monotonic() > end:
                    self.found["hung"] += 1
                    os.kill(pid, signal.SIGKILL)
                    break
        finally:
            os.close(pidfd)
        self.judge(os.waitpid(pid, 0)[1])

    def finish(self, child: Child) -> None:
        self.armed = False
        with child:
            try:
                code = child.wait(PATIENCE_S)
            except TimeoutError:
                self.found["hung"] += 1
                child.kill()
                return
        self.judge(code << 8 if code >= 0 else -code)

    def judge(self, status: int) -> None:
        code = os.waitstatus_to_exitcode(status)
        if code == HANDLER:
            self.found["handler of the parent"] += 1
        elif code == SECOND_PARENT:
            self.found["second parent"] += 1
        elif code == GOOD:
            self.found["good"] += 1
        elif code != -signal.SIGKILL:
            self.found[f"status {code}"] += 1

    def lost(self) -> None:
        """Children whose ID a handler kept from the caller: of bare calls, as of os.fork()."""
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid:
                self.found["lost"] += 1
                self.judge(status)
            elif time.monotonic() > end:
                self.found["hung"] += 1
                return
            else:
                time.sleep(0.01)


def twice(function: Callable[[], int | None]) -> Callable[[Torture], int | None]:
    """A way that returns twice."""

    def make(torture: Torture) -> int | None:
        pid = function()
        if not pid:
            os._exit(torture.in_child())
        return pid

    return make


def by_clone(**keywords: Any) -> Callable[[Torture], int | None]:
    def make(torture: Torture) -> int | None:
        torture.finish(clone(torture.in_child, **keywords))
        return None

    return make


def by_spawn(**keywords: Any) -> Callable[[Torture], int | None]:
    def make(torture: Torture) -> int | None:
        torture.finish(spawn(["/bin/true"], **keywords))
        return None

    return make


def ways(folder: Path) -> dict[str, Callable[[Torture], int | None]]:
    """Every way: its name, and what makes a child and returns its ID, or has waited for it."""
    made: dict[str, Callable[[Torture], int | None]] = {
        "os.fork": twice(os.fork),
        "clone": by_clone(),
        "clone pidfd=False": by_clone(pidfd=False),
        "clone steps": by_clone(**STEPS),
        "spawn": by_spawn(),
        "spawn uid": by_spawn(uid=os.getuid()),
    }
    for name, how in variants(folder).items():
        if name != "t_vfork":
            more: tuple[object, ...] = ()
            if name == "t_clone3":
                args = CloneArgs(exit_signal=signal.SIGCHLD)
                more = (args, len(args))
            made[name] = twice(lambda how=how, more=more: how(*more, 3))  # type: ignore[misc]
            made[f"clone {name}"] = by_clone(how=how, tag=3)
            made[f"clone steps {name}"] = by_clone(how=how, tag=3, **STEPS)
        made[f"spawn {name}"] = by_spawn(how=how, tag=3)
    return made


# What the child does before Python code runs in it, and its parent waits for.
STEPS: dict[str, Any] = {"umask": 0o22, "limits": {resource.RLIMIT_CORE: 0}}
BARE = ("os.fork", "t_clone", "t_clone3", "t_fork")


@contextlib.contextmanager
def busy(threads: int) -> Iterator[None]:
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            sum(range(200))

    running = [threading.Thread(target=work) for _ in range(threads)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    for thread in running:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in running:
            thread.join()
        sys.setswitchinterval(interval)


def torture(
    make: Callable[[Torture], int | None],
    signals: str,
    children: int,
    *,
    bare: bool,
    threads: int = 2,
) -> Counter[str]:
    """Make children in one way. Returns: how many of what."""
    one = Torture(make, signals)
    old = signal.signal(signal.SIGALRM, one.handler)
    fds = len(os.listdir("/proc/self/fd"))
    try:
        with busy(threads):
            for _ in range(children):
                one.one()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    # The last child may have been dropped just now, and live a moment longer.
    end = time.monotonic() + PATIENCE_S
    reap_dropped()
    while dropped and time.monotonic() < end:
        time.sleep(0.01)
        reap_dropped()
    if bare:
        one.lost()
    with contextlib.suppress(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
        one.found["zombies"] += 1
    one.found["descriptors"] += len(os.listdir("/proc/self/fd")) - fds
    one.found["dropped"] += len(dropped)
    dropped.clear()
    return one.found


def bad(found: Counter[str]) -> dict[str, int]:
    """What must not be."""
    return {
        what: count
        for what, count in found.items()
        if count and what not in ("good", "raised", "lost")
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--children", type=int, default=10_000)
    parser.add_argument("--way", action="append", help="one of the ways; all")
    parser.add_argument("--signals", action="append", choices=("none", "handled", "raising"))
    arguments = parser.parse_args()
    # Whoever hangs is told, and not waited for for ever by whoever runs this.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for name, make in ways(Path(folder)).items():
            if arguments.way and name not in arguments.way:
                continue
            for signals in arguments.signals or ("none", "handled", "raising"):
                start = time.monotonic()
                found = torture(make, signals, arguments.children, bare=name in BARE)
                failed |= bool(bad(found))
                said = ", ".join(
                    f"{count} {what}" for what, count in sorted(found.items()) if count
                )
                print(
                    f"{name:20} {signals:8} {time.monotonic() - start:6.1f} s  {said}", flush=True
                )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
