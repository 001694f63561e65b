"""Kills a command at a random moment, runs it again, and looks at everything."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import signal
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from .verbs import Verb
from .world import Content, World

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
_DEADLINE_S = 900
# How long what a killed command has started may take to notice.
_GRACE_S = 10.0
_PR_SET_CHILD_SUBREAPER = 36  # Source: include/uapi/linux/prctl.h, Linux 6.12


@dataclass
class Tally:
    """What became of the kills of one command.

    Attributes:
        hit: signal -> how many came while it was at work.
        late: how many came after its end.
    """

    hit: Counter[str] = field(default_factory=Counter)
    late: int = 0
    faults: list[str] = field(default_factory=list)


class Killer:
    """Kills one command again and again.

    Raises:
        RuntimeError: the command alone is not right, or leaves something behind.
    """

    def __init__(self, verb: Verb, world: World, choose: random.Random) -> None:
        self._verb = verb
        self._world = world
        self._choose = choose
        self._index = 0
        # What a command leaves running becomes a child of ours.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._in_peace()  # what is kept for the next time
        self._prepare()
        began = time.monotonic()
        self._right, text = self._in_peace()
        self._seconds = time.monotonic() - began
        self._content = self._seen()
        if wrong := self._left_behind():
            raise RuntimeError(f"{verb.name}: {wrong}\n{text}")

    def kill(self, how: signal.Signals, tally: Tally) -> None:
        """Kill it once, and run it again."""
        self._index += 1
        self._prepare()
        moment = self._choose.uniform(0, self._seconds)
        group = self._choose.random() < 0.5
        began = time.monotonic()
        with subprocess.Popen(
            self._verb.argv, cwd=self._world.here, env=self._world.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:  # fmt: skip
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(moment)
            if process.poll() is None:
                tally.hit[how.name] += 1
                (os.killpg if group else os.kill)(process.pid, how)
            else:
                tally.late += 1
                self._seconds = time.monotonic() - began
            try:
                process.wait(_DEADLINE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                tally.faults.append(f"{how.name} after {moment:.2f} s: does not end")
        if wrong := self._wrong():
            whom = "the group" if group else "the process"
            tally.faults.append(f"{how.name} to {whom} after {moment:.3f} s: {wrong}")

    def _wrong(self) -> str:
        answer, text = self._in_peace()
        if answer != self._right and not (self._verb.done and self._verb.done in text):
            return f"expected {self._right}\nfound {answer}\n{text}"
        if difference := _difference(self._content, self._seen()):
            return f"other files: {difference}\n{text}"
        return self._left_behind()

    def _prepare(self) -> None:
        self._world.reset()
        (self._world.here / "toy").mkdir()
        self._verb.before(self._world, self._index)
        if self._verb.first:
            subprocess.run(
                self._verb.first, cwd=self._world.here, env=self._world.environment,
                capture_output=True, check=True,
            )  # fmt: skip

    def _in_peace(self) -> tuple[str, str]:
        """Run it to its end; returns its answer, and all that it said."""
        done = subprocess.run(
            self._verb.argv, cwd=self._world.here, env=self._world.environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_DEADLINE_S,
            check=False,
        )  # fmt: skip
        if "Traceback" in done.stderr:
            return "traceback", done.stderr
        return self._verb.answer(done.returncode, done.stdout), done.stdout + done.stderr

    def _seen(self) -> Content:
        """The files; those of a declaration that :attr:`Verb.before` edits differ each time."""
        kept = self._world.content()
        return {name: state for name, state in kept.items() if name != "splork/splork.c"}

    def _left_behind(self) -> str:
        if processes := _processes_left():
            return f"processes left: {processes}"
        if files := self._world.leftovers():
            return f"files left: {files}"
        return ""


def _difference(before: Content, after: Content) -> list[str]:
    # pytest and people need names, not the content of all files.
    return sorted(name for name in before.keys() | after.keys()
                  if before.get(name) != after.get(name))[:10]  # fmt: skip


def _processes_left() -> list[str]:
    """What has become our child, and does not end; it is killed then."""
    deadline = time.monotonic() + _GRACE_S
    while children := _children():
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
        if time.monotonic() > deadline:
            names = []
            for child in children:
                with contextlib.suppress(OSError):
                    names.append(Path(f"/proc/{child}/cmdline").read_text().replace("\0", " "))
                    os.kill(child, signal.SIGKILL)
            return names
        time.sleep(0.01)
    return []


def _children() -> list[int]:
    return [
        int(word)
        for task in Path("/proc/self/task").iterdir()
        for word in (task / "children").read_text().split()
    ]
