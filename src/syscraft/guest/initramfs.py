"""Archives that a kernel unpacks at boot: the guest's first program, and what it shall run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from syscraft import proc
from syscraft.abi.toolchain import Toolchain
from syscraft.errors import BuildError, Where
from syscraft.files import (
    FileLock,
    cache_root,
    digest,
    folder_made_whole,
    is_whole,
    remove_drafts,
    remove_tree,
    seal,
)

_SOURCES = Path(__file__).parent / "init"
_FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra")

# For User Mode Linux: programs of this machine.
_HOST = Toolchain("gcc", "gcc", ("gcc", "libc6-dev"), link=("-static",))


def initramfs(toolchain: Toolchain = _HOST, files: Mapping[str, Path] | None = None) -> Path:
    """Build an archive, or find it in the cache.

    Args:
        toolchain: makes the first program.
        files: path in the guest -> a file of this machine; all can be executed.

    Raises:
        BuildError: the compiler cannot link the first program.
        EnvironmentLacks: the compiler is not here.
    """
    files = files or {}
    compiler = proc.need(toolchain.compiler, packages=toolchain.packages)
    sources = sorted(_SOURCES.glob("*.c"))
    argv = [compiler, *toolchain.flags, *_FLAGS, *map(str, sources)]
    contents = {name: path.read_bytes() for name, path in sorted(files.items())}
    key = digest(
        *(path.read_bytes() for path in sorted(_SOURCES.glob("*.[ch]"))),
        toolchain.compiler, *argv[1:], *toolchain.link, *_flat(contents),
    )  # fmt: skip
    folder = cache_root() / "initramfs" / key
    archive = folder / "initramfs.cpio"
    if is_whole(folder):
        return archive
    with FileLock(folder.with_suffix(".lock")):
        if not is_whole(folder):
            remove_tree(folder)
            remove_drafts(folder.parent, key)
            with folder_made_whole(folder) as draft:
                program = draft / "init"
                done = proc.run(
                    [*argv, "-o", str(program), *toolchain.link], env={"TMPDIR": str(draft)}
                )
                if not done.ok:
                    raise BuildError.of(
                        "the guest's init program does not compile",
                        Where(str(_SOURCES)),
                        found=done.output.strip(),
                        hint=f"apt-get install {' '.join(toolchain.packages)}",
                    )
                contents["init"] = program.read_bytes()
                (draft / archive.name).write_bytes(_cpio(contents))
                seal(draft)
    return archive


def _flat(contents: Mapping[str, bytes]) -> Sequence[str | bytes]:
    return [part for name, data in contents.items() for part in (name, data)]


def _cpio(contents: Mapping[str, bytes]) -> bytes:
    """Write an archive of programs, and the folders that they are in.

    Source: Documentation/driver-api/early-userspace/buffer-format.rst, Linux 6.12.
    """
    folders = {str(parent) for name in contents for parent in Path(name).parents} - {"."}
    entries = [_entry(folder, 0o040755, b"") for folder in sorted(folders)]
    entries += [_entry(name, 0o100755, data) for name, data in sorted(contents.items())]
    return b"".join([*entries, _entry("TRAILER!!!", 0, b"")])


def _entry(name: str, mode: int, data: bytes) -> bytes:
    # inode, mode, uid, gid, links, time, size, device numbers, name's size, checksum
    numbers = (1, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % number for number in numbers) + name.encode() + b"\0"
    return _padded(head) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
