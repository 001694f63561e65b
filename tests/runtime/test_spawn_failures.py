"""spawn() that fails: the exception says what and where, and nothing is left."""

from __future__ import annotations

import errno
import os
import resource
import signal
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runtime.core_support import nothing_left, run_python
from syscraft.runtime import _core
from syscraft.runtime.attributes import NO_RIGHT_TO_MAP, PLAIN
from syscraft.runtime.namespaces import NO_CGROUP, STEPS
from syscraft.runtime.spawn import spawn


def failure_of(argv: Any = ("true",), **keywords: Any) -> OSError:
    with nothing_left(), pytest.raises(OSError) as caught:
        spawn(argv, **keywords)
    step: str = caught.value.step  # type: ignore[attr-defined]
    assert caught.value.__notes__ == [f"failed in {STEPS[step]}; there is no child"]
    meant = {"cgroup": NO_CGROUP, "id_maps": NO_RIGHT_TO_MAP}.get(step)
    assert caught.value.strerror in (os.strerror(caught.value.errno or 0), meant)
    return caught.value


FORKS: list[dict[str, Any]] = [{}, {"how": lambda flags: os.fork()}]


@pytest.mark.parametrize("how", FORKS, ids=["vfork", "fork"])
@pytest.mark.parametrize(
    ("keywords", "kind", "step", "filename"),
    [
        ({"argv": ["/no/such"]}, FileNotFoundError, "exec", "/no/such"),
        ({"argv": ["no-such-program"]}, FileNotFoundError, "exec", "no-such-program"),
        ({"argv": [""]}, FileNotFoundError, "exec", ""),
        ({"argv": ["/tmp"]}, PermissionError, "exec", "/tmp"),
        ({"argv": ["/etc/passwd"]}, PermissionError, "exec", "/etc/passwd"),
        ({"argv": ["/etc/passwd/x"]}, NotADirectoryError, "exec", "/etc/passwd/x"),
        ({"executable": Path("/no/such")}, FileNotFoundError, "exec", "/no/such"),
        ({"argv": ["/proc/self/mem"]}, PermissionError, "exec", "/proc/self/mem"),
        ({"argv": ["/bin/true", "x" * 2**18]}, OSError, "exec", "/bin/true"),
        ({"cwd": "/no/such"}, FileNotFoundError, "cwd", "/no/such"),
        ({"cwd": Path("/etc/passwd")}, NotADirectoryError, "cwd", "/etc/passwd"),
        ({"cwd": 99}, OSError, "cwd", None),
        ({"fds": {5: 99}}, OSError, "fds", None),
        ({"fds": {99: 99}}, OSError, "fds", None),
        ({"fds": {2**30: 0}}, OSError, "fds", None),
        ({"process_group": 2**30}, PermissionError, "process_group", None),
        ({"cgroup": 99}, OSError, "cgroup", None),
    ],
)
def test_step_errno_and_file_name(
    keywords: dict[str, Any], kind: type[OSError], step: str, filename: str | None, how: Any
) -> None:
    error = failure_of(**keywords, **how)
    assert isinstance(error, kind)
    assert error.step == step  # type: ignore[attr-defined]
    assert error.filename == filename


def test_cgroup_that_is_none() -> None:
    error = failure_of(cgroup="/tmp")
    assert (error.errno, error.filename) == (errno.EBADF, "/tmp")
    assert "not the folder of a cgroup" in str(error)
    for path, kind in (("/no/such", FileNotFoundError), ("/etc/passwd", NotADirectoryError)):
        error = failure_of(cgroup=path)
        assert isinstance(error, kind)
        assert error.filename == path
    with pytest.raises(ValueError, match="cgroup: -1 is no file descriptor"):
        spawn(["true"], cgroup=-1)


@pytest.mark.skipif(os.getuid() != 0, reason="root may set IDs, others may not")
def test_steps_that_need_rights() -> None:
    """In a user namespace of its own the child is nobody, and may become nobody else."""
    for keywords, step in (
        ({"uid": 5}, "uid"),
        ({"gid": 5}, "gid"),
        ({"groups": [5]}, "groups"),
    ):
        error = failure_of(namespaces=["user"], **keywords)
        assert error.errno in (errno.EPERM, errno.EINVAL)
        assert error.step == step  # type: ignore[attr-defined]


