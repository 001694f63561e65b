"""spawn(): limits, privileges, scheduling, places; each said, each failing, nothing left."""

from __future__ import annotations

import os
import resource
import select
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from runtime.core_support import nothing_left, numbers, run_python
from runtime.test_spawn import needs_root, output_of, status_of
from runtime.test_spawn_failures import FORKS, failure_of
from syscraft.runtime import _core
from syscraft.runtime.attributes import NO_RIGHT_TO_MAP
from syscraft.runtime.namespaces import NAMESPACES, STEPS
from syscraft.runtime.spawn import spawn

HOW = pytest.mark.parametrize("how", FORKS, ids=["vfork", "fork"])


@HOW
def test_limits(how: Any) -> None:
    limits: dict[int, Any] = {resource.RLIMIT_NOFILE: (100, 200), resource.RLIMIT_CORE: 0}
    rows = output_of(["cat", "/proc/self/limits"], limits=limits, **how).splitlines()
    found = {row[:25].strip(): row[25:].split()[:2] for row in rows}
    assert found["Max open files"] == ["100", "200"]
    assert found["Max core file size"] == ["0", "0"]
    unlimited = {resource.RLIMIT_CPU: (7, resource.getrlimit(resource.RLIMIT_CPU)[1])}
    assert output_of(["sh", "-c", "ulimit -t"], limits=unlimited) == "7\n"


@HOW
def test_a_low_limit_does_not_hinder_what_spawn_does(how: Any, tmp_path: Path) -> None:
    with (tmp_path / "file").open("w+") as file:
        text = output_of(
            ["ls", "/proc/self/fd"], fds={300: file}, limits={resource.RLIMIT_NOFILE: 10}, **how
        )
    assert "300" in text.split()


@HOW
def test_no_new_privileges(how: Any) -> None:
    assert status_of(no_new_privs=True, **how)["NoNewPrivs"] == "1"
    assert status_of(**how)["NoNewPrivs"] == "0"


@HOW
def test_processors(how: Any) -> None:
    own = min(os.sched_getaffinity(0))
    assert status_of(affinity=[own], **how)["Cpus_allowed_list"] == str(own)


@HOW
def test_scheduling_policy(how: Any) -> None:
    script = "import os; print(os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0))"
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    wanted = min(nice + 3, 19)
    for scheduler in (os.SCHED_BATCH, (os.SCHED_BATCH, 0)):
        text = output_of([sys.executable, "-c", script], scheduler=scheduler, nice=wanted, **how)
        assert text == f"{os.SCHED_BATCH} {wanted}\n"


@needs_root
@HOW
@pytest.mark.parametrize(
    ("wanted", "mask"), [((), 0), (("chown", "CAP_KILL", 13), 1 << 0 | 1 << 5 | 1 << 13)]
)
def test_capabilities(wanted: Any, mask: int, how: Any) -> None:
    """The program's, and whatever a root user's program would get by being executed."""
    status = status_of(capabilities=wanted, **how)
    assert {int(status[f"Cap{name}"], 16) for name in ("Prm", "Eff", "Inh", "Amb", "Bnd")} == {mask}
    status = status_of(capabilities=wanted, uid=65534, gid=65534, **how)
    assert {int(status[f"Cap{name}"], 16) for name in ("Prm", "Eff", "Inh", "Amb")} == {mask}
    assert status["Uid"].split() == ["65534"] * 4


@needs_root
@HOW
def test_root(how: Any, tmp_path: Path) -> None:
    assert output_of(["pwd"], root="/", **how) == "/\n"
    assert output_of(["pwd"], root="/", cwd="tmp", **how) == "/tmp\n"
    assert failure_of(["/bin/true"], root=tmp_path, **how).filename == "/bin/true"  # not in there


@needs_root
@HOW
def test_joined_namespaces(how: Any) -> None:
    with spawn(["sleep", "60"], namespaces=["net", "uts"]) as other:
        try:
            paths = [f"/proc/{other.pid}/ns/{kind}" for kind in ("net", "uts")]
            wanted = "".join(f"{os.readlink(path)}\n" for path in paths)
            script = "readlink /proc/self/ns/net /proc/self/ns/uts"
            assert output_of(["sh", "-c", script], join=paths, **how) == wanted
            fds = [os.open(path, os.O_RDONLY) for path in paths]
            assert output_of(["sh", "-c", script], join=fds, **how) == wanted
            for fd in fds:
                os.close(fd)
        finally:
            other.kill()


def test_id_maps() -> None:
    script = "id -u; id -g; cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups"
    text = output_of(
        ["sh", "-c", script], namespaces=["user"],
        uid_map=[(7, os.getuid(), 1)], gid_map=[(8, os.getgid(), 1)],
    )  # fmt: skip
    rows = [row.split() for row in text.splitlines()]
    uid, gid = str(os.getuid()), str(os.getgid())
    assert rows == [["7"], ["8"], ["7", uid, "1"], ["8", gid, "1"], ["deny"]]


ROWS = [(0, 65534, 1), (1, 100000, 65535)]
LOOK_AT_MAPS = "id -u; cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups"


