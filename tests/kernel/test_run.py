"""syscraft run: a command's status, output and input go through; writes do not."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
from pathlib import Path

import pytest
from conftest import REPOSITORY, Syscraft, command

from kernel.examples import EXAMPLES


@pytest.mark.parametrize("status", [0, 1, 7, 255])
def test_exit_status(status: int, syscraft: Syscraft) -> None:
    assert syscraft("run", *EXAMPLES, "--", "sh", "-c", f"exit {status}").returncode == status


def test_death_by_signal(syscraft: Syscraft) -> None:
    assert syscraft("run", *EXAMPLES, "--", "sh", "-c", "kill -TERM $$").returncode == 128 + 15


def test_command_that_is_not_there(syscraft: Syscraft) -> None:
    done = syscraft("run", *EXAMPLES, "--", "no-such-command-anywhere")
    assert done.returncode == 127
    assert "no-such-command-anywhere" in done.stderr


def test_command_that_is_no_program(syscraft: Syscraft, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert syscraft("run", *EXAMPLES, "--", file).returncode == 126


def test_output_and_error_stay_apart(syscraft: Syscraft) -> None:
    done = syscraft("--quiet", "run", *EXAMPLES, "--", "sh", "-c", "echo out; echo err >&2")
    assert (done.stdout, done.stderr) == ("out\n", "err\n")


def test_standard_input_arrives_whole() -> None:
    data = bytes(range(256)) * 1024  # every byte, more than any buffer on the way
    done = subprocess.run(
        command("--quiet", "run", *EXAMPLES, "--", "cat"),
        input=data,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout == data


def test_output_that_nobody_reads_any_more() -> None:
    """As in "syscraft run ... | head -1": no word of a kernel that died."""
    argv = command("--quiet", "run", *EXAMPLES, "--", "sh", "-c", "while :; do echo x; done")
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == b"x\n"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 128 + 13


def test_input_that_nobody_reads(syscraft: Syscraft) -> None:
    done = syscraft("run", *EXAMPLES, "--", "true", input="x" * 200_000)
    assert done.returncode == 0


def test_the_kernel_is_the_new_one(syscraft: Syscraft) -> None:
    host = subprocess.run(["uname", "-r"], capture_output=True, text=True, check=True).stdout
    guest = syscraft("run", *EXAMPLES, "--", "uname", "-r").stdout
    assert guest.startswith("6.12")
    assert guest != host


def test_writes_never_reach_the_host(syscraft: Syscraft, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text("host")
    script = f"echo guest > {kept}; rm -rf {REPOSITORY}/examples; touch {tmp_path}/new; cat {kept}"
    done = syscraft("run", *EXAMPLES, "--", "sh", "-c", script)
    assert done.stdout == "guest\n"
    assert kept.read_text() == "host"
    assert (REPOSITORY / "examples" / "splork" / "splork.toml").exists()
    assert not (tmp_path / "new").exists()


def test_deadline(syscraft: Syscraft) -> None:
    done = syscraft("run", *EXAMPLES, "--timeout", "1", "--", "sleep", "60", timeout=60)
    assert done.returncode not in (0, 1)
    assert "1" in done.stderr


def test_a_command_cannot_tell_its_own_end(syscraft: Syscraft) -> None:
    """It is root, and the line is a device like any other."""
    ended_well = r"printf 'Q\022\0\0\0\0\0................' > /dev/ttyS0; sleep 60"
    done = syscraft("run", *EXAMPLES, "--", "sh", "-c", ended_well, timeout=60)
    assert done.returncode == 3
    assert "a command pretends to be the guest's first program" in done.stderr


def test_a_guest_that_restarts(syscraft: Syscraft) -> None:
    restart = "import ctypes, time; ctypes.CDLL(None).reboot(0x1234567); time.sleep(60)"
    done = syscraft("run", *EXAMPLES, "--", "python3", "-c", restart, timeout=60)
    assert done.returncode == 125
    assert "the guest restarted" in done.stderr


def test_the_windows_new_size_arrives() -> None:
    script = "trap 'stty size; exit 7' WINCH; echo ready; while :; do sleep 0.1; done"
    child, terminal = pty.fork()
    if child == 0:
        argv = command("--quiet", "run", *EXAMPLES, "--", "sh", "-c", script)
        os.execve(argv[0], argv, {**os.environ, "TERM": "dumb"})
    told = b""
    while b"ready" not in told:
        told += os.read(terminal, 100)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 111, 0, 0))
    while b"33 111" not in told:
        told += os.read(terminal, 100)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_environment_and_folder_are_the_callers(syscraft: Syscraft, tmp_path: Path) -> None:
    done = syscraft(
        "run", *EXAMPLES, "--", "sh", "-c", 'echo "$COLOUR" $(pwd)',
        cwd=tmp_path, env={"COLOUR": "deep blue"},
    )  # fmt: skip
    assert done.stdout == f"deep blue {tmp_path}\n"