def test_denied_candidate_says_more_than_missing_ones(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    (tmp_path / "a" / "tool").write_text("")
    path = f"{tmp_path}/a:{tmp_path}/b"
    assert isinstance(failure_of(["tool"], env={"PATH": path}), PermissionError)


@pytest.mark.parametrize(
    ("keywords", "kind", "message"),
    [
        ({"argv": "true"}, TypeError, r"expected a sequence.*write \['true'\]"),
        ({"argv": b"true"}, TypeError, "there is no shell that would split it"),
        ({"argv": []}, ValueError, "argv is empty"),
        ({"argv": 1}, TypeError, "not iterable"),
        ({"argv": ["true", 1]}, TypeError, r"argv\[1\] is 1: expected str, bytes or a path"),
        ({"argv": ["true", "a\0b"]}, ValueError, r"argv\[1\] has a null character inside"),
        ({"argv": ["true", "\ud800"]}, UnicodeEncodeError, "surrogates not allowed"),
        ({"executable": 1}, TypeError, "executable is 1: expected str"),
        ({"executable": "a\0"}, ValueError, "executable has a null character"),
        ({"cwd": "a\0"}, ValueError, "cwd has a null character"),
        ({"cwd": 1.5}, TypeError, "cwd is 1.5: expected str"),
        ({"cwd": -1}, ValueError, "cwd is -1: expected 0 to"),
        ({"env": 1}, TypeError, "env is 1: expected a mapping"),
        ({"env": {"a=b": "c"}}, ValueError, "env: 'a=b' is no name of a variable"),
        ({"env": {"": "c"}}, ValueError, "env: '' is no name of a variable"),
        ({"env": {"a": 1}}, TypeError, "a value in env is 1"),
        ({"env": {1: "a"}}, TypeError, "a name in env is 1"),
        ({"env": {"a": "b\0"}}, ValueError, "a value in env has a null character"),
        ({"fds": {-1: 0}}, ValueError, "a descriptor in fds is -1: expected 0 to"),
        ({"fds": {"1": 0}}, TypeError, "a descriptor in fds is '1': expected an integer"),
        ({"fds": {1: "x"}}, TypeError, r"fds\[1\] is 'x': expected a file descriptor"),
        ({"fds": {1: -1}}, ValueError, r"fds\[1\] is -1: expected 0 to"),
        ({"fds": {1: True}}, TypeError, r"fds\[1\] is True: expected a file descriptor"),
        ({"umask": 0o1000}, ValueError, "umask is 512: expected 0 to 511"),
        ({"nice": 20}, ValueError, "nice is 20: expected -20 to 19"),
        ({"nice": 1.5}, TypeError, "nice is 1.5: expected an integer"),
        ({"uid": -1}, ValueError, "uid is -1: expected 0 to"),
        ({"uid": 2**32 - 1}, ValueError, "uid is 4294967295: expected 0 to"),
        ({"uid": "no-such-user"}, KeyError, "no-such-user"),
        ({"gid": "no-such-group"}, KeyError, "no-such-group"),
        ({"gid": 2**32}, ValueError, "gid is 4294967296"),
        ({"groups": "tty"}, TypeError, r"expected several; write \('tty',\)"),
        ({"groups": [2**40]}, ValueError, "gid is"),
        ({"process_group": -1}, ValueError, "process_group is -1: expected 0 to"),
        ({"sigmask": [0]}, ValueError, "a signal in sigmask is 0: expected 1 to"),
        ({"sigmask": [65]}, ValueError, "a signal in sigmask is 65"),
        ({"namespaces": ["nett"]}, ValueError, "there is no kind 'nett'"),
        ({"splork": 1}, TypeError, "no argument is named 'splork'.*pass it as how="),
    ],
)
def test_arguments_that_no_child_can_be_given(
    keywords: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with nothing_left(), pytest.raises(kind, match=message):
        spawn(**{"argv": ["true"], **keywords})


@pytest.mark.parametrize(
    ("how", "kind", "message"),
    [
        (lambda flags: -5, ValueError, r"how\(\) returned -5: expected a process ID"),
        (lambda flags: "x", TypeError, "int"),
        (lambda flags: 1 / 0, ZeroDivisionError, "zero"),
        (lambda: 0, ValueError, r"how\(\) returned 0: expected a process ID"),
        (lambda other: 0, TypeError, r"how is <lambda>\(other\): missing a required argument"),
        (7, TypeError, "how is 7: expected a function that makes a child"),
    ],
)
def test_variant_that_fails(how: Any, kind: type[Exception], message: str) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with nothing_left(), pytest.raises(kind, match=message):
        spawn(["true"], how=how)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before


def test_core_checks_what_it_is_given() -> None:
    program = [["true"], None, None, b"", 0, 0, True, 0, True]

    def start(closed: bytes = b"", moves: object = b"", **changed: object) -> None:
        """Change what the program has, or an attribute, by its place in attributes.PLAIN."""
        plan = [changed.get(f"at_{place}", value) for place, value in enumerate(PLAIN)]
        _core.spawn((*program[:3], moves, *program[4:], tuple(plan)), closed, -1, None, False)

    with nothing_left():
        for wrong in ({"moves": b"1234567"}, {"at_2": b"123"}, {"at_10": b"123"}):
            with pytest.raises(ValueError, match="no whole number of items"):
                start(**wrong)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="unknown kind of call"):
            start(at_10=struct.pack("ii5l", 1, 99, 0, 0, 0, 0, 0))
        with pytest.raises(ValueError, match="no whole number of items of 8 bytes"):
            start(b"1234")
        with pytest.raises(TypeError):
            start(moves="text")
        with pytest.raises(TypeError):
            start(at_2=5)
        with pytest.raises(TypeError):
            _core.clone(0, signal.SIGCHLD, True, (), -1, False, None, None, (*PLAIN, 1))
        with pytest.raises(TypeError):
            _core.fork_by(os.fork, None, None, True, "text")  # type: ignore[arg-type]


def test_no_descriptor_left() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with nothing_left():
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            with pytest.raises(OSError) as caught:
                spawn(["true"])
            assert caught.value.errno == errno.EMFILE
            with pytest.raises(OSError) as caught:
                spawn(["true"], how=lambda flags: os.fork())
            assert (caught.value.errno, caught.value.step) == (errno.EMFILE, "clone")  # type: ignore[attr-defined]
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_no_memory_left() -> None:
    """None for the child's stack: an exception, and it works again afterwards."""
    done = run_python(
        "import errno, os, resource\n"
        "from syscraft.runtime.spawn import spawn\n"
        "size = int(open('/proc/self/statm').read().split()[0]) * os.sysconf('SC_PAGESIZE')\n"
        "limit = resource.RLIMIT_AS\n"
        "hard = resource.getrlimit(limit)[1]\n"
        "resource.setrlimit(limit, (size + 4096, hard))\n"
        "try: spawn(['/bin/true'])\n"
        "except (MemoryError, OSError) as error: print(type(error).__name__, end=' ')\n"
        "resource.setrlimit(limit, (hard, hard))\n"
        "with spawn(['/bin/true']) as child: print(child.wait())\n"
    )
    assert done.stdout in ("OSError 0\n", "MemoryError 0\n"), done.stderr


def test_signals_arrive_while_children_start() -> None:
    """Handlers run in the parent only, and no child is lost or told wrong."""
    runs: list[int] = []
    old = signal.signal(signal.SIGALRM, lambda number, frame: runs.append(os.getpid()))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.0005)
    try:
        with nothing_left():
            for step in range(60):
                with spawn(["sh", "-c", f"exit {step}"]) as child:
                    assert child.wait() == step
                failure_of(["/no/such"])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    assert set(runs) == {os.getpid()}


