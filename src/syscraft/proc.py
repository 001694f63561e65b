"""The one module that starts processes: argument lists, never a shell string."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from syscraft.errors import EnvironmentLacks

TIMED_OUT = 124  # as timeout(1) reports it


@dataclass(frozen=True)
class Result:
    """How a tool ended; ``output`` is its standard output and error, interleaved."""

    argv: tuple[str, ...]
    cwd: str
    status: int
    output: str

    @property
    def ok(self) -> bool:
        return self.status == 0

    @property
    def replay(self) -> str:
        """A command that a person can paste to see the same."""
        return f"cd {shlex.quote(self.cwd)} && {shlex.join(self.argv)}"


# Which Debian package brings a tool that syscraft starts.
PACKAGES = {
    "bc": "bc",
    "bison": "bison",
    "bwrap": "bubblewrap",
    "clang": "clang",
    "flex": "flex",
    "gcc": "gcc",
    "git": "git",
    "ld": "binutils",
    "make": "make",
    "nm": "binutils",
    "perl": "perl",
    "prlimit": "util-linux",
    "setpriv": "util-linux",
    "strip": "binutils",
    "tar": "tar",
    "xz": "xz-utils",
}


def need(tool: str, *, packages: Sequence[str] = ()) -> str:
    """Find *tool* on PATH.

    Args:
        packages: what brings it, if :data:`PACKAGES` does not know.

    Raises:
        EnvironmentLacks: it is not there; the hint says what installs it.
    """
    path = shutil.which(tool)
    if path is None:
        package = " ".join(packages) or PACKAGES.get(tool, tool)
        raise EnvironmentLacks.of(
            f"the tool '{tool}' is missing",
            expected=f"{tool} on PATH",
            hint=f"apt-get install {package}    (syscraft doctor lists everything)",
        )
    return path


def dying_with_us(argv: Sequence[str], signal_name: str = "TERM") -> list[str]:
    """Wrap *argv* so that the process gets a signal if syscraft is killed.

    More exactly, when the thread ends that starts it.
    """
    return [need("setpriv"), f"--pdeathsig={signal_name}", "--", *argv]


class Stop:
    """Ends what the threads of one run have started and wait for.

    An interrupt reaches only one thread. Whoever waits sees its process fail, and nothing new
    starts within this run; another run of the same process is not touched.
    """

    def __init__(self) -> None:
        self._groups: dict[int, signal.Signals] = {}
        self._stopping = False
        self._lock = threading.Lock()

    def add(self, group: int, how: signal.Signals) -> None:
        """Let :meth:`stop_all` end the process group *group* with the signal *how*."""
        with self._lock:
            self._groups[group] = how
        self.check()

    def remove(self, group: int) -> None:
        with self._lock:
            self._groups.pop(group, None)

    def check(self) -> None:
        """Raise KeyboardInterrupt once the run is being stopped."""
        if self._stopping:
            raise KeyboardInterrupt

    def stop_all(self) -> None:
        self._stopping = True
        with self._lock:
            groups = list(self._groups.items())
        for group, how in groups:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, how)


_stop: ContextVar[Stop | None] = ContextVar("_stop", default=None)


@contextlib.contextmanager
def stoppable() -> Iterator[Stop]:
    """Make everything that is started in this block, and its context, part of one run."""
    stop = Stop()
    token = _stop.set(stop)
    try:
        yield stop
    finally:
        _stop.reset(token)


@contextlib.contextmanager
def stopped_with_us(group: int, how: signal.Signals) -> Iterator[None]:
    """Let the run that this thread belongs to end the process group *group*."""
    stop = _stop.get()
    if stop is None:
        yield
        return
    try:
        stop.add(group, how)
        yield
    finally:
        stop.remove(group)


def run(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str | None] | None = None,
    input: bytes | None = None,
    deadline_s: float | None = None,
    keep_open: Sequence[int] = (),
) -> Result:
    """Run a short-lived tool to its end and keep what it said. It ends when we do.

    Args:
        env: variables that differ from our own; None for one that the tool shall not have.

    Past its deadline the tool and what it started are killed; the status is then TIMED_OUT.
    """
    all_env = {**os.environ, **(env or {})}
    words = [need(argv[0]), *argv[1:]]
    with subprocess.Popen(
        # Whoever has a deadline may not be a program of this machine: that is for us to see.
        dying_with_us(words) if deadline_s is None else words,
        cwd=cwd,
        env={name: value for name, value in all_env.items() if value is not None},
        stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=tuple(keep_open),
        process_group=0,
    ) as process:
        try:
            output, _ = process.communicate(input, deadline_s)
            status = process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            status = TIMED_OUT
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return Result(tuple(argv), str(cwd or Path.cwd()), status, output.decode(errors="replace"))


def run_watched(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    log: Path,
    on_line: Callable[[str], None],
    keep_open: Sequence[int] = (),
) -> Result:
    """Run a long tool, hand each line of its output on, and keep all of it in *log*.

    On KeyboardInterrupt the tool's whole process group is asked to end and waited
    for, so that it can remove half-written files; then the interrupt goes on.
    """
    lines: list[str] = []
    if stop := _stop.get():
        stop.check()
    with (
        open(log, "w", encoding="utf-8", errors="replace") as log_file,
        subprocess.Popen(
            dying_with_us([need(argv[0]), *argv[1:]]),
            cwd=cwd,
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=tuple(keep_open),
            process_group=0,
            encoding="utf-8",
            errors="replace",
        ) as process,
    ):
        assert process.stdout is not None
        try:
            with stopped_with_us(process.pid, signal.SIGTERM):
                for line in process.stdout:
                    lines.append(line)
                    log_file.write(line)
                    on_line(line.rstrip("\n"))
                process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
            raise
    return Result(tuple(argv), str(cwd), process.returncode, "".join(lines))
