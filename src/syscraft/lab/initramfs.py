"""The guest's first program, in an archive that the kernel unpacks at boot."""

from __future__ import annotations

from pathlib import Path

from syscraft import proc
from syscraft.errors import BuildError, Where
from syscraft.files import FileLock, cache_root, digest, folder_made_whole

_SOURCES = Path(__file__).parent / "guest"
_FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-static")


def initramfs() -> Path:
    """Build the archive, or find it in the cache.

    Raises:
        BuildError: the compiler cannot link a static program.
    """
    sources = sorted(_SOURCES.glob("*.c"))
    key = digest(*(path.read_bytes() for path in sorted(_SOURCES.glob("*.[ch]"))), *_FLAGS)
    folder = cache_root() / "initramfs" / key
    archive = folder / "initramfs.cpio"
    if archive.exists():
        return archive
    with FileLock(folder.with_suffix(".lock")):
        if not archive.exists():
            with folder_made_whole(folder) as draft:
                program = draft / "init"
                done = proc.run(["gcc", *_FLAGS, "-o", str(program), *map(str, sources)])
                if not done.ok:
                    raise BuildError.of(
                        "the guest's first program does not compile",
                        Where(str(_SOURCES)),
                        found=done.output.strip(),
                        hint="apt-get install libc6-dev",
                    )
                (draft / archive.name).write_bytes(_cpio("init", program.read_bytes()))
    return archive


def _cpio(name: str, data: bytes) -> bytes:
    """Write an archive of one program.

    Source: Documentation/driver-api/early-userspace/buffer-format.rst, Linux 6.12.
    """
    return _entry(name, 0o100755, data) + _entry("TRAILER!!!", 0, b"")


def _entry(name: str, mode: int, data: bytes) -> bytes:
    # inode, mode, uid, gid, links, time, size, device numbers, name's size, checksum
    numbers = (1, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % number for number in numbers) + name.encode() + b"\0"
    return _padded(head) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
