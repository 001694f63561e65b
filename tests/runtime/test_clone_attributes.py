"""clone(): what the child is given before Python code runs in it, and steps that fail."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from runtime.core_support import nothing_left, numbers, run_python
from runtime.test_spawn import needs_root
from runtime.test_spawn_attributes import ROWS, ends_soon
from runtime.test_spawn_failures import failure_of
from syscraft.runtime import _core
from syscraft.runtime.attributes import NOTHING, Attributes
from syscraft.runtime.clone import clone
from syscraft.runtime.namespaces import STEPS
from syscraft.runtime.spawn import spawn

# os.fork() words it in another way than clone().
pytestmark = pytest.mark.filterwarnings("ignore:.*(multi-threaded|several threads)")


def forked(flags: int) -> int:
    """As generated modules make their children."""
    return _core.fork_call(numbers()["clone"], flags, 0, 0, 0, 0)


WAYS: dict[str, dict[str, Any]] = {
    "clone3": {},
    "variant": {"how": forked},
    "os.fork": {"how": lambda flags: os.fork()},
}
HOW = pytest.mark.parametrize("how", WAYS.values(), ids=WAYS)


def seen_by(look: Callable[[], Any], **keywords: Any) -> Any:
    """What the child finds."""
    read, write = os.pipe()

    def tell() -> None:
        os.write(write, json.dumps(look()).encode())

    with clone(tell, **keywords) as child:
        os.close(write)
        with open(read) as pipe:
            found = json.load(pipe)
        assert child.wait(30) == 0
    return found


def status_of(**keywords: Any) -> dict[str, str]:
    text = seen_by(Path("/proc/self/status").read_text, **keywords)
    return dict(row.split(":\t", 1) for row in text.splitlines())


def test_it_takes_what_spawn_takes() -> None:
    """By the same names, with the same meaning of none."""
    ours, theirs = signature(clone).parameters, signature(spawn).parameters
    for name, value in vars(Attributes()).items():
        assert ours[name] == theirs[name]
        assert ours[name].default == value
    assert tuple(vars(Attributes()).values()) == NOTHING


@pytest.mark.parametrize("way", ["clone3", "variant"])
def test_limits_come_before_any_python_code(way: str) -> None:
    """But for functions that make a child in a way of their own."""
    found: list[int] = []
    os.register_at_fork(
        after_in_child=lambda: found.append(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    )
    limits = {resource.RLIMIT_NOFILE: (100, 200)}
    assert seen_by(lambda: found[:1], limits=limits, **WAYS[way]) == [100]
    assert seen_by(lambda: resource.getrlimit(resource.RLIMIT_NOFILE), limits=limits) == [100, 200]


@HOW
def test_scheduling_and_privileges(how: Any) -> None:
    own = min(os.sched_getaffinity(0))
    status = status_of(no_new_privs=True, affinity=[own], umask=0o31, **how)
    assert (status["NoNewPrivs"], status["Cpus_allowed_list"]) == ("1", str(own))
    assert status["Umask"] == "0031"
    nice = min(os.getpriority(os.PRIO_PROCESS, 0) + 3, 19)
    found = seen_by(
        lambda: [os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0)],
        scheduler=os.SCHED_BATCH, nice=nice, **how,
    )  # fmt: skip
    assert found == [os.SCHED_BATCH, nice]


@HOW
def test_session_group_and_folder(how: Any) -> None:
    def look() -> list[Any]:
        own = os.getpid()
        return [os.getsid(0) == own, os.getpgid(0) == own, os.getcwd()]

    assert seen_by(look, setsid=True, cwd="/tmp", **how) == [True, True, "/tmp"]
    assert seen_by(look, process_group=0, **how) == [False, True, os.getcwd()]


@HOW
def test_controlling_terminal(how: Any) -> None:
    leader, follower = os.openpty()
    name = os.ttyname(follower)
    try:
        assert seen_by(
            lambda: os.ttyname(os.open("/dev/tty", os.O_RDWR)) in (name, "/dev/tty")
            and os.tcgetpgrp(follower) == os.getpid(),
            setsid=True, terminal=follower, **how,
        )  # fmt: skip
    finally:
        os.close(leader)
        os.close(follower)
    with pytest.raises(ValueError, match="terminal: only who starts a session takes one"):
        clone(int, terminal=0)


@needs_root
@HOW
def test_ids_and_capabilities(how: Any) -> None:
    keywords: dict[str, Any] = {"uid": 65534, "gid": 65533, "groups": [7, 8]}
    status = status_of(capabilities=["chown", 5], **keywords, **how)
    assert {int(status[f"Cap{name}"], 16) for name in ("Prm", "Eff", "Inh", "Amb")} == {0b100001}
    assert (status["Uid"].split(), status["Gid"].split()) == (["65534"] * 4, ["65533"] * 4)
    assert status["Groups"].split() == ["7", "8"]
    status = status_of(capabilities=(), **how)
    assert {int(status[f"Cap{name}"], 16) for name in ("Prm", "Eff", "Inh", "Amb", "Bnd")} == {0}


@needs_root
@HOW
def test_root(how: Any, tmp_path: Path) -> None:
    (tmp_path / "inside").touch()
    assert seen_by(lambda: os.listdir("/"), root=tmp_path, **how) == ["inside"]
    assert failure_of_clone(root="/no/such", **how).filename == "/no/such"


@needs_root
@HOW
def test_joined_namespaces(how: Any) -> None:
    with clone(signal.pause, namespaces=["net", "uts"]) as other:
        try:
            paths = [f"/proc/{other.pid}/ns/{kind}" for kind in ("net", "uts")]
            wanted = [os.readlink(path) for path in paths]
            found = seen_by(
                lambda: [os.readlink(f"/proc/self/ns/{kind}") for kind in ("net", "uts")],
                join=paths, **how,
            )  # fmt: skip
            assert found == wanted
        finally:
            other.kill()


def test_id_maps() -> None:
    for how in ({}, {"how": forked}):
        found = seen_by(
            lambda: [
                os.getuid(), os.getgid(), Path("/proc/self/setgroups").read_text().strip(),
            ],
            namespaces=["user"], uid_map=[(7, os.getuid(), 1)], gid_map=[(8, os.getgid(), 1)],
            **how,  # type: ignore[arg-type]
        )  # fmt: skip
        assert found == [7, 8, "deny"]


@needs_root
@pytest.mark.parametrize("way", ["clone3", "variant"])
def test_id_maps_of_several_rows(way: str) -> None:
    found = seen_by(
        lambda: [Path("/proc/self/uid_map").read_text().split(), os.getresuid(), os.getgroups()],
        namespaces=["user"], uid_map=ROWS, gid_map=[(0, 0, 1), (5, 7, 3)], uid=3, groups=[6],
        **WAYS[way],
    )  # fmt: skip
    assert found == [[str(number) for row in ROWS for number in row], [3, 3, 3], [6]]


def test_signal_at_the_end_of_the_parent() -> None:
    code = (
        "import os, signal, syscraft\n"
        "child = syscraft.clone(signal.pause, death_signal=signal.SIGKILL)\n"
        "print(child.pid, flush=True)\n"
        "os._exit(0)\n"
    )
    done = run_python(code)  # which ends when the child, too, has closed the output
    assert done.returncode == 0, done.stderr
    assert ends_soon(int(done.stdout))


@HOW
def test_the_child_goes_on_with_the_parents_signals_and_descriptors(how: Any) -> None:
    def look() -> list[Any]:
        return [sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])), os.listdir("/proc/self/fd")]

    old = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
    try:
        plain, stepped = seen_by(look, **how), seen_by(look, umask=0o22, **how)
        assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == old | {signal.SIGUSR2}
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, old)
    assert stepped == plain


@HOW
def test_it_returns_twice_with_steps(how: Any) -> None:
    with nothing_left():
        child = clone(umask=0o12, **how)
        if child is None:
            os._exit(os.umask(0))
        with child:
            assert child.wait() == 0o12


@pytest.mark.parametrize("way", ["clone3", "variant"])
def test_steps_are_taken_once(way: str) -> None:
    """A map can be written only once."""
    with nothing_left():
        child = clone(namespaces=["user"], uid_map=[(0, os.geteuid(), 1)], **WAYS[way])
        if child is None:
            os._exit(os.getuid() + 5)
        with child:
            assert child.wait() == 5


def failure_of_clone(**keywords: Any) -> OSError:
    read, write = os.pipe()
    with nothing_left(), pytest.raises(OSError) as caught:
        clone(os.write, write, b"the child went on", **keywords)
    os.close(write)
    with open(read) as pipe:
        assert pipe.read() == ""
    step: str = caught.value.step  # type: ignore[attr-defined]
    assert caught.value.__notes__ == [f"failed in {STEPS[step]}; there is no child"]
    return caught.value


FAILING: list[tuple[dict[str, Any], str]] = [
    ({"limits": {99: 1}}, "limits"),
    ({"limits": {resource.RLIMIT_NOFILE: (200, 100)}}, "limits"),
    ({"affinity": []}, "affinity"),
    ({"scheduler": (os.SCHED_OTHER, 5)}, "scheduler"),
    ({"root": "/no/such"}, "root"),
    ({"cwd": "/no/such"}, "cwd"),
    ({"cwd": 99}, "cwd"),
    ({"join": ["/no/such"]}, "join"),
    ({"join": [0]}, "join"),
    ({"uid_map": [(0, 1, 1)]}, "id_maps"),
    ({"uid_map": [(0, os.geteuid(), 1)]}, "id_maps"),
    ({"gid_map": [(0, 1, 1), (0, 1, 1)]}, "id_maps"),
    ({"terminal": 99, "setsid": True}, "terminal"),
    ({"process_group": 2**30}, "process_group"),
    ({"capabilities": [63]}, "capabilities"),
]


@HOW
@pytest.mark.parametrize(("keywords", "step"), FAILING)
def test_step_that_fails(keywords: dict[str, Any], step: str, how: Any) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    error = failure_of_clone(**keywords, **how)
    assert error.step == step  # type: ignore[attr-defined]
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before
    of_spawn = failure_of(**keywords)
    assert (error.errno, error.filename) == (of_spawn.errno, of_spawn.filename)


def test_the_call_itself_is_a_step_that_fails() -> None:
    error = failure_of_clone(set_tid=os.getpid())
    assert (error.errno, error.step) == (errno.EEXIST, "clone")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"flags": 0x400, "umask": 0}, "CLONE_FILES: a child that shares our descriptors"),
        ({"flags": 0x200, "root": "/"}, "CLONE_FS: root= would be this process's as well"),
        ({"flags": 0x200, "cwd": "/"}, "CLONE_FS: cwd= would be"),
        ({"flags": 0x200, "umask": 0}, "CLONE_FS: umask= would be"),
        ({"umask": 0o1000}, "umask is 512: expected 0 to 511"),
        ({"nice": 20}, "nice is 20: expected -20 to 19"),
    ],
)
def test_what_no_child_can_be_given(keywords: dict[str, Any], message: str) -> None:
    with nothing_left(), pytest.raises(ValueError, match=message):
        clone(int, **keywords)


def test_a_variant_gets_what_it_has_parameters_for() -> None:
    given = []

    def clone_nice(flags: int, nice: int) -> int:
        given.append(nice)
        return forked(flags)

    mine = os.getpriority(os.PRIO_PROCESS, 0)
    found = seen_by(
        lambda: [os.getpriority(os.PRIO_PROCESS, 0), os.umask(0)],
        how=clone_nice, nice=7, umask=0o13,
    )  # fmt: skip
    assert (given, found) == ([7], [mine, 0o13])


@HOW
def test_no_descriptor_left_for_the_steps(how: Any) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with nothing_left():
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            with pytest.raises(OSError) as caught:
                clone(int, umask=0, pidfd=False, **how)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (caught.value.errno, caught.value.step) == (errno.EMFILE, "clone")  # type: ignore[attr-defined]


RAISING = """
import os, signal, sys, threading
from runtime.core_support import nothing_left
from runtime.test_clone_attributes import WAYS
from syscraft.runtime.child import dropped, reap_dropped
from syscraft.runtime.clone import clone

