"""Variants of fork-like calls from Python, with numbers of real calls; and what is refused."""

from __future__ import annotations

import importlib.util
import operator
import os
import signal
import subprocess
import sys
from functools import partial
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from conftest import REPOSITORY, need_tool

from runtime.core_support import (
    libc_knows_this_thread,
    nothing_left,
    numbers,
    run_python,
)
from syscraft.model.reserved import PYTHON_OF_CHILDREN
from syscraft.runtime import _core
from syscraft.runtime.attributes import Attributes
from syscraft.runtime.child import Child
from syscraft.runtime.clone import clone
from syscraft.runtime.spawn import spawn
from syscraft.runtime.structs import CloneArgs

pytestmark = pytest.mark.filterwarnings("ignore:this process has several threads")


def forked(flags: int) -> int:
    """As generated modules make their children."""
    return _core.fork_call(numbers()["clone"], flags, 0, 0, 0, 0)


@pytest.fixture(scope="module")
def variants(tmp_path_factory: pytest.TempPathFactory) -> Any:
    sys.path.insert(0, str(Path(__file__).parent))
    import torture

    sys.path.pop(0)
    return torture.variants(tmp_path_factory.mktemp("variants"))


def test_fork_like_calls_take_the_interpreters_steps(variants: Any) -> None:
    args = CloneArgs(exit_signal=signal.SIGCHLD)
    ran = []
    os.register_at_fork(after_in_child=lambda: ran.append("child"))
    for call in (lambda: variants["t_fork"](3), lambda: variants["t_clone3"](args, len(args), 3)):
        with nothing_left():
            pid = call()
            if pid == 0:
                os._exit(7 if ran == ["child"] else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7


@pytest.mark.parametrize("flag", [0x100, 0x800, 0x4000, 0x10000, 0x80000, 2**32])
def test_flags_that_end_the_interpreter(flag: int, variants: Any) -> None:
    args = CloneArgs(flags=flag, exit_signal=signal.SIGCHLD)
    with nothing_left(), pytest.raises(ValueError, match="CLONE_"):
        variants["t_clone3"](args, len(args), 3)
    if flag < 2**32:
        with nothing_left(), pytest.raises(ValueError, match="CLONE_"):
            variants["t_clone"](3, flags=flag)


def test_names_that_clone_and_spawn_keep_for_themselves() -> None:
    """All but the attributes, which they hand on, and what a variant of clone(2) has as well."""
    own = {name for function in (clone, spawn) for name in signature(function).parameters}
    handed_on = {*vars(Attributes()), "flags", "args", "func", "extras"}
    assert own - handed_on == PYTHON_OF_CHILDREN


def test_attributes_go_to_a_variant_that_has_them() -> None:
    """Also those that are False: it needs to be told of each."""
    given = []

    def t_fork(setsid: int, limits: int) -> int:
        given.append((setsid, limits))
        return os.fork()

    for setsid in (True, False):
        with clone(int, how=t_fork, setsid=setsid, limits=7) as child:  # type: ignore[arg-type]
            pass
        with spawn(["true"], how=t_fork, setsid=setsid, limits=7) as other:  # type: ignore[arg-type]
            pass
        assert (child.returncode, other.returncode) == (0, 0)
    assert given == [(True, 7)] * 2 + [(False, 7)] * 2


def test_arguments_of_clone3_that_cannot_be(variants: Any) -> None:
    with pytest.raises(ValueError, match="the stack of uargs"):
        variants["t_clone3"](CloneArgs(stack=4096, stack_size=4096), 88, 3)
    with pytest.raises(TypeError, match="uargs is an address"):
        variants["t_clone3"](4096, 88, 3)


def test_clone_by_variants(variants: Any) -> None:
    for name in ("t_clone", "t_clone3", "t_fork"):
        with nothing_left(), clone(lambda: 5, how=variants[name], tag=3) as child:
            assert child.pidfd >= 0
            assert child.wait(30) == 5
    with (
        nothing_left(),
        clone(
            os.getpid, how=variants["t_clone3"], tag=3, namespaces=("user", "pid"), set_tid=(1,)
        ) as child,
    ):
        assert child.wait(30) == 1


def test_spawn_by_variants(variants: Any) -> None:
    for name, how in variants.items():
        with nothing_left(), spawn(["sh", "-c", "exit 6"], how=how, tag=3) as child:
            assert child.wait(30) == 6, name
        with nothing_left(), pytest.raises(FileNotFoundError) as caught:
            spawn(["/no/such"], how=how, tag=3)
        assert caught.value.step == "exec"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "keywords", "kind", "message"),
    [
        ("t_vfork", {"tag": 3}, ValueError, "in this process's memory.*use syscraft.spawn"),
        ("t_fork", {"tag": 3, "namespaces": ["uts"]}, ValueError, r"t_fork\(\) takes no flags"),
        ("t_fork", {"tag": 3, "exit_signal": 0}, ValueError, r"t_fork\(\) takes no exit signal"),
        ("t_fork", {}, TypeError, "how is t_fork.*missing a required argument: 'tag'"),
        ("t_fork", {"tag": 3, "set_tid": 7}, TypeError, "or use a variant of clone3"),
        ("t_clone", {"tag": 3, "more": 7}, TypeError, "how is t_clone.*unexpected keyword"),
    ],
)
def test_what_a_variant_has_no_place_for(
    name: str, keywords: Any, kind: type[Exception], message: str, variants: Any
) -> None:
    with nothing_left(), pytest.raises(kind, match=message):
        clone(int, how=variants[name], **keywords)


