"""What the tests of the C core share. It imports no more than the core, for sanitizers' sake."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import cache
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

from syscraft.runtime import _core

# A sanitizer's library is for this process and the interpreters it starts, and not for programs
# whose handlers and descriptors are looked at.
PRELOADED = os.environ.pop("LD_PRELOAD", None)


@cache
def numbers() -> dict[str, int]:
    """The numbers of this ABI's calls, as the compiler's headers have them."""
    text = subprocess.run(
        ["gcc", "-dM", "-E", "-x", "c", "-"],
        input="#include <asm/unistd.h>\n",
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    rows = (line.split() for line in text.splitlines() if line.startswith("#define __NR_"))
    return {row[1].removeprefix("__NR_"): int(row[2]) for row in rows if row[2].isdigit()}


def fresh_core() -> ModuleType:
    """The core once more, with tables of its own."""
    assert _core.__file__ is not None
    loader = ExtensionFileLoader("_core", _core.__file__)
    spec = spec_from_loader("_core", loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def open_fds() -> set[str]:
    """The descriptors of this process."""
    return set(os.listdir("/proc/self/fd"))


def children() -> list[int]:
    """The children of this process, dead ones as well."""
    own = Path(f"/proc/self/task/{os.getpid()}/children")
    if own.exists():  # CONFIG_PROC_CHILDREN; not in the lab's kernels
        return [int(word) for word in own.read_text().split()]
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            # Behind the name, which may have anything in it: the state, and the parent.
            if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == os.getpid():
                found.append(int(entry.name))
    return sorted(found)


def libc_knows_this_thread() -> bool:
    """Whether libc has this thread's ID in its own memory: it makes the number of a clock of it.

    Sending a signal does not tell: pthread_kill(3) asks the kernel since glibc 2.34.
    """
    try:
        time.clock_gettime(time.pthread_getcpuclockid(threading.get_ident()))
    except OSError:
        return False
    return True


@contextlib.contextmanager
def nothing_left() -> Iterator[None]:
    """Check that a block leaves no descriptor and no child."""
    fds, kids = open_fds(), children()
    yield
    assert len(open_fds()) == len(fds)
    assert children() == kids


def run_python(code: str, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program of its own with this interpreter and the same paths."""
    if PRELOADED:
        variables["LD_PRELOAD"] = PRELOADED
    return subprocess.run(
        [sys.executable, *options, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **variables},
    )
