"""clone() and spawn() by the declared variants, on kernels that have them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY, Syscraft

from kernel.examples import EXAMPLES, Others

SCRIPT = """
import os, sys
sys.path.insert(0, {source!r})
from {name} import {name} as variant
from syscraft.runtime.clone import clone
from syscraft.runtime.spawn import spawn

where = bytearray(8)
extras = {extras}
nice = lambda: os.getpriority(os.PRIO_PROCESS, 0)
with clone(nice, how=variant, nice=7, **extras) as child:
    print("clone", child.wait(10), child.pidfd >= 0)
read, write = os.pipe()
with spawn(["nice"], how=variant, nice=9, fds={{1: write}}, umask=0o77, **extras) as child:
    os.close(write)
    told = int.from_bytes(where, sys.byteorder)
    print("spawn", os.read(read, 99).decode().strip(), child.wait(10), child.pidfd >= 0, told)
for start in (lambda **more: clone(nice, **more), lambda **more: spawn(["nice"], **more)):
    try:
        start(how=variant, nice=70, **extras)
    except OSError as error:
        print("refused", error.errno)
try:
    spawn(["/no/such/program"], how=variant, nice=1, **extras)
except FileNotFoundError as error:
    print(error.step, error.filename)
try:
    os.waitpid(-1, 0)
except ChildProcessError:
    print("no child left")
"""

# clone_pair sets no nice value: it tells it, and the cookie, where the caller wants it.
EXPECTED = """clone {clone} True
spawn {spawn} 0 True {told}
refused 22
refused 22
exec /no/such/program
no child left
"""


@pytest.mark.parametrize(
    ("name", "extras", "expected"),
    [
        ("clone_nice", "{}", {"clone": 7, "spawn": 9, "told": 0}),
        (
            "clone_pair",
            "{'cookie': 100, 'where': where}",
            {"clone": 0, "spawn": 0, "told": 109},
        ),
    ],
)
def test_declared_variants(
    name: str,
    extras: str,
    expected: dict[str, int],
    tmp_path: Path,
    syscraft: Syscraft,
    others: Others,
) -> None:
    script = tmp_path / "script.py"
    source = str(REPOSITORY / "src")
    script.write_text(SCRIPT.format(source=source, name=name, extras=extras))
    together = EXAMPLES if name == "clone_nice" else others.folders
    done = syscraft("run", *together, "--", sys.executable, script, cwd=REPOSITORY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == EXPECTED.format(**expected), done.stderr


FORK_LIKE_SCRIPT = """
import os, signal, sys
sys.path.insert(0, {source!r})
from fork_tell import fork_tell
from vfork_tell import vfork_tell
from syscraft.runtime.clone import clone
from syscraft.runtime.spawn import spawn

def extras():
    global where
    where = bytearray(8)
    return dict(signal=signal.SIGCHLD, cookie=-5, where=where)

def report(name, child):
    with child:
        print(name, child.wait(10), int.from_bytes(where, sys.byteorder, signed=True))

report("clone", clone(lambda: 7, how=fork_tell, **extras()))
report("spawn", spawn(["sh", "-c", "exit 8"], how=fork_tell, **extras()))
report("vfork", spawn(["sh", "-c", "exit 9"], how=vfork_tell, **extras()))
try:
    vfork_tell(**extras())
except ValueError:
    print("refused")
"""


def test_variants_of_fork_and_vfork(tmp_path: Path, syscraft: Syscraft, others: Others) -> None:
    script = tmp_path / "script.py"
    script.write_text(FORK_LIKE_SCRIPT.format(source=str(REPOSITORY / "src")))
    done = syscraft("run", *others.folders, "--", sys.executable, script, cwd=REPOSITORY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == "clone 7 -5\nspawn 8 -5\nvfork 9 -5\nrefused\n", done.stderr
