"""Tries to change the machine around a sandbox or a guest; run as a program of its own.

    break_out.py FOLDER PID NAME PORT

FOLDER has files and listening sockets, see bystander.py; PID is a process of the machine; NAME is
of an abstract socket, PORT of one of TCP. Prints each attempt that was not refused.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import signal
import socket
import sys
import termios
from collections.abc import Callable
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
MS_REMOUNT, MS_BIND = 32, 4096
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
PTRACE_ATTACH = 16
AT_FDCWD = -100
PR_GET_NO_NEW_PRIVS = 39


def call(name: str, *arguments: object) -> int:
    """A function of libc's; OSError if it says that it failed."""
    result = int(getattr(LIBC, name)(*arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def mount(kind: str, data: str, flags: int = 0, where: str = "/mnt") -> None:
    words = (kind.encode(), where.encode(), kind.encode(), flags, data.encode())
    call("mount", *words)


def write(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"by the guest")


def changes(folder: Path) -> dict[str, Callable[[], object]]:
    """Every way to change files by their paths."""
    kept = folder / "kept"
    return {
        "write": lambda: write(kept),
        "truncate": lambda: os.truncate(kept, 1),
        "create": lambda: (folder / "new").write_text(""),
        "delete": lambda: (folder / "second").unlink(),
        "rename": lambda: (folder / "third").rename(folder / "elsewhere"),
        "link": lambda: (folder / "hard").hardlink_to(kept),
        "symlink": lambda: (folder / "soft").symlink_to(kept),
        "chmod": lambda: kept.chmod(0o4777),
        "chown": lambda: os.chown(kept, 1, 1),
        "utime": lambda: os.utime(kept, (0, 0)),
        "setxattr": lambda: os.setxattr(kept, "user.by", b"guest"),
        "mkdir": lambda: (folder / "folder").mkdir(),
        "mkfifo": lambda: os.mkfifo(folder / "pipe"),
    }


def remounted(folder: Path) -> None:
    call("mount", b"none", b"/", None, MS_REMOUNT | MS_BIND, None)
    write(folder / "kept")


def remounted_by_another_user(folder: Path) -> None:
    call("unshare", CLONE_NEWUSER | CLONE_NEWNS)
    remounted(folder)


def shared_by_the_host(folder: Path, kind: str, data: str, at: Path) -> None:
    """Mount what a guest has of the host's files once more, and write there."""
    Path("/mnt").mkdir(exist_ok=True)
    mount(kind, data)
    try:
        for attempt in changes(at).values():
            try:
                attempt()
            except OSError as error:
                last = error
            else:
                return
        raise last
    finally:
        LIBC.umount2(b"/mnt", 2)


def opened_by_hostfs(folder: str, name: str) -> None:
    """Open a file of the host for writing; it is not written, for it might work."""
    Path("/mnt").mkdir(exist_ok=True)
    mount("hostfs", folder)
    try:
        os.open(f"/mnt/{name}", os.O_WRONLY)
    finally:
        LIBC.umount2(b"/mnt", 2)


def through_other_roots(folder: Path, proc: Path = Path("/proc")) -> None:
    """/proc/PID/root leads to the files as the process has them."""
    last: OSError = FileNotFoundError()
    for root in proc.glob("[0-9]*/root"):
        try:
            write(root / str(folder).lstrip("/") / "kept")
        except OSError as error:
            last = error
        else:
            return
    raise last


def through_descriptors(folder: Path) -> None:
    """A descriptor of a file names its mount, which another file's handle can be opened in."""
    handle = ctypes.create_string_buffer(b"\x80\0\0\0", 8 + 128)
    mount_id = ctypes.c_int()
    kept = str(folder / "kept").encode()
    call("name_to_handle_at", AT_FDCWD, kept, handle, ctypes.byref(mount_id), 0)
    last: OSError = OSError(errno.EBADF, "no descriptor")
    for fd in range(64):
        try:
            os.write(call("open_by_handle_at", fd, handle, os.O_WRONLY), b"by the guest")
        except OSError as error:
            last = error
        else:
            return
    raise last


def connect(family: int, kind: int, address: object) -> None:
    with socket.socket(family, kind) as ours:
        ours.connect(address)


def datagram(path: Path) -> None:
    """A socket of a pair can send to a name as well."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        ours.sendto(b"by the guest", str(path))


def typed_for_the_user() -> None:
    with open("/dev/tty", "w") as terminal:
        fcntl.ioctl(terminal, termios.TIOCSTI, b"\n")


def a_key() -> None:
    """Leave something in the user's key ring, which no namespace separates."""
    if platform.machine() != "x86_64":
        raise NotImplementedError
    add_key, user_keyring = 248, -4
    call("syscall", add_key, b"user", b"by-the-guest", b"x", 1, user_keyring)


def keeps_more_rights() -> None:
    if call("prctl", PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0):
        raise PermissionError


def attempts(folder: Path, pid: int, name: str, port: int) -> dict[str, Callable[[], object]]:
    """Every attempt, under a name."""
    stream = socket.SOCK_STREAM
    here = Path("/mnt")
    return {
        **changes(folder),
        "remount": lambda: remounted(folder),
        "remount in a user namespace": lambda: remounted_by_another_user(folder),
        "hostfs": lambda: shared_by_the_host(folder, "hostfs", str(folder), here),
        "hostfs, other roots": lambda: shared_by_the_host(
            folder, "hostfs", f"/proc/{pid}/root{folder}", here
        ),
        "9p": lambda: shared_by_the_host(
            folder, "9p", "trans=virtio,version=9p2000.L", here / str(folder).lstrip("/")
        ),
        "other roots": lambda: through_other_roots(folder),
        "handles": lambda: through_descriptors(folder),
        "sysctl": lambda: os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY),
        "sysrq": lambda: os.open("/proc/sysrq-trigger", os.O_WRONLY),
        "hostfs, sysctl": lambda: opened_by_hostfs("/proc/sys/kernel", "core_pattern"),
        "kill": lambda: os.kill(pid, signal.SIGKILL),
        "ptrace": lambda: call("ptrace", PTRACE_ATTACH, pid, None, None),
        "connect to a file": lambda: connect(socket.AF_UNIX, stream, str(folder / "door")),
        "connect to a name": lambda: connect(socket.AF_UNIX, stream, f"\0{name}"),
        "connect over TCP": lambda: connect(socket.AF_INET, stream, ("127.0.0.1", port)),
        "send a datagram": lambda: datagram(folder / "letterbox"),
        "a key": a_key,
        "type for the user": typed_for_the_user,
        "more rights": keeps_more_rights,
    }


def succeeds(attempt: Callable[[], object]) -> bool:
    """In a process of its own, for some attempts change what the next ones could do."""
    child = os.fork()
    if child == 0:
        status = 0
        try:
            attempt()
        except (OSError, NotImplementedError):
            status = 1
        except BaseException:  # not to go on as a second parent
            status = 0
        os._exit(status)
    return os.waitpid(child, 0)[1] == 0


def main() -> None:
    folder, pid, name, port = sys.argv[1:]
    for what, attempt in attempts(Path(folder), int(pid), name, int(port)).items():
        if succeeds(attempt):
            print(what, flush=True)


if __name__ == "__main__":
    main()
