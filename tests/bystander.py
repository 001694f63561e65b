"""What stands around a guest, for tests of whether it is still as it was."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

NOBODY = 65534
BREAK_OUT = Path(__file__).parent / "break_out.py"


@dataclass(frozen=True)
class Bystander:
    """A folder with files, a process, and listening sockets of this machine."""

    folder: Path
    process: subprocess.Popen[bytes]
    sockets: tuple[socket.socket, ...]
    before: str

    @property
    def attack(self) -> list[str]:
        """The command that tries to change any of it."""
        name = self.sockets[1].getsockname()[1:].decode()
        port = self.sockets[2].getsockname()[1]
        return ["python3", str(BREAK_OUT), str(self.folder), str(self.process.pid), name, str(port)]

    def check_unchanged(self) -> None:
        assert state(self.folder) == self.before
        assert self.process.poll() is None
        tracer = Path(f"/proc/{self.process.pid}/status").read_text().partition("TracerPid:")[2]
        assert tracer.split()[0] == "0"
        for listening in self.sockets:
            listening.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                if listening.type == socket.SOCK_STREAM:
                    listening.accept()
                else:
                    listening.recv(64)
                raise AssertionError(f"somebody came to {listening}")


def state(folder: Path) -> str:
    """A digest of all that there is in a folder: names, contents, owners, modes and times."""
    digest = hashlib.sha256()
    for path in sorted([folder, *folder.rglob("*")]):
        stat = path.lstat()
        digest.update(
            repr((
                str(path), stat.st_mode, stat.st_uid, stat.st_gid, stat.st_nlink, stat.st_mtime_ns,
                sorted(os.listxattr(path, follow_symlinks=False)),
            )).encode()
        )  # fmt: skip
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


@contextlib.contextmanager
def bystander(user: int) -> Iterator[Bystander]:
    """Something that *user* has every right to change."""
    # Not under pytest's own folder, which no other user can enter.
    root = Path(tempfile.mkdtemp(prefix="bystander-"))
    folder = root / "files"
    folder.mkdir()
    for name in ("kept", "second", "third"):
        (folder / name).write_text("the host's\n")
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, root)
        door, named, port = (
            stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
            for family in (socket.AF_UNIX, socket.AF_UNIX, socket.AF_INET)
        )
        letterbox = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        door.bind(str(folder / "door"))
        named.bind(f"\0{root.name}")
        port.bind(("127.0.0.1", 0))
        letterbox.bind(str(folder / "letterbox"))
        for listening in (door, named, port):
            listening.listen()
        for path in (root, folder, *folder.iterdir()):
            os.chown(path, user, user)
            path.chmod(0o755)
        process = stack.enter_context(
            subprocess.Popen(["sleep", "600"], user=user, group=user, extra_groups=[])
            if user != os.geteuid()
            else subprocess.Popen(["sleep", "600"])
        )
        stack.callback(process.kill)
        sockets = (door, named, port, letterbox)
        yield Bystander(folder, process, sockets, state(folder))
