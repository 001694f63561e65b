"""spawn(): what the program gets."""

from __future__ import annotations

import array
import grp
import os
import pwd
import signal
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runtime.core_support import nothing_left, numbers, run_python
from syscraft.runtime import _core
from syscraft.runtime.attributes import PLAIN
from syscraft.runtime.spawn import spawn
from syscraft.runtime.spawn_plan import ALL_BUT_STANDARD

PYTHON = sys.executable


def output_of(argv: Any, **keywords: Any) -> str:
    """What a program writes to its standard output; it must end well, and leave nothing."""
    with nothing_left():
        read, write = os.pipe()
        try:
            fds = {1: write, **keywords.pop("fds", {})}
            with spawn(argv, fds=fds, **keywords) as child:
                os.close(write)
                write = -1
                with open(read, "rb", closefd=False) as pipe:
                    text = pipe.read()
            assert child.returncode == 0, text
        finally:
            os.close(read)
            if write >= 0:
                os.close(write)
    return os.fsdecode(text)


def status_of(**keywords: Any) -> dict[str, str]:
    """/proc/self/status of a program."""
    rows = output_of(["cat", "/proc/self/status"], **keywords).splitlines()
    return {name: value.strip() for name, value in (row.split(":", 1) for row in rows)}


needs_root = pytest.mark.skipif(os.getuid() != 0, reason="root may set IDs, others may not")


@pytest.mark.parametrize("pidfd", [True, False])
@pytest.mark.parametrize(
    ("script", "expected"),
    [("exit 0", 0), ("exit 7", 7), ("exit 255", 255), ("kill -9 $$", -9), ("kill -TERM $$", -15)],
)
def test_return_code(script: str, expected: int, pidfd: bool) -> None:
    with nothing_left(), spawn(["sh", "-c", script], pidfd=pidfd) as child:
        assert (child.pidfd >= 0) == pidfd
        assert child.wait(30) == expected


@pytest.mark.parametrize("text", ["", "two words", "$HOME", "caf\udce9 é", "-n", "'\"\\"])
def test_arguments(text: str) -> None:
    assert output_of(["printf", "%s", text]) == text
    assert output_of([b"printf", b"%s", os.fsencode(text)]) == text


def test_paths_as_arguments(tmp_path: Path) -> None:
    assert output_of([Path("/bin/echo"), tmp_path]) == f"{tmp_path}\n"
    assert output_of(argument for argument in ("echo", "generated")) == "generated\n"


def test_program_behind_another_name() -> None:
    script = "import sys; print(sys.orig_argv[0])"
    assert output_of(["other", "-c", script], executable=PYTHON) == "other\n"
    assert output_of(["other", "text"], executable="echo") == "text\n"
    assert output_of(["other", "text"], executable=b"/bin/echo") == "text\n"


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[Path]:
    """Folders with programs that print where they are; some may not be executed."""
    for name, mode in (("first", 0o644), ("second", 0o755), ("third", 0o755)):
        program = tmp_path / name / "tool"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\necho {name}\n")
        program.chmod(mode)
    (tmp_path / "file").write_text("")
    yield tmp_path


def test_search_in_path(folders: Path) -> None:
    for path, expected in (
        ("third:second", "third"),
        # Not there, no folder, not executable: the search goes on.
        ("missing:file:first:second:third", "second"),
    ):
        full = ":".join(str(folders / name) for name in path.split(":"))
        assert output_of(["tool"], env={"PATH": full}) == f"{expected}\n"
        assert output_of(["tool"], env={b"PATH": os.fsencode(full)}) == f"{expected}\n"


def test_search_in_this_process_path(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folders / "third"))
    assert output_of(["tool"]) == "third\n"
    # An empty entry is the working directory, which is the child's.
    monkeypatch.setenv("PATH", "/missing:")
    assert output_of(["tool"], cwd=folders / "second") == "second\n"


def test_environment_without_path() -> None:
    assert output_of(["echo", "found"], env={}) == "found\n"


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INHERITED", "yes")
    assert "INHERITED=yes\n" in output_of(["env"])
    env = {"NAME": "text", "EMPTY": "", "PATH": os.environ["PATH"], "caf\udce9": "a=b"}
    lines = output_of(["env"], env=env).splitlines()
    assert sorted(lines) == sorted(f"{name}={value}" for name, value in env.items())
    assert output_of(["/usr/bin/env"], env={}) == ""


