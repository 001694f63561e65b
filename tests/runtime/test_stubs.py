"""What mypy and ruff say of the stub, and mypy of programs that use it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY

from syscraft.runtime import calls
from syscraft.runtime.policy import REFUSED

STUB = REPOSITORY / "src" / "syscraft" / "runtime" / "calls.pyi"

GOOD = """\
import ctypes
import os
from pathlib import Path

from syscraft import calls
from syscraft.runtime.structs import CachestatRange, OpenHow, SchedAttr


def opened(folder: int, name: Path) -> int:
    how = OpenHow(flags=os.O_RDONLY | os.O_CLOEXEC, resolve=0x08)
    how.mode |= 0o600
    return calls.openat2(folder, name, how, len(how))


def others(fd: int) -> list[int]:
    buffer = bytearray(8)
    attr = SchedAttr()
    return [
        calls.getppid(),
        calls.read(fd, buffer, len(buffer)),
        calls.read(fd=fd, buf=memoryview(buffer), count=True),
        calls.write(fd, b"bytes", 5),
        calls.openat(-100, "text", 0, 0) + calls.openat(-100, b"bytes", 0, 0),
        calls.mount("none", "/mnt", "tmpfs", 0, None),
        calls.ioctl(fd, 0x5413, ctypes.create_string_buffer(8)),
        calls.prctl(15, b"name", 0, 0, 0),
        calls.sched_getattr(0, uattr=attr, usize=attr.size, flags=0),
        calls.pread64(fd, buffer, 1, pos=1 << 40),
        calls.numbers()["getpid"],
    ]


names: tuple[str, ...] = calls.all_names()
how: bytes = OpenHow.unpack(bytes(24)).pack()
where = CachestatRange(off=0, len=0)
"""

# Each line is wrong in one way.
BAD = """\
from syscraft import calls
from syscraft.runtime.structs import OpenHow
calls.openat2(dirfd=0, filename="a", how=None, usize=0)  # Unexpected keyword argument "dirfd"
calls.getppid(1)  # Too many arguments
calls.read(0, bytearray(1))  # Missing positional argument "count"
calls.read(0, "text", 4)  # incompatible type "str"
calls.read(0, bytearray(1), b"1")  # incompatible type "bytes"
calls.close(1.5)  # incompatible type "float"
calls.no_such_call()  # Module has no attribute "no_such_call"
OpenHow(flag=1)  # Unexpected keyword argument "flag"
OpenHow(flags="r")  # incompatible type "str"
OpenHow().flags = None  # Incompatible types in assignment
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], str]:
    """What mypy says of both programs: (file, line) -> message."""
    folder = tmp_path_factory.mktemp("typed")
    (folder / "good.py").write_text(GOOD)
    (folder / "bad.py").write_text(BAD)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--python-version=3.11", "--no-pretty",
         "--cache-dir", folder / "cache", folder / "good.py", folder / "bad.py"],
        capture_output=True, text=True, check=False, cwd=folder,
    )  # fmt: skip
    assert "errors in 1 file (checked 2 source files)" in done.stdout, done.stdout + done.stderr
    pattern = r"^(?:.*/)?(\w+\.py|\w+\.pyi):(\d+): error: (.*)"
    return {(m[1], int(m[2])): m[3] for m in re.finditer(pattern, done.stdout, re.MULTILINE)}


def test_a_program_that_uses_calls_is_typed(said: dict[tuple[str, int], str]) -> None:
    assert {place: text for place, text in said.items() if place[0] != "bad.py"} == {}


def test_mistakes_are_found(said: dict[tuple[str, int], str]) -> None:
    expected = {
        ("bad.py", number): line.split("# ")[1]
        for number, line in enumerate(BAD.splitlines(), 1)
        if "# " in line
    }
    assert set(said) == set(expected)
    for place, text in expected.items():
        assert text in said[place]


def test_the_stub_has_every_call_with_the_parameters_of_this_abi() -> None:
    found: dict[str, list[tuple[str, ...]]] = {}
    for name, listed in re.findall(r"^def (\w+)\(([^)]*)\) ->", STUB.read_text(), re.MULTILINE):
        parameters = re.findall(r"(\w+): ", listed)
        found.setdefault(name, []).append(tuple(parameters))
    for name in calls.numbers():
        call = getattr(calls, name)
        if "no such call any more" in call.__doc__:
            continue
        assert name in found
        assert name in REFUSED or call.params in found[name]


@pytest.mark.parametrize("arguments", [["check"], ["format", "--check"]], ids=" ".join)
def test_the_stub_is_formatted(arguments: list[str]) -> None:
    ruff = Path(sys.executable).parent / "ruff"
    done = subprocess.run(
        [ruff, *arguments, "--config", REPOSITORY / "pyproject.toml", STUB],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
