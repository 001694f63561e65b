"""A guest's process sees this machine, and cannot change it.

A guest runs code of other people: the bodies of calls are part of a kernel that is, in User Mode
Linux, an ordinary process. bubblewrap gives each guest's process a view of this machine's files
that cannot be written, whoever started it, no network, no other processes, no rights, and no
descriptors but its own. What goes through all the same is in docs/security.md.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from syscraft import proc
from syscraft.errors import EnvironmentLacks, UsageError, Where
from syscraft.files import temporary_folder
from syscraft.guest.syscall_filter import syscall_filter

_TOOL = "bwrap"
_GUESTS_OWN = ("/dev", "/proc", "/sys")  # a guest has file systems of its own there
_PATH_BYTES_MAX = 3072  # INPUT_MAX of init/guest.h: one frame names the folder

# Root reads every file, and in folders that are opened it keeps owners and modes.
_READS = ("CAP_DAC_OVERRIDE",)
_WRITES = ("CAP_CHOWN", "CAP_FOWNER")
_CAP_SYS_ADMIN = 21  # include/uapi/linux/capability.h, Linux 6.12


@dataclass(frozen=True)
class Opening:
    """What the user lets guests do to this machine.

    Args:
        rw: folders, absolute and without links, whose files a guest may change.
        unsafe: whether its process may do whatever the user may.
    """

    rw: tuple[str, ...] = ()
    unsafe: bool = False


@dataclass(frozen=True)
class Confined:
    """How to start a guest's process.

    Args:
        before: words to put before the command that is to be confined.
        descriptors: what the process inherits besides its own.
        env: its environment.
        scratch: a folder, under the name that the process has for it, that is gone with it, and
            in memory where it can be.
    """

    before: tuple[str, ...]
    descriptors: tuple[int, ...]
    env: dict[str, str]
    scratch: str


_CLOSED = Opening()
_opening: ContextVar[Opening] = ContextVar("_opening", default=_CLOSED)


def opening() -> Opening:
    """What is open for guests that start now."""
    return _opening.get()


@contextlib.contextmanager
def opened(rw: Sequence[str | Path] = (), *, unsafe: bool = False) -> Iterator[None]:
    """Open something for the guests that start in this block, and its context.

    Raises:
        UsageError: what is to be opened is no folder, or is none of this machine's in a guest.
    """
    token = _opening.set(Opening(tuple(dict.fromkeys(map(_folder, rw))), unsafe))
    try:
        yield
    finally:
        _opening.reset(token)


def _folder(given: str | Path) -> str:
    where = Where(str(given))
    path = os.path.realpath(given)
    if not str(given) or not os.path.isdir(path):
        raise UsageError.of(
            "this folder cannot be opened to a guest",
            where,
            expected="a folder that exists",
            found="a file" if os.path.lexists(given) else "nothing",
        )
    if path == "/" or any(path == own or path.startswith(f"{own}/") for own in _GUESTS_OWN):
        raise UsageError.of(
            "this folder cannot be opened to a guest",
            where,
            expected=f"a folder outside of {', '.join(_GUESTS_OWN)}, and not the root folder",
            found=path,
        )
    if len(os.fsencode(path)) > _PATH_BYTES_MAX:
        raise UsageError.of(
            "this folder cannot be opened to a guest",
            where,
            expected=f"a path of at most {_PATH_BYTES_MAX} bytes",
        )
    return path


@contextlib.contextmanager
def confined(devices: Sequence[str] = ()) -> Iterator[Confined]:
    """Prepare a place for one guest's process; it ends with us, confined or not.

    Args:
        devices: nodes of this machine that the process needs.

    Raises:
        EnvironmentLacks: bubblewrap is missing.
    """
    if opening().unsafe:
        memory = Path("/dev/shm") if os.access("/dev/shm", os.W_OK | os.X_OK) else None
        with temporary_folder(memory) as scratch:
            env = {**os.environ, "TMPDIR": str(scratch)}
            yield Confined(tuple(proc.dying_with_us([], "KILL")), (), env, str(scratch))
        return
    tool = _bubblewrap()
    filter_fd = os.memfd_create("filter")
    try:
        os.write(filter_fd, syscall_filter())
        os.lseek(filter_fd, 0, os.SEEK_SET)
        yield Confined(
            before=(tool, *_arguments(devices), "--seccomp", str(filter_fd), "--"),
            descriptors=(filter_fd,),
            env={"PATH": os.environ.get("PATH", os.defpath), "TMPDIR": "/dev/shm"},
            scratch="/dev/shm",
        )
    finally:
        os.close(filter_fd)


def _bubblewrap() -> str:
    try:
        return proc.need(_TOOL)
    except EnvironmentLacks as error:
        (finding,) = error.findings
        raise EnvironmentLacks.of(
            f"{finding.message}: without it, a guest could change this machine's files",
            expected=finding.expected,
            hint=f"{finding.hint}; or let it, with --unsafe",
        ) from error


def _arguments(devices: Sequence[str]) -> list[str]:
    rw = opening().rw
    capabilities = (*_READS, *(_WRITES if rw else ())) if os.geteuid() == 0 else ()
    own_users = os.geteuid() == 0 and not _may_mount()
    return [
        "--die-with-parent", "--unshare-pid", "--unshare-net", "--unshare-ipc",
        *(("--unshare-user",) if own_users else ()),
        "--cap-drop", "ALL", *(word for name in capabilities for word in ("--cap-add", name)),
        "--ro-bind", "/", "/",
        *(word for path in rw for word in ("--bind", path, path)),
        # Its own processes only: /proc/PID/root of others leads to files that can be written.
        # Read-only, for /proc/sys has settings of the whole machine, and asks for no capability.
        "--proc", "/proc", "--remount-ro", "/proc",
        # Its own shared memory too, where User Mode Linux keeps what it has as memory.
        "--dev", "/dev",
        *(word for path in devices for word in ("--dev-bind-try", path, path)),
    ]  # fmt: skip


def _may_mount() -> bool:
    """Whether root may mount; in some containers it may in a user namespace only."""
    status = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace")
    rights = re.search(r"^CapEff:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return rights is not None and bool(int(rights[1], 16) >> _CAP_SYS_ADMIN & 1)


def check_confinement() -> None:
    """Find out whether guests can be confined here.

    Raises:
        EnvironmentLacks: they cannot.
    """
    if opening().unsafe:
        return
    with confined() as place:
        done = proc.run([*place.before, "true"], keep_open=place.descriptors)
    refuse_if_unconfined(done.output)


def refuse_if_unconfined(said: str) -> None:
    """Look whether bubblewrap is what failed when a guest did.

    Args:
        said: all that the guest's process has written to its standard error.

    Raises:
        EnvironmentLacks: it is.
    """
    if said.startswith(f"{_TOOL}: "):
        raise EnvironmentLacks.of(
            "this machine cannot keep a guest from changing its files",
            expected="that bubblewrap can make namespaces: as root, or with user namespaces on",
            found=said.splitlines()[0],
            hint="let the guest do whatever you may do: --unsafe",
        )
