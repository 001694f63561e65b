"""What a guest's process can do to this machine: nothing, even if it is all the attacker's own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from bystander import NOBODY, bystander
from conftest import need_tool

from syscraft.errors import EnvironmentLacks, UsageError
from syscraft.guest import sandbox
from syscraft.guest.sandbox import check_confinement, confined, opened
from syscraft.guest.session import Booted

USERS = [os.geteuid(), *([NOBODY] if os.geteuid() == 0 else [])]


# KVM_CREATE_VM and KVM_GET_API_VERSION, which answers 12 on every kernel.
# Source: include/uapi/linux/kvm.h, Linux 6.12
KVM_VERSION = """
import fcntl, os
try:
    kvm = os.open("/dev/kvm", os.O_RDWR)
except FileNotFoundError:
    print("none")
else:
    os.close(fcntl.ioctl(kvm, 0xAE01, 0))
    print(fcntl.ioctl(kvm, 0xAE00, 0))
"""


def run_confined(
    argv: list[str], user: int | None = None, devices: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    with _effective(user), confined(devices) as place:
        return subprocess.run(
            [*place.before, *argv],
            pass_fds=place.descriptors,
            env=place.env,
            user=user if os.getuid() == 0 and user else None,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )


@contextlib.contextmanager
def _effective(user: int | None) -> Iterator[None]:
    """Let what is worked out here be for another user."""
    with pytest.MonkeyPatch.context() as patch:
        if user:
            patch.setattr(os, "geteuid", lambda: user)
        yield


@pytest.fixture(autouse=True)
def bubblewrap() -> None:
    need_tool("bwrap")


@pytest.mark.parametrize("user", USERS)
def test_nothing_is_left_to_an_attacker(user: int) -> None:
    with bystander(user) as other:
        done = run_confined(other.attack, user)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        other.check_unchanged()


def test_without_the_sandbox_everything_is_open() -> None:
    """The attacks are real; not as root, whose would be on this machine's mounts."""
    with bystander(USERS[-1]) as other, opened(unsafe=True):
        done = run_confined(other.attack, USERS[-1])
        tried = set(done.stdout.splitlines())
        assert tried >= {"write", "create", "link", "delete", "kill", "connect to a file"}
        with pytest.raises(AssertionError):
            other.check_unchanged()


def test_files_are_there_to_be_read(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("text")
    assert run_confined(["cat", str(tmp_path / "mine")]).stdout == "text"


def test_only_its_own_descriptors_processes_and_variables(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hush")
    with (tmp_path / "file").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        assert run_confined(["ls", "/proc/self/fd"]).stdout.split() == ["0", "1", "2", "3"]
    assert "hush" not in run_confined(["env"]).stdout
    processes = run_confined(["sh", "-c", "echo /proc/[0-9]*"]).stdout.split()
    assert len(processes) == 2


@pytest.mark.parametrize("kind", ["ipc", "mnt", "net", "pid"])
def test_namespaces_are_its_own(kind: str) -> None:
    inside = run_confined(["readlink", f"/proc/self/ns/{kind}"]).stdout.strip()
    assert inside.startswith(f"{kind}:[")
    assert inside != os.readlink(f"/proc/self/ns/{kind}")


@pytest.mark.parametrize("user", USERS)
def test_rights(user: int) -> None:
    """Root keeps one, CAP_DAC_OVERRIDE, to read what is others'."""
    status = run_confined(["cat", "/proc/self/status"], user).stdout
    words = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert int(words["CapEff"], 16) == (2 if user == 0 else 0)
    assert words["NoNewPrivs"] == "1"


def test_scratch_is_its_own_and_gone() -> None:
    name = f"syscraft-scratch-{os.getpid()}"
    with confined() as place:
        path = Path(place.scratch) / name
    assert run_confined(["sh", "-c", f"echo text > {path} && cat {path}"]).stdout == "text\n"
    assert not path.exists()
    with opened(unsafe=True), confined() as place:
        assert Path(place.scratch).is_dir()
    assert not Path(place.scratch).exists()


def test_a_folder_that_was_opened(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    with opened([tmp_path / "open"]):
        script = f"echo text > {tmp_path}/open/new; echo text > {tmp_path}/closed"
        done = run_confined(["sh", "-c", script])
    assert "Read-only file system" in done.stderr
    assert (tmp_path / "open" / "new").read_text() == "text\n"
    assert not (tmp_path / "closed").exists()


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("nothing-here", "found:    nothing"),
        ("", "a folder that exists"),
        ("/etc/passwd", "found:    a file"),
        ("/", "not the root folder"),
        ("/proc/self", "a folder outside of /dev, /proc, /sys"),
        ("/dev/shm", "a folder outside of /dev, /proc, /sys"),
    ],
)
def test_folders_that_cannot_be_opened(folder: str, words: str) -> None:
    with pytest.raises(UsageError, match=words), opened([folder]):
        pass


def test_a_machine_without_bubblewrap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentLacks, match=r"'bwrap' is missing.*(?s:.)*--unsafe"):
        check_confinement()
    with opened(unsafe=True):
        check_confinement()


def test_a_machine_that_forbids_namespaces(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As in a container without rights."""
    (tmp_path / "bwrap").write_text("#!/bin/sh\necho 'bwrap: No permissions' >&2; exit 1\n")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(EnvironmentLacks, match=r"bwrap: No permissions(?s:.)*--unsafe"):
        check_confinement()
    with (
        pytest.raises(EnvironmentLacks, match=r"bwrap: No permissions(?s:.)*--unsafe"),
        Booted(lambda wires: ["true"]),
    ):
        pass


def test_devices_that_a_guest_needs() -> None:
    """/dev/kvm, say: in the sandbox's own /dev, and nothing more of this machine's."""
    with confined(["/dev/kvm"]) as place:
        words = list(place.before)
    own = words.index("--dev")
    assert words[own + 1] == "/dev"
    assert words[own + 2 : own + 5] == ["--dev-bind-try", "/dev/kvm", "/dev/kvm"]
    with confined() as place:
        assert "--dev-bind-try" not in place.before


def test_kvm_can_be_used_in_the_sandbox() -> None:
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        pytest.skip("/dev/kvm cannot be opened here")
    for devices, version in (["/dev/kvm"], "12"), ([], "none"):
        done = run_confined([sys.executable, "-c", KVM_VERSION], devices=devices)
        assert done.stdout == f"{version}\n", done.stderr


def test_root_that_may_not_mount_tries_a_user_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(sandbox, "_may_mount", lambda: False)
    with confined() as place:
        assert "--unshare-user" in place.before
