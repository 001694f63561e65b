"""What a guest's commands find: this machine's files, and nothing of each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from kernel.machines import GUESTS_WITH_FILES as GUESTS
from kernel.machines import ready_guest
from syscraft.errors import LabError
from syscraft.guest.channel import End, Ended

Shell = Callable[[str], str]


@pytest.fixture(scope="module", params=GUESTS)
def shell(request: pytest.FixtureRequest) -> Iterator[Shell]:
    """Runs a shell's text as one command of a guest; returns what it printed."""
    with ready_guest(request.param).start() as session:

        def run(text: str) -> str:
            output = bytearray()
            end: End = session.run(
                ["sh", "-c", text], cwd="/", env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"},
                on_output=output.extend, on_error=output.extend, deadline_s=60,
            )  # fmt: skip
            assert (end.how, end.value) == (Ended.EXIT, 0), output.decode()
            return output.decode()

        yield run


@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm", "/etc", "/"])
def test_what_a_command_writes_is_gone_for_the_next(shell: Shell, folder: str) -> None:
    shell(f"echo text > {folder}/left-by-one")
    shell(f"test ! -e {folder}/left-by-one")


def test_what_a_command_mounts_is_gone_for_the_next(shell: Shell) -> None:
    before = shell("cat /proc/mounts")
    shell("mount -t tmpfs mine /mnt && touch /mnt/file")
    shell("test ! -e /mnt/file")
    assert shell("cat /proc/mounts") == before


def test_this_machines_python_runs(shell: Shell) -> None:
    assert shell("python3 -c 'print(6 * 7)'") == "42\n"


@pytest.mark.parametrize("option", ["mount", "uts", "ipc", "net", "pid --fork", "user", "cgroup"])
def test_namespaces(shell: Shell, option: str) -> None:
    assert shell(f"unshare --{option} echo there") == "there\n"


def test_a_namespace_of_the_network_has_its_own_devices(shell: Shell) -> None:
    assert "lo:" in shell("unshare --net cat /proc/net/dev")


def test_control_groups(shell: Shell) -> None:
    assert "pids" in shell("cat /sys/fs/cgroup/cgroup.controllers")
    shell("mkdir /sys/fs/cgroup/mine && echo $$ > /sys/fs/cgroup/mine/cgroup.procs")
    shell("rmdir /sys/fs/cgroup/mine")


def test_sysctl_and_the_kernels_own_configuration(shell: Shell) -> None:
    assert shell("cat /proc/sys/kernel/ns_last_pid").strip().isdigit()
    assert "CONFIG_CGROUPS=y" in shell("zcat /proc/config.gz")


def test_files_that_do_not_come_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A guest without the device for its files says so, and does not hang."""
    keys = [key for key in GUESTS if key != "uml"]
    if not keys:
        pytest.skip("no machine of QEMU runs this machine's programs")
    monkeypatch.setattr("syscraft.guest.qemu._host_files", lambda device: ())
    session = ready_guest(keys[0]).start()
    with pytest.raises(LabError, match="mount 9p on /lower: No such file"), session:
        pass
