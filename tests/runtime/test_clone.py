"""clone(): what the child is, and what its end says."""

from __future__ import annotations

import errno
import os
import resource
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runtime.core_support import libc_knows_this_thread, nothing_left, run_python
from syscraft.runtime import _core
from syscraft.runtime.child import Child
from syscraft.runtime.clone import clone

pytestmark = pytest.mark.filterwarnings("ignore:this process has several threads")


def started(func: Callable[..., object], *args: object, **keywords: Any) -> Child:
    return clone(func, *args, **keywords)


def end_of(func: Callable[..., object], *args: object, **keywords: Any) -> int:
    """What the child's end says; the child leaves nothing."""
    with nothing_left(), started(func, *args, **keywords) as child:
        return child.wait(30)


def raise_(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("pidfd", [True, False])
@pytest.mark.parametrize(
    ("func", "args", "expected"),
    [
        (lambda: None, (), 0),
        (lambda: 0, (), 0),
        (lambda: True, (), 1),
        (lambda *args: len(args), (1, 2, 3), 3),
        (lambda: 256 + 7, (), 7),
        (lambda: -1, (), 255),
        (sys.exit, (), 0),
        (sys.exit, (9,), 9),
        (os._exit, (4,), 4),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), (), -signal.SIGKILL),
        (lambda: signal.raise_signal(signal.SIGTERM), (), -signal.SIGTERM),
    ],
)
def test_return_code(func: Any, args: Any, expected: int, pidfd: bool) -> None:
    assert end_of(func, *args, pidfd=pidfd) == expected


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ZeroDivisionError("in the child"), "ZeroDivisionError: in the child"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (SystemExit("goodbye"), "goodbye"),
        (MemoryError(), "MemoryError"),
    ],
)
def test_exception(error: BaseException, text: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert end_of(raise_, error) == 1
    captured = capfd.readouterr()
    assert text in captured.err
    assert ("Traceback" in captured.err) == (not isinstance(error, SystemExit))
    assert captured.out == ""


@pytest.mark.parametrize("value", ["text", 1.5, [1]])
def test_result_that_is_no_status(value: object, capfd: pytest.CaptureFixture[str]) -> None:
    assert end_of(lambda: value) == 1
    assert f"returned {value!r}: expected None or an int" in capfd.readouterr().err


def test_child_has_an_id_and_a_descriptor_that_closes_on_exec() -> None:
    with started(time.sleep, 60) as child:
        assert child.pid > 0
        assert child.fileno() == child.pidfd >= 0
        assert os.get_inheritable(child.pidfd) is False
        info = Path(f"/proc/self/fdinfo/{child.pidfd}").read_text()
        assert f"Pid:\t{child.pid}\n" in info
        assert repr(child).startswith(f"<Child {child.pid}, running: ")
        assert child.poll() is None
        child.kill()
        assert child.wait() == child.poll() == child.returncode == -signal.SIGKILL
        assert repr(child).startswith(f"<Child {child.pid}, returncode -9: ")
    with pytest.raises(ValueError, match="has no pidfd"):
        child.fileno()


def test_without_a_function_it_returns_twice() -> None:
    with nothing_left():
        child = clone()
        if child is None:
            os._exit(42)
        with child:
            assert child.wait() == 42


def test_old_clone_is_the_same() -> None:
    """Where clone3(2) is missing, or a container forbids it."""
    for pidfd in (True, False):
        pid, descriptor, *_ = _core.clone(0, signal.SIGCHLD, pidfd, (), -1, True)
        if pid == 0:
            os._exit(5)
        with Child(pid, descriptor) as child:
            assert (descriptor >= 0) == pidfd
            assert child.wait() == 5


@pytest.mark.parametrize(
    ("set_tid", "cgroup", "flags"), [((7,), -1, 0), ((), 0, 0), ((), -1, 0x80), ((), -1, 2**40)]
)
def test_what_old_clone_cannot_say(set_tid: Any, cgroup: int, flags: int) -> None:
    with nothing_left():
        outcome = _core.clone(flags, signal.SIGCHLD, True, set_tid, cgroup, True)
    assert outcome == (-1, -1, errno.ENOSYS, "clone")


def test_child_went_through_the_interpreters_own_steps() -> None:
    ran = []
    os.register_at_fork(
        before=lambda: ran.append("before"),
        after_in_parent=lambda: ran.append("parent"),
        after_in_child=lambda: ran.append("child"),
    )
    assert end_of(lambda: ran != ["before", "child"]) == 0
    assert ran == ["before", "parent"]


def test_libc_knows_the_childs_thread() -> None:
    def look() -> bool:
        if not libc_knows_this_thread():
            return True
        signal.signal(signal.SIGUSR1, lambda *_: os._exit(0))
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
        time.sleep(10)
        return True

    assert end_of(look) == 0


def test_threads_start_in_the_child() -> None:
    def work() -> int:
        results: list[int] = []
        threads = [threading.Thread(target=results.append, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(results)

    assert end_of(work) == 6


def test_child_of_a_child() -> None:
    def nested() -> int:
        with started(lambda: 6) as child:
            return child.wait() + 1

    assert end_of(nested) == 7


def test_output_comes_once_and_whole() -> None:
    done = run_python(
        "import sys\n"
        "from syscraft.runtime.clone import clone\n"
        "print('held back', end=' ')\n"
        "sys.stderr.write('error ')\n"
        "with clone(lambda: print('child', end=' ')) as child: pass\n"
        "print('parent')\n"
    )
    assert done.stdout == "held back child parent\n"
    assert done.stderr == "error "


@pytest.mark.parametrize("stream", ["sys.stdout = None", "sys.stdout.close()", "del sys.stdout"])
def test_without_standard_output(stream: str) -> None:
    done = run_python(
        "import sys\n"
        f"{stream}\n"
        "from syscraft.runtime.clone import clone\n"
        "with clone(lambda: 3) as child: pass\n"
        "sys.exit(child.returncode)\n"
    )
    assert done.returncode == 3, done.stderr


def test_child_runs_nothing_of_the_rest_of_the_program() -> None:
    done = run_python(
        "import atexit, os\n"
        "from syscraft.runtime.clone import clone\n"
        "atexit.register(print, 'at exit')\n"
        "try:\n"
        "    child = clone(lambda: 1 / 0)\n"
        "finally:\n"
        "    print('finally')\n"
        "child.wait()\n"
    )
    assert done.stdout == "finally\nat exit\n"


REFUSED = {
    0x100: "CLONE_VM: two interpreters would run on the same memory.*use threading, or spawn",
    0x800: "CLONE_SIGHAND: it needs CLONE_VM.*use threading",
    0x1000: "CLONE_PIDFD: use pidfd=True",
    0x4000: "CLONE_VFORK: .*use spawn",
    0x8000: "CLONE_PARENT: the child would be your parent's",
    0x10000: "CLONE_THREAD: the interpreter would not know.*use threading",
    0x80000: "CLONE_SETTLS: .*leave it out",
    0x100000: "CLONE_PARENT_SETTID: .*use the child's .pid",
    0x200000: "CLONE_CHILD_CLEARTID: .*wait",
    0x400000: "CLONE_DETACHED: .*leave it out",
    0x1000000: r"CLONE_CHILD_SETTID: .*os.getpid\(\)",
    2**32: r"CLONE_CLEAR_SIGHAND: .*signal.signal\(\)",
    2**33: "CLONE_INTO_CGROUP: use cgroup=",
    int(signal.SIGCHLD): "the exit signal: use exit_signal=",
}


@pytest.mark.parametrize(("flags", "message"), REFUSED.items(), ids=map(hex, REFUSED))
def test_refused_flags(flags: int, message: str) -> None:
    with nothing_left(), pytest.raises(ValueError, match=message):
        clone(int, flags=flags)


@pytest.mark.parametrize("flags", [-1, -(2**70), 2**64, 2**70])
def test_flags_that_no_call_can_take(flags: int) -> None:
    with pytest.raises(ValueError, match=r"flags is .*: expected 64 bits without a sign"):
        clone(int, flags=flags)


def test_sharing_what_can_be_shared() -> None:
    """CLONE_FS: the child's working directory is the parent's."""
    here = os.getcwd()
    try:
        assert end_of(os.chdir, "/", flags=0x200) == 0
        assert os.getcwd() == "/"
    finally:
        os.chdir(here)


def test_exit_signal() -> None:
    told = []
    old = signal.signal(signal.SIGUSR2, lambda number, frame: told.append(number))
    try:
        assert end_of(int, exit_signal=signal.SIGUSR2) == 0
        assert end_of(int, exit_signal=0) == 0
        assert end_of(int, exit_signal=0, pidfd=False) == 0
    finally:
        signal.signal(signal.SIGUSR2, old)
    assert told == [signal.SIGUSR2]


@pytest.mark.parametrize("number", [-1, signal.NSIG, 256 + signal.SIGCHLD])
def test_exit_signal_that_is_none(number: int) -> None:
    with pytest.raises(ValueError, match=f"exit_signal is {number}: expected 0 to"):
        clone(int, exit_signal=number)


def test_namespaces_and_chosen_id() -> None:
    def look() -> bool:
        inside = started(os.getpid, set_tid=55)
        with inside:
            return not (os.getpid() == 1 and inside.pid == 55 and inside.wait() == 55)

    assert end_of(look, namespaces=("user", "pid")) == 0


@pytest.mark.parametrize(
    ("names", "kind", "message"),
    [
        (["nett"], ValueError, "there is no kind 'nett': expected time, mount"),
        ("net", TypeError, r"expected several names, found 'net'; write \('net',\)"),
    ],
)
def test_wrong_namespaces(names: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        clone(int, namespaces=names)


@pytest.mark.parametrize(
    ("set_tid", "kind", "message"),
    [
        (0, ValueError, "0 is no process ID"),
        (-5, ValueError, "-5 is no process ID"),
        (2**31, ValueError, "is no process ID"),
        (2**70, OverflowError, "too large"),
        (["a"], TypeError, "int"),
        ([7] * 33, ValueError, "at most 32 IDs"),
        ([7] * 9, OSError, "Invalid argument"),
    ],
)
def test_wrong_set_tid(set_tid: Any, kind: type[Exception], message: str) -> None:
    with nothing_left(), pytest.raises(kind, match=message):
        clone(int, set_tid=set_tid)


@pytest.mark.parametrize("cgroup", ["/tmp", "/no/such", 99])
def test_cgroup_that_is_none(cgroup: Any) -> None:
    with nothing_left(), pytest.raises(OSError) as caught:
        clone(int, cgroup=cgroup)
    assert caught.value.filename == (None if cgroup == 99 else cgroup)
    assert caught.value.__notes__ == ["failed in joining the cgroup; there is no child"]


def test_id_that_is_taken() -> None:
    with nothing_left(), pytest.raises(FileExistsError):
        clone(int, set_tid=os.getpid())


@pytest.mark.parametrize(
    ("arguments", "keywords", "message"),
    [
        ((1,), {}, "func is 1: expected a callable"),
        ((None, 1), {}, "arguments without a function"),
        ((int,), {"peers": 7}, "no argument is named 'peers'.*pass it as how="),
        ((int,), {"how": os.fork, "cgroup": 3}, "leave them out with how="),
        ((int,), {"how": os.fork, "set_tid": 3}, "leave them out with how="),
    ],
)
def test_wrong_arguments(arguments: Any, keywords: Any, message: str) -> None:
    with nothing_left(), pytest.raises(TypeError, match=message):
        clone(*arguments, **keywords)


def test_declared_variant() -> None:
    calls = []

    def clone_nice(nice: int, flags: int) -> int:
        calls.append((nice, flags))
        pid = os.fork()
        if pid == 0:
            os.nice(nice)
        return pid

    mine = os.nice(0)
    assert end_of(lambda: os.nice(0) - mine, how=clone_nice, nice=7, namespaces=("uts",)) == 7
    assert calls == [(7, 0x04000000 | signal.SIGCHLD)]
    with started(time.sleep, 60, how=clone_nice, nice=0) as child:
        assert child.pidfd >= 0
        child.terminate()
        assert child.wait() == -signal.SIGTERM
    assert end_of(int, how=clone_nice, nice=0, pidfd=False) == 0


def test_declared_variant_that_the_kernel_lacks() -> None:
    def clone_nice(flags: int) -> int:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), "clone_nice")

    with nothing_left(), pytest.raises(OSError) as caught:
        clone(int, how=clone_nice)
    assert caught.value.errno == errno.ENOSYS


def test_no_descriptor_left_for_the_pidfd() -> None:
    """Then there must be no child either."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with nothing_left():
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            for keywords in ({}, {"how": lambda flags: os.fork()}):
                with pytest.raises(OSError) as caught:
                    clone(int, **keywords)  # type: ignore[arg-type]
                assert caught.value.errno == errno.EMFILE
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_limit_of_processes() -> None:
    """RLIMIT_NPROC does not hold for root: a user namespace with a limit does."""
    done = run_python(
        "import os, resource\n"
        "from syscraft.runtime.clone import clone\n"
        "from syscraft.runtime.spawn import spawn\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))\n"
        "for start in (lambda: clone(int), lambda: spawn(['/bin/true'])):\n"
        "    try: start()\n"
        "    except BlockingIOError as error: print(error.errno, getattr(error, 'step', ''))\n"
        "print(len(os.listdir('/proc/self/fd')))\n"
        "try: os.waitpid(-1, 0)\n"
        "except ChildProcessError: print('no child')\n"
    )
    assert done.stdout.split("\n")[:2] == [f"{errno.EAGAIN} clone"] * 2, done.stderr
    assert done.stdout.endswith("4\nno child\n")


def test_warning_of_threads() -> None:
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert end_of(int) == 0
        warned = [str(w.message) for w in caught if w.category is DeprecationWarning]
        assert bool(warned) == (sys.version_info >= (3, 12))
    finally:
        stop.set()
        thread.join()


def test_from_many_threads() -> None:
    codes = []

    def work(index: int) -> None:
        for _ in range(5):
            with started(lambda: index) as child:
                codes.append(child.wait() - index)

    with nothing_left():
        threads = [threading.Thread(target=work, args=(index,)) for index in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert codes == [0] * 30


def test_many_leave_nothing() -> None:
    with nothing_left():
        for _ in range(100):
            assert end_of(int) == 0