@needs_root
@HOW
def test_id_maps_of_several_rows(how: Any) -> None:
    """The parent writes them, and the child takes its steps as one of those IDs."""
    keywords: dict[str, Any] = {"namespaces": [] if how else ["user"], **how}
    if how:
        keywords["how"] = lambda flags: _core.fork_call(
            numbers()["clone"], flags | NAMESPACES["user"], 0, 0, 0, 0
        )
    text = output_of(
        ["sh", "-c", LOOK_AT_MAPS], uid_map=ROWS, gid_map=[(0, 0, 1), (5, 7, 3)], uid=3, groups=[6],
        **keywords,
    )  # fmt: skip
    rows = [row.split() for row in text.splitlines()]
    assert rows[:3] == [["3"], *([str(number) for number in row] for row in ROWS)]
    assert rows[3:] == [["0", "0", "1"], ["5", "7", "3"], ["allow"]]


@needs_root
def test_who_may_not_map_several_ids_is_told() -> None:
    done = run_python(
        "import os, syscraft\n"
        "syscraft.spawn, syscraft.clone  # which another user may not load\n"
        "from syscraft.runtime.calls import prctl\n"
        "os.setuid(65534)\n"
        "prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE, or all in /proc is root's\n"
        f"for rows in ({ROWS}, [(0, 0, 1)]):\n"
        "    for start in (lambda **k: syscraft.spawn(['true'], **k),\n"
        "                  lambda **k: syscraft.clone(int, **k)):\n"
        "        try: start(namespaces=['user'], uid_map=rows)\n"
        "        except PermissionError as error: print(error.step, error.strerror)\n"
        "print(len(os.listdir('/proc/self/fd')))\n"
        "try: os.waitpid(-1, 0)\n"
        "except ChildProcessError: print('no child')\n"
    )
    assert done.stdout == f"id_maps {NO_RIGHT_TO_MAP}\n" * 4 + "4\nno child\n", done.stderr


@HOW
def test_controlling_terminal(how: Any) -> None:
    leader, follower = os.openpty()
    try:
        script = "ps -o tty= -p $$; read line < /dev/tty && echo $line"
        os.write(leader, b"typed\n")
        text = output_of(
            ["sh", "-c", script], setsid=True, terminal=follower, fds={0: follower}, **how
        )
        assert text.split() == [os.ttyname(follower).removeprefix("/dev/"), "typed"]
    finally:
        os.close(leader)
        os.close(follower)
    with pytest.raises(ValueError, match="terminal: only who starts a session takes one"):
        spawn(["true"], terminal=0)


def ends_soon(pid: int) -> bool:
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([pidfd], [], [], 20)[0])
    finally:
        os.close(pidfd)


def test_signal_at_the_end_of_the_parent() -> None:
    code = (
        "import os, signal, syscraft\n"
        "child = syscraft.spawn(['sleep', '60'], death_signal=signal.SIGKILL, fds={1: None})\n"
        "print(child.pid, flush=True)\n"
        "os._exit(0)\n"
    )
    done = run_python(code)
    assert done.returncode == 0, done.stderr
    assert ends_soon(int(done.stdout))


@HOW
@pytest.mark.parametrize(
    ("keywords", "step"),
    [
        ({"limits": {99: 1}}, "limits"),
        ({"limits": {resource.RLIMIT_NOFILE: (200, 100)}}, "limits"),
        ({"affinity": [0xFFFF]}, "affinity"),
        ({"affinity": []}, "affinity"),
        ({"scheduler": 99}, "scheduler"),
        ({"scheduler": (os.SCHED_OTHER, 5)}, "scheduler"),
        ({"root": "/no/such"}, "root"),
        ({"join": ["/no/such"]}, "join"),
        ({"join": [0]}, "join"),
        ({"uid_map": [(0, 1, 1)]}, "id_maps"),
        ({"uid_map": [(0, os.geteuid(), 1)]}, "id_maps"),
        ({"gid_map": [(0, 1, 1), (0, 1, 1)]}, "id_maps"),
        ({"terminal": 99, "setsid": True}, "terminal"),
        ({"capabilities": [63]}, "capabilities"),
        ({"death_signal": 64, "uid_map": [(0, 1, 1)]}, "id_maps"),
    ],
)
def test_step_that_fails(keywords: dict[str, Any], step: str, how: Any) -> None:
    assert failure_of(**keywords, **how).step == step  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("keywords", "kind", "message"),
    [
        ({"limits": {1: -2}}, ValueError, r"limits\[1\] is -2"),
        ({"limits": {"core": 1}}, TypeError, "a resource in limits is 'core'"),
        ({"capabilities": "chown"}, TypeError, "capabilities is 'chown': expected several"),
        ({"capabilities": ["chwon"]}, ValueError, "capabilities: there is no 'chwon'"),
        ({"join": "/proc/1/ns/net"}, TypeError, "join is '/proc/1/ns/net': expected several"),
        ({"death_signal": 99}, ValueError, "death_signal is 99"),
        ({"uid_map": [(0, 1)]}, ValueError, r"uid_map has \(0, 1\): expected \(ID inside"),
        ({"gid_map": []}, ValueError, "gid_map has no row: expected"),
        ({"gid_map": [(0, -1, 1)]}, ValueError, "a number in gid_map is -1"),
        ({"affinity": [-1]}, ValueError, "a processor in affinity is -1"),
        ({"root": "a\0b"}, ValueError, "root has a null character inside"),
    ],
)
def test_what_no_child_can_be_given(
    keywords: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with nothing_left(), pytest.raises(kind, match=message):
        spawn(["true"], **keywords)


def test_every_step_says_what_it_is() -> None:
    assert set(_core.spawn_names()[0]) == set(STEPS)


def test_signals_stay_as_they_are() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    failure_of(limits={99: 1})
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before