def test_vfork_only_by_spawn(variants: Any) -> None:
    with nothing_left(), pytest.raises(ValueError, match="as that of vfork"):
        variants["t_vfork"](3)
    with nothing_left(), pytest.raises(ValueError, match="would become undumpable"):
        spawn(["true"], how=variants["t_vfork"], tag=3, uid=os.getuid())


def test_without_the_core_threads_are_refused(tmp_path: Path, variants: Any) -> None:
    module = sys.modules[variants["t_fork"].__module__]
    assert module.__file__
    done = run_python(
        "import os, sys, threading\n"
        "sys.modules['syscraft.runtime._core'] = None\n"
        f"sys.path.insert(0, {str(Path(module.__file__).parent)!r})\n"
        "import t_fork\n"
        f"t_fork._NUMBERS = {{t_fork._abi(): {numbers()['fork']}}}\n"
        "pid = t_fork.t_fork(3)\n"
        "if pid == 0: os._exit(9)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
        "stop = threading.Event()\n"
        "thread = threading.Thread(target=stop.wait); thread.start()\n"
        "try: t_fork.t_fork(3)\n"
        "except RuntimeError as error: print(error)\n"
        "stop.set()\n"
    )
    assert done.stdout.startswith("9\nt_fork: between the call"), done.stderr
    assert "with several threads this needs syscraft" in done.stdout


def test_subinterpreters_are_refused() -> None:
    done = run_python(
        "import _xxsubinterpreters as interpreters\n"
        "code = '''\n"
        "from syscraft.runtime import _core\n"
        "for call in (lambda: _core.clone(0, 17, False, (), -1, False),\n"
        f"             lambda: _core.fork_call({numbers()['clone']}, 17, 0, 0, 0, 0)):\n"
        "    try: call()\n"
        "    except RuntimeError as error: print(str(error)[:16], flush=True)\n"
        "'''\n"
        "one = interpreters.create(isolated=False)\n"
        "interpreters.run_string(one, code)\n"
    )
    if "No module named" in done.stderr or "create()" in done.stderr:
        pytest.skip("this Python has subinterpreters under another name")
    assert done.stdout == "a subinterpreter\n" * 2, done.stderr


def test_libc_knows_the_thread_of_a_child_of_a_child() -> None:
    number = numbers()["clone"]
    with nothing_left():
        pid = _core.fork_call(number, int(signal.SIGCHLD), 0, 0, 0, 0)
        if pid == 0:
            inner = _core.fork_call(number, int(signal.SIGCHLD), 0, 0, 0, 0)
            if inner == 0:
                os._exit(9 if libc_knows_this_thread() else 1)
            os._exit(os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1]))
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9


def test_a_life_is_for_one_child() -> None:
    """What the child makes in its life is a child of its own."""
    depth = []

    def life() -> int:
        depth.append(1)
        if len(depth) > 1:
            os._exit(77)
        pid = forked(int(signal.SIGCHLD))
        if pid == 0:
            os._exit(4)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    with nothing_left(), clone(life, how=forked) as child:
        assert child.wait() == 4


def test_a_life_is_not_for_what_a_handler_makes() -> None:
    """One that is due when the call starts, without any Python code in between."""
    ends = []

    def handler(number: int, frame: object) -> None:
        pid = forked(int(signal.SIGCHLD))
        if pid == 0:
            os._exit(6)
        ends.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))

    child = Child()
    make, life = partial(forked, int(signal.SIGCHLD)), partial(os._exit, 5)
    steps: list[partial[Any]] = [
        partial(_core.syscall, numbers()["kill"], os.getpid(), int(signal.SIGUSR1)),
        partial(_core.fork_by, make, child, life, True),
    ]
    old = signal.signal(signal.SIGUSR1, handler)
    try:
        with nothing_left():
            list(map(operator.call, steps))
            with child:
                assert child.wait() == 5
    finally:
        signal.signal(signal.SIGUSR1, old)
    assert ends == [6]


