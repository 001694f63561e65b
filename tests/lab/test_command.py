"""A command in a guest: which ones it takes, and what is said of a guest that fails."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from conftest import need_tool

from syscraft.errors import UsageError
from syscraft.guest.base import Ready
from syscraft.guest.discover import all_guests, find_guest
from syscraft.guest.host import host_abi
from syscraft.guest.session import Booted
from syscraft.lab.command import check_command, run_command

BARE = next(g for g in all_guests() if not g.has.host_files and host_abi().key not in g.abis)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A static and a dynamic program of this machine."""
    folder = tmp_path_factory.mktemp("programs")
    need_tool("gcc")
    (folder / "a.c").write_text("int main(void) { return 0; }\n")
    for name, flags in (("static", ["-static"]), ("dynamic", [])):
        subprocess.run(["gcc", *flags, folder / "a.c", "-o", folder / name], check=True)
    (folder / "script").write_text("#!/bin/sh\n")
    return folder


def refusal(guest: str, program: Path) -> str:
    with pytest.raises(UsageError) as refused:
        check_command(find_guest(guest), str(program))
    assert str(program) in str(refused.value)
    return str(refused.value)


def test_any_command_where_this_machines_files_are() -> None:
    check_command(find_guest("uml"), "no-such-command")  # the guest's shell will say so


def test_missing_program(tmp_path: Path) -> None:
    assert "no such file" in refusal(BARE.key, tmp_path / "nothing")


def test_script(programs: Path) -> None:
    assert "not an ELF program" in refusal(BARE.key, programs / "script")


def test_program_of_another_abi(programs: Path) -> None:
    told = refusal(BARE.key, programs / "static")
    assert "cannot run programs of this ABI" in told
    assert " or ".join(BARE.abis) in told


def test_dynamic_program(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guest = next(g for g in all_guests() if host_abi().key in g.abis and not g.quick)
    monkeypatch.setattr(guest, "has", BARE.has)  # as on another host
    check_command(guest, str(programs / "static"))
    told = refusal(guest.key, programs / "dynamic")
    assert "has no shared libraries" in told
    assert "-static" in told
    assert "ld-linux" in told


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo last words; exit 1", "ended before it was up; last console output:\nlast words"),
        ("exit 1", "ended before it was up; last console output:\nnothing"),
        ("echo last words; sleep 60", "did not boot in time; last console output:\nlast words"),
        ("sleep 60", "did not boot in time; last console output:\nnothing"),
        ("echo Kernel panic - not syncing: no init", "the kernel did not boot:\nKernel panic"),
    ],
)
def test_guest_that_does_not_come_up(
    script: str, words: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    ready = Ready("", lambda files: Booted(lambda wires: ["sh", "-c", script], deadline_s=0.7))
    assert run_command(find_guest("uml"), ready, ["true"], tmp_path) == 125
    assert words in capfd.readouterr().err


# A guest that is a script, and tells each size that its terminal has.
TELLS_SIZES = r"""
import os, struct, sys
line = int(sys.argv[1])
def hear():
    head = b""
    while len(head) < 5:
        head += os.read(line, 5 - len(head))
    return head[:1], os.read(line, int.from_bytes(head[1:], "little"))
def say(kind, data=b""):
    os.write(line, kind + len(data).to_bytes(4, "little") + data)
try:
    open("/dev/tty")
    sys.exit("the guest's process could type for the user")
except OSError:
    say(b"B")
kind, data = hear()
say(b"R")
say(b"O", b"%d %d\n" % struct.unpack_from("<HH", data, 1))
kind, token = hear()
for _ in range(2):
    kind, data = hear()
    say(b"O", b"%d %d\n" % struct.unpack("<HH", data))
say(b"Q", bytes(2) + token)
"""
RUNS_THAT = f"""
import sys
from pathlib import Path
from syscraft.guest.base import Ready
from syscraft.guest.discover import find_guest
from syscraft.guest.session import Booted
from syscraft.lab.command import run_command
command = lambda wires: [sys.executable, "-c", {TELLS_SIZES!r}, str(wires.line)]
ready = Ready("", lambda files: Booted(command))
sys.stdin.readline()
sys.exit(run_command(find_guest("uml"), ready, ["true"], Path("/"), terminal=True))
"""


def test_the_windows_size_goes_on_to_the_guest() -> None:
    need_tool("bwrap")
    child, terminal = pty.fork()
    if child == 0:
        os.execve(sys.executable, [sys.executable, "-c", RUNS_THAT], {"PATH": os.environ["PATH"]})
    sizes = [(24, 80), (30, 100), (50, 132)]
    told = b""
    deadline = time.monotonic() + 30
    for number, size in enumerate(sizes):
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        if number == 0:
            os.write(terminal, b"begin\n")
        wanted = b"%d %d" % size
        while wanted not in told:
            left_s = max(0.0, deadline - time.monotonic())
            assert select.select([terminal], [], [], left_s)[0], told
            told += os.read(terminal, 100)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, told