def test_child_that_is_killed_at_once() -> None:
    """By a process group's signal, say: then it ended, and did not fail."""
    with nothing_left():
        for _ in range(10):
            with spawn(["sleep", "60"], process_group=0) as child:
                os.killpg(child.pid, signal.SIGTERM)
                assert child.wait() == -signal.SIGTERM


def test_parent_that_ignores_its_children() -> None:
    """The kernel buries a failed child before we can."""
    old = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        failure_of(["/no/such"])
        with spawn(["true"]) as child, pytest.raises(ChildProcessError, match="ignores SIGCHLD"):
            child.wait()
    finally:
        signal.signal(signal.SIGCHLD, old)


def together(work: Callable[[int], None], count: int = 8) -> None:
    threads = [threading.Thread(target=work, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_from_many_threads() -> None:
    wrong: list[object] = []

    def work(index: int) -> None:
        for step in range(10):
            with spawn(["sh", "-c", f"exit {index * 10 + step}"]) as child:
                code = child.wait()
            if code != index * 10 + step:
                wrong.append((index, step, code))
            try:
                spawn([f"/no/such/{index}"])
            except FileNotFoundError as error:
                if error.filename != f"/no/such/{index}":
                    wrong.append(error)

    with nothing_left():
        together(work)
    assert wrong == []


def test_many_leave_nothing() -> None:
    def some() -> None:
        for _ in range(100):
            with spawn(["/bin/true"], env={"A": "b"}, cwd="/", fds={0: 0, 9: 1}) as child:
                child.wait()
            failure_of(["/no/such"])

    def resident_pages() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1])

    some()
    before = resident_pages()
    some()
    assert resident_pages() - before < 64