def test_an_exception_behind_the_call_leaves_no_child() -> None:
    """As a signal's handler raises it, when the child is there, but nobody has got it yet."""

    def interrupted(flags: int) -> int:
        if pid := forked(flags):
            raise InterruptedError
        return pid

    for start in (partial(clone, signal.pause), partial(spawn, ["sleep", "60"])):
        with nothing_left(), pytest.raises(InterruptedError):
            start(how=interrupted)  # type: ignore[operator]


def test_a_child_that_comes_back_with_an_exception_ends() -> None:
    """As functions can that make children in a way of their own."""

    def raising(flags: int) -> int:
        pid = os.fork()
        if pid == 0:
            sys.unraisablehook = lambda what: None
            raise ZeroDivisionError
        return pid

    for start in (partial(clone, int), partial(spawn, ["true"])):
        with nothing_left():
            try:
                child = start(how=raising)  # type: ignore[operator]
            except ZeroDivisionError:
                os._exit(42)
            with child:
                assert child.wait() == 1


@pytest.mark.parametrize("answer", [1, 38])
def test_a_filter_that_forbids_clone3(answer: int) -> None:
    done = run_python(
        "import ctypes, os, struct\n"
        "from syscraft.runtime import _core\n"
        "from syscraft.runtime.clone import clone\n"
        "from syscraft.runtime.spawn import spawn\n"
        f"rows = [(0x20, 0, 0, 0), (0x15, 0, 1, {numbers()['clone3']}),\n"
        f"        (0x06, 0, 0, 0x00050000 | {answer}), (0x06, 0, 0, 0x7fff0000)]\n"
        "code = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *row) for row in rows))\n"
        "program = struct.pack('HxxxxxxQ', len(rows), ctypes.addressof(code))\n"
        f"_core.syscall({numbers()['prctl']}, 38, 1, 0, 0, 0)\n"
        f"_core.syscall({numbers()['seccomp']}, 1, 0, program)\n"
        "with clone(lambda: 4) as child: print(child.wait(), child.pidfd >= 0)\n"
        "with spawn(['sh', '-c', 'exit 3']) as child: print(child.wait())\n"
        "for more in ({'set_tid': 5}, {'namespaces': ['time']}):\n"
        "    try: clone(int, **more)\n"
        "    except OSError as error: print(error.errno)\n"
        "try: spawn(['true'], namespaces=['time'])\n"
        "except OSError as error: print(error.errno)\n"
    )
    assert done.stdout == f"4 True\n3\n{answer}\n{answer}\n{answer}\n", done.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="root may set IDs, others may not")
def test_new_ids_of_a_child_leave_the_parent_dumpable() -> None:
    done = run_python(
        "import ctypes\n"
        "from syscraft.runtime.spawn import spawn\n"
        "for ids in ({'uid': 65534}, {'gid': 65534}, {'uid': 65534, 'gid': 65534}):\n"
        "    with spawn(['/bin/true'], **ids): pass\n"
        "    print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))\n"  # PR_GET_DUMPABLE
    )
    assert done.stdout == "1\n1\n1\n", done.stderr


def setup_module_of_the_core() -> ModuleType:
    """What setup.py says, without building anything."""
    import setuptools

    spec = importlib.util.spec_from_file_location("core_setup", REPOSITORY / "setup.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setuptools, "setup", lambda **keywords: None)
        spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("level", ["-O0", "-O2", "-O3", "-Os"])
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_the_childs_files_call_nothing(compiler: str, level: str, tmp_path: Path) -> None:
    """They call each other, and nothing else."""
    sources = setup_module_of_the_core().FREESTANDING
    hard = ("-fstack-protector-all", "-D_FORTIFY_SOURCE=2")
    for source, options in sources.items():
        path = REPOSITORY / "src/syscraft/runtime/core" / source
        subprocess.run(
            [compiler, "-std=gnu11", "-fPIC", level, *hard, *options, "-c", path,
             "-o", tmp_path / f"{source}.o"], check=True,
        )  # fmt: skip
    objects = [tmp_path / f"{source}.o" for source in sources]
    subprocess.run(["ld", "-r", *objects, "-o", tmp_path / "child.o"], check=True)
    undefined = subprocess.check_output(["nm", "-u", tmp_path / "child.o"], text=True)
    assert undefined == ""


@pytest.mark.parametrize(
    ("compiler", "runner"),
    [("gcc", []), ("powerpc-linux-gnu-gcc", ["qemu-ppc"]), ("m68k-linux-gnu-gcc", ["qemu-m68k"])],
)
def test_signal_sets_in_every_byte_order(compiler: str, runner: list[str], tmp_path: Path) -> None:
    for tool in (compiler, *runner):
        need_tool(tool)
    source = Path(__file__).with_name("signal_sets.c")
    core = REPOSITORY / "src/syscraft/runtime/core"
    subprocess.run(
        [compiler, "-static", "-iquote", core, source, "-o", tmp_path / "sets"], check=True
    )
    subprocess.run([*runner, tmp_path / "sets"], check=True)