class Raised(Exception):
    pass

def handler(number, frame):
    global armed
    if armed:
        armed = False
        raise Raised

def busy():
    while not stop.is_set():
        sum(range(100))

way = WAYS[sys.argv[1]]
clone(int, **way).wait()  # what it imports should be there
stop = threading.Event()
thread = threading.Thread(target=busy)
signal.signal(signal.SIGALRM, handler)
ends = []
with nothing_left():
    thread.start()
    for index in range(80):
        child = None
        armed = True
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.0001 * (index % 16 + 1))
            step = {"limits": {99: 1}} if index % 2 else {"umask": 0}
            child = clone(int, **step, **way)
            armed = False
        except (Raised, OSError):
            pass
        armed = False
        if child is not None:
            ends.append(child.wait(30))
            child.close()
    stop.set()
    thread.join()
    while dropped:  # the signal came when there was a child, but no name for it yet
        reap_dropped()
print(set(ends))
"""


@pytest.mark.parametrize("way", ["clone3", "variant"])
def test_busy_threads_and_raising_handlers_leave_nothing(way: str) -> None:
    """In a process of its own: Python's hooks may be what is interrupted."""
    done = run_python(RAISING.replace("sys.argv[1]", repr(way)), "-W", "ignore")
    assert done.stdout == "{0}\n", done.stderr
