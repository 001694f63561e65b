"""Random command lines with random streams closed: each has a status and, at worst, a sentence."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from syscraft.cli.main import OUTPUT_GONE, main

from .seeds import REPOSITORY

# What ends a command: its own statuses, an output that has gone, and those that `run` has.
STATUSES = (0, 1, 2, 3, OUTPUT_GONE, 124, 125, 126, 127)
WALL_S = 60

_VERBS = (
    "check", "generate", "patch", "new", "import", "list", "show", "registry", "test", "run",
    "doctor", "nonsense", "",
)  # fmt: skip
_OPTIONS = (
    "--json", "--linux", "--tree", "--call", "-o", "--only", "--abi", "--on", "--kernel", "--quiet",
    "--timeout", "--kconfig", "--kconfig-file", "--junit", "--like", "-C", "--guests", "--help",
    "--apply", "--revert", "--again", "--", "-h", "--version", "-x", "--output", "--directory",
)  # fmt: skip
# No path here leads out of the folder: some verbs write.
_VALUES = (
    "", " ", ".", "/dev/null", "/dev/zero", "/dev/full", "/proc/self/mem", "nowhere",
    "splork", "sample.toml", "pipe", "linux", "out", "read", "openat2", "x86_64", "uml", "arm64",
    "all", "deb:", "deb:9.99", "deb:../x", "plain", "debug+", "inf", "nan", "-1", "1e9", "1,2",
    "X=y", "X", "=y", "header", "python", "\u00fc", "\udcff", "a" * 5000, "a\nb", "%s", "{x}",
    "clone", "true", "call.c",
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A command line; ``streams`` says of each of the three: open, closed, full or gone."""

    arguments: tuple[str, ...]
    streams: tuple[str, str, str]


def make_line(seed: int, index: int) -> Line:
    """Make command line *index* of a seed."""
    choose = random.Random(f"line {seed}:{index}")
    words = [choose.choice(_VERBS)]
    for _ in range(choose.choice((0, 1, 1, 2, 3, 6))):
        words.append(choose.choice(_VALUES if choose.random() < 0.6 else _OPTIONS))
    # Nothing here shall wait for a tree to be unpacked.
    if words[0] in ("test", "run", "patch", "check"):
        words += ["--linux", "linux"]
    if words[0] == "run":
        words += ["--", "true"]
    streams = [choose.choice(("open", "open", "closed", "full", "gone")) for _ in range(3)]
    return Line(tuple(words), (streams[0], streams[1], streams[2]))


def prepare(folder: Path, linux: Path) -> None:
    """Make what the values above name."""
    folder.mkdir()
    for name in ("splork", "clone_nice"):
        shutil.copytree(REPOSITORY / "examples" / name, folder / name)
    (folder / "linux").symlink_to(linux)
    (folder / "sample.toml").write_bytes(b"name = \xff")
    (folder / "call.c").write_text("SYSCALL_DEFINE1(call, int, a) {\n\treturn a;\n}\n")
    os.mkfifo(folder / "pipe")


def try_line(line: Line, folder: Path) -> str:
    """Run a command line in a child of this process; returns what is wrong with how it ends."""
    said = folder.parent / "said"
    child = os.fork()
    if child == 0:
        try:
            os.setpgid(0, 0)
            _be(line, folder, said)
        finally:
            os._exit(99)
    began = time.monotonic()
    while time.monotonic() - began < WALL_S:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        time.sleep(0.005)
    else:
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return "hangs"
    text = said.read_text(errors="replace")
    if "Traceback" in text:
        return f"traceback: {text[-300:]}"
    code = os.waitstatus_to_exitcode(status)
    return "" if code in STATUSES else f"status {code}: {text[-200:]}"


def _be(line: Line, folder: Path, said: Path) -> None:
    """Become the command: as after exec, but that all modules are there already."""
    os.chdir(folder)
    resource.setrlimit(resource.RLIMIT_CPU, (30, 30))
    log = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    kept = os.dup2(log, 200)
    for fd, name in enumerate(("stdin", "stdout", "stderr")):
        state = line.streams[fd]
        _set(fd, state, log)
        mode = "r" if fd == 0 else "w"
        opened = None if state == "closed" else os.fdopen(fd, mode, encoding="utf-8", closefd=False)
        setattr(sys, name, opened)
    os.close(log)
    try:
        main(list(line.arguments))
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        os.write(kept, traceback.format_exc().encode(errors="replace"))
        code = 99
    os._exit(code)


def _set(fd: int, state: str, log: int) -> None:
    if state == "closed":
        os.close(fd)
    elif state == "full":
        os.dup2(os.open("/dev/full", os.O_RDWR), fd)
    elif state == "gone":
        reading, writing = os.pipe()
        os.dup2(writing if fd else reading, fd)
        os.close(reading)
        os.close(writing)
    elif fd == 0:
        os.dup2(os.open(os.devnull, os.O_RDONLY), fd)
    else:
        os.dup2(log, fd)