def test_working_directory(tmp_path: Path) -> None:
    folder = os.path.realpath(tmp_path)
    for cwd in (folder, os.fsencode(folder), Path(folder)):
        assert output_of(["pwd", "-P"], cwd=cwd) == f"{folder}\n"
    fd = os.open(folder, os.O_RDONLY)
    try:
        assert output_of(["pwd", "-P"], cwd=fd) == f"{folder}\n"
    finally:
        os.close(fd)


def fds_of(**keywords: Any) -> set[int]:
    """The program's descriptors, without the one it looks with: that is gone at a second look."""
    script = (
        "import os\n"
        "seen = os.listdir('/proc/self/fd')\n"
        "print(*(fd for fd in seen if os.path.lexists('/proc/self/fd/' + fd)))"
    )
    return set(map(int, output_of([PYTHON, "-c", script], **keywords).split()))


def test_descriptors_are_closed(tmp_path: Path) -> None:
    standard = {0, 1, 2}
    inherited = fds_of(close_others=False) - standard
    assert fds_of() == standard
    with open(tmp_path / "file", "w") as file:
        fd = file.fileno()
        os.set_inheritable(fd, True)
        assert fds_of() == standard
        assert fds_of(close_others=False) - inherited == {*standard, fd}
        assert fds_of(close_others=False, fds={fd: None}) - inherited == standard
        os.set_inheritable(fd, False)
        assert fds_of(close_others=False) - inherited == standard
        assert fds_of(fds={0: None, 7: file, 100: fd}) == {1, 2, 7, 100}


def test_descriptors_trade_places() -> None:
    """Any permutation, also one that is a ring, and one that stays where it is."""
    files = [os.memfd_create(name) for name in ("a", "b", "c")]
    a, b, c = files
    script = f"import os; print(*[os.readlink('/proc/self/fd/%d' % n)[7] for n in ({a}, {b}, {c})])"
    try:
        for order, expected in (
            ((b, c, a), "b c a"),
            ((b, a, c), "b a c"),
            ((a, b, c), "a b c"),
            ((c, c, c), "c c c"),
        ):
            fds = dict(zip(files, order, strict=True))
            assert output_of([PYTHON, "-c", script], fds=fds) == f"{expected}\n"
            assert not any(map(os.get_inheritable, files))
    finally:
        for fd in files:
            os.close(fd)


def test_standard_streams(tmp_path: Path) -> None:
    with open(tmp_path / "in", "w+") as file:
        file.write("input\n")
        file.flush()
        file.seek(0)
        assert output_of(["cat"], fds={0: file}) == "input\n"
    assert output_of(["sh", "-c", "echo error >&2"], fds={2: 2}) == ""


def test_signal_mask() -> None:
    blocked = {signal.SIGUSR1, signal.SIGRTMAX}
    expected = sum(1 << (number - 1) for number in blocked)
    assert int(status_of(sigmask=blocked)["SigBlk"], 16) == expected
    assert int(status_of(sigmask=())["SigBlk"], 16) == 0
    old = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
    try:
        assert int(status_of()["SigBlk"], 16) == 1 << (signal.SIGUSR2 - 1)
        assert int(status_of(sigmask=())["SigBlk"], 16) == 0
        assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == {*old, signal.SIGUSR2}
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, old)


def test_handlers_and_ignored_signals() -> None:
    old = (
        signal.signal(signal.SIGUSR1, lambda *_: None),
        signal.signal(signal.SIGUSR2, signal.SIG_IGN),
    )
    by_python = 1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1)
    try:
        for keywords, expected in (({}, 0), ({"restore_signals": False}, by_python)):
            status = status_of(**keywords)
            assert int(status["SigCgt"], 16) == 0
            assert int(status["SigIgn"], 16) & by_python == expected
            # That the caller ignores a signal is handed on, as exec does it.
            assert int(status["SigIgn"], 16) & 1 << (signal.SIGUSR2 - 1)
    finally:
        signal.signal(signal.SIGUSR1, old[0])
        signal.signal(signal.SIGUSR2, old[1])


