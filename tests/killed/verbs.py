"""The commands to kill, and how to see that one was right in the end."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .world import World

_MAIN = "import sys; from syscraft.cli.main import main; main(sys.argv[1:])"
_MAKE_TOY = """\
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from damaged.toy import Toy
toy = Toy(Path("toy"), own=sys.argv[2] == "own")
"""
_BUILD_TOY = f"{_MAKE_TOY}print(toy.build() or 'right')"
_TESTS = Path(__file__).parent.parent
# What differs between two runs that are both right.
_VARYING = re.compile(r"\d+\.\d+(?: s)?|\bcached\b|\bbuilt\b(?: before)?|\bfrom cache\b|[ \t]+")


def nothing(world: World, index: int) -> None:
    """Start from the folder as it is at first."""


def _edit(world: World, index: int) -> None:
    """Change the body, so that a kernel has to be built."""
    body = world.here / "splork" / "splork.c"
    body.write_text(f"/* {world.here} {index} */\n{body.read_text()}")


def _forget(world: World, index: int) -> None:
    """Let nothing be known of wrappers and programs."""
    for name in ("proofs", "tests", "generated"):
        for path in (world.cache / name).rglob("*"):
            if path.suffix in (".json", ".h"):
                path.unlink()


def _toy(world: World, index: int) -> None:
    """Make the trees; the archive is a new one each time, and has to be unpacked."""
    for whose in ("archive", "own"):
        argv = [sys.executable, "-c", _MAKE_TOY, str(_TESTS), whose]
        subprocess.run(argv, cwd=world.here, check=True)
    shutil.rmtree(world.cache / "kernels", ignore_errors=True)


@dataclass(frozen=True)
class Verb:
    """A command.

    Args:
        says: whether what it prints is the answer; else the files that it leaves are.
        before: prepares the folder.
        first: a command to be run in peace before.
        done: what it says if it was killed after its work was done.
    """

    name: str
    argv: tuple[str, ...]
    says: bool = False
    before: Callable[[World, int], None] = nothing
    first: tuple[str, ...] = ()
    done: str = ""

    def answer(self, status: int, output: str) -> str:
        """What has to be the same after every kill."""
        return f"{status} {_VARYING.sub(' ', output)}" if self.says else str(status)


def command(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-c", _MAIN, *words)


def _verb(
    *words: str,
    name: str = "",
    says: bool = False,
    before: Callable[[World, int], None] = nothing,
    first: tuple[str, ...] = (),
    done: str = "",
) -> Verb:
    return Verb(name or words[0], command(*words), says, before, first and command(*first), done)


_APPLY = ("patch", "clone_nice", "--linux", "linux", "--apply")
_LIGHT = (
    _verb("new", "fresh", done="already exists"),
    _verb("import", "toycall.c", done="already exists"),
    _verb("check", "clone_nice", "--linux", "linux", says=True),
    _verb("generate", "splork", "-o", "out"),
    _verb("patch", "clone_nice", "--linux", "linux", "-o", "series"),
    _verb(*_APPLY, name="patch --apply"),
    _verb("patch", "clone_nice", "--linux", "linux", "--revert", name="patch --revert",
          first=_APPLY),
    _verb("list", "--csv", says=True),
    _verb("list", "--abi", "x86_64", "--run", name="list --run", says=True, before=_forget),
    _verb("show", "openat2", says=True),
    _verb("registry", "build", "linux", "-o", "data", name="registry build"),
    _verb("registry", "diff", "6.1", "6.12", name="registry diff", says=True),
    _verb("doctor", says=True),
    Verb("toy build", (sys.executable, "-c", _BUILD_TOY, str(_TESTS), "archive"), True, _toy),
    Verb("toy build, own tree", (sys.executable, "-c", _BUILD_TOY, str(_TESTS), "own"), True, _toy),
)  # fmt: skip
_KERNEL = (
    _verb("run", "clone_nice", "--", "uname", "-m", says=True),
    _verb("run", "clone_nice", "--unsafe", "--", "uname", "-m", name="run --unsafe", says=True),
    _verb("test", "clone_nice", "--again", says=True),
    _verb("test", "splork", name="test, body edited", says=True, before=_edit),
    Verb("demo", (sys.executable, str(_TESTS.parent / "tools" / "demo.py"))),
)
LIGHT: Mapping[str, Verb] = {verb.name: verb for verb in _LIGHT}
KERNEL: Mapping[str, Verb] = {verb.name: verb for verb in _KERNEL}