def test_session_and_process_group() -> None:
    script = "import os; print(os.getpid(), os.getsid(0), os.getpgid(0))"
    pid, session, group = map(int, output_of([PYTHON, "-c", script], setsid=True).split())
    assert pid == session == group
    pid, session, group = map(int, output_of([PYTHON, "-c", script], process_group=0).split())
    assert (pid, session) == (group, os.getsid(0))
    ours = os.getpgid(0)
    pid, session, group = map(int, output_of([PYTHON, "-c", script], process_group=ours).split())
    assert group == ours != pid


@pytest.mark.parametrize("umask", [0, 0o27, 0o777])
def test_umask(umask: int) -> None:
    assert int(status_of(umask=umask)["Umask"], 8) == umask


def test_nice() -> None:
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    assert int(output_of(["nice"], nice=19)) == 19
    assert int(output_of(["nice"])) == ours


@needs_root
def test_users_and_groups() -> None:
    status = status_of(uid=65534, gid=65533, groups=[7, 8, 65533])
    assert status["Uid"].split() == ["65534"] * 4
    assert status["Gid"].split() == ["65533"] * 4
    assert status["Groups"].split() == ["7", "8", "65533"]
    nobody = pwd.getpwnam("nobody")
    tty = grp.getgrnam("tty")
    status = status_of(uid="nobody", gid="tty", groups=["tty"])
    assert status["Uid"].split() == [str(nobody.pw_uid)] * 4
    assert status["Gid"].split() == [str(tty.gr_gid)] * 4
    assert status["Groups"].split() == [str(tty.gr_gid)]
    assert status_of(groups=[])["Groups"] == ""


def test_namespaces() -> None:
    names = {"ipc": "ipc", "mnt": "mount", "net": "net", "time": "time", "uts": "uts", "pid": "pid"}
    # A kernel may be built without some.
    kinds = [kind for kind in names if os.path.lexists(f"/proc/self/ns/{kind}")]

    def links(**keywords: Any) -> dict[str, str]:
        paths = [f"/proc/self/ns/{kind}" for kind in kinds]
        return dict(zip(kinds, output_of(["readlink", *paths], **keywords).split(), strict=True))

    ours = links()
    theirs = links(namespaces=["user", *(names[kind] for kind in kinds)])
    assert kinds and all(theirs[kind] != ours[kind] for kind in kinds), theirs
    assert output_of(["sh", "-c", "echo $$"], namespaces=["user", "pid"]) == "1\n"


@pytest.fixture
def cgroup() -> Iterator[Path]:
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    root = next((Path(mount[1]) for mount in mounts if mount[2] == "cgroup2"), None)
    if root is None or not os.access(root, os.W_OK):
        message = "a cgroup needs a cgroup2 file system that we may write to"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    folder = root / f"syscraft-test-{os.getpid()}"
    folder.mkdir()
    yield folder
    folder.rmdir()


def test_cgroup(cgroup: Path) -> None:
    fd = os.open(cgroup, os.O_PATH)
    try:
        for where in (cgroup, str(cgroup), fd):
            lines = output_of(["cat", "/proc/self/cgroup"], cgroup=where).splitlines()
            assert f"0::/{cgroup.name}" in lines
    finally:
        os.close(fd)


def core_plan(argv: list[str], fds: bytes = b"") -> tuple[Any, ...]:
    return (argv, None, None, fds, 0, 0, True, 0, True, PLAIN)


def old_way(argv: list[str], cgroup: int = -1) -> tuple[int, str]:
    """As on a kernel without clone3(2). Returns: the status, and the output."""
    with nothing_left():
        read, write = os.pipe()
        moves = array.array("i", [1, write]).tobytes()
        pid, pidfd, error, step = _core.spawn(
            core_plan(argv, moves), ALL_BUT_STANDARD, cgroup, None, True
        )
        os.close(write)
        assert (error, step) == (0, None) and pidfd >= 0
        with open(read) as pipe:
            text = pipe.read()
        os.close(pidfd)
        return os.waitpid(pid, 0)[1], text


def test_signals_are_blocked_until_the_program_runs() -> None:
    """A handler would run in the child, in memory that may be this process's."""
    blocked: list[set[int]] = []

    def how(flags: int) -> int:
        blocked.append({int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, [])})
        return os.fork()

    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with spawn(["true"], how=how):
        assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before
    assert len(blocked) == 1
    assert blocked[0] >= {*map(int, signal.valid_signals())} - {signal.SIGKILL, signal.SIGSTOP}


def test_old_clone_does_the_same(cgroup: Path) -> None:
    old = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        status, text = old_way(["cat", "/proc/self/status"])
    finally:
        signal.signal(signal.SIGUSR1, old)
    assert status == 0
    assert "SigCgt:\t0000000000000000\n" in text
    fd = os.open(cgroup, os.O_PATH)
    try:
        status, text = old_way(["cat", "/proc/self/cgroup"], fd)
    finally:
        os.close(fd)
    assert f"0::/{cgroup.name}\n" in text


def test_old_clone_tells_the_failed_step() -> None:
    with nothing_left():
        plan = core_plan(["/no/such/program"])
        outcome = _core.spawn(plan, ALL_BUT_STANDARD, -1, None, True)
        assert outcome[1:] == (-1, 2, "exec")
        fd = os.open("/tmp", os.O_PATH)
        outcome = _core.spawn(core_plan(["true"]), ALL_BUT_STANDARD, fd, None, True)
        os.close(fd)
        assert outcome[1:] == (-1, 2, "cgroup")


def test_kernels_and_containers_that_lack_newer_calls() -> None:
    """A filter that answers ENOSYS to clone3(2) and close_range(2), as older kernels do."""
    names = numbers()
    done = run_python(
        "import os, struct\n"
        "from syscraft.runtime import _core\n"
        "from syscraft.runtime.clone import clone\n"
        "from syscraft.runtime.spawn import spawn\n"
        # include/uapi/linux/{seccomp,filter,bpf_common}.h: load the number; compare; answer.
        "rows = [(0x20, 0, 0, 0)]\n"
        f"for number in ({names['clone3']}, {names['close_range']}):\n"
        "    rows += [(0x15, 0, 1, number), (0x06, 0, 0, 0x00050000 | 38)]\n"
        "rows.append((0x06, 0, 0, 0x7fff0000))\n"
        "import ctypes\n"
        "code = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *row) for row in rows))\n"
        "program = struct.pack('HxxxxxxQ', len(rows), ctypes.addressof(code))\n"
        f"_core.syscall({names['prctl']}, 38, 1, 0, 0, 0)\n"  # PR_SET_NO_NEW_PRIVS
        f"_core.syscall({names['seccomp']}, 1, 0, program)\n"  # SECCOMP_SET_MODE_FILTER
        "os.dup2(0, 50)\n"
        "with spawn(['sh', '-c', 'test -e /proc/self/fd/50 && exit 9; exit 3']) as child:\n"
        "    print(child.wait(), child.pidfd >= 0)\n"
        "with clone(lambda: 4) as child:\n"
        "    print(child.wait(), child.pidfd >= 0)\n"
        "try: spawn(['/no/such'])\n"
        "except FileNotFoundError as error: print(error.step)\n"
        "try: clone(int, set_tid=5)\n"
        "except OSError as error: print(error.errno)\n"
    )
    assert done.stdout == "3 True\n4 True\nexec\n38\n", done.stderr


def test_declared_variant() -> None:
    calls = []

    def clone_nice(nice: int, flags: int) -> int:
        calls.append((nice, flags))
        pid = os.fork()
        if pid == 0:
            os.nice(nice)
        return pid

    def clone_extra(*, extra: int, flags: int) -> int:
        return clone_nice(extra, flags)

    assert int(output_of(["nice"], how=clone_nice, nice=5)) == os.nice(0) + 5
    assert int(output_of(["nice"], how=clone_extra, extra=1, nice=7)) == 7
    expected = [(5, signal.SIGCHLD), (1, signal.SIGCHLD)]
    assert calls == expected
    assert fds_of(how=clone_nice, nice=0, fds={9: 0, 100: 0}) == {0, 1, 2, 9, 100}
    with nothing_left(), spawn(["sleep", "60"], pidfd=False, how=clone_nice, nice=0) as child:
        assert child.pidfd == -1
        child.kill()
    with nothing_left(), spawn(["sleep", "60"], how=clone_nice, nice=0) as child:
        assert child.pidfd >= 0
        child.kill()


def test_there_is_no_shell_in_between(tmp_path: Path) -> None:
    """A script without a line that names its interpreter is no program."""
    script = tmp_path / "script"
    script.write_text("echo never\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    with nothing_left(), pytest.raises(OSError) as caught:
        spawn([script])
    assert caught.value.strerror == "Exec format error"
