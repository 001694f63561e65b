"""What a kernel and its files were made of, so that digests alone tell that nothing has changed.

Working a change out means compiling declarations, applying patches, and asking the compiler for
its version. None of it comes out another way while everything that went in is the same: the
declarations' files, the tree, the tools, and syscraft itself. Everything here is quick to import.
"""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import syscraft
from syscraft.files import cache_root, digest, is_whole, read_record, write_record


@dataclass(frozen=True)
class Remembered:
    """A kernel that was built before, and the generated files that go with its calls.

    Args:
        kernel: as :class:`syscraft.guest.base.Ready` keeps it in ``record``.
        headers: the folder of generated files.
    """

    kernel: Mapping[str, object]
    headers: Path


def remembered_key(*parts: str, tools: Iterable[str]) -> str:
    """Name what has to be the same but for the content of the declarations' files.

    Args:
        parts: what the user asked for: declarations, tree, guest, flavour.
        tools: the commands that the kernel is made with.
    """
    return digest(*parts, _own_state(), *map(_tool_state, tools))


def recall(key: str) -> Remembered | None:
    """What is remembered under *key*, if all of it is still there and true."""
    try:
        kept = read_record(_path(key))
        for path, content in kept["read"].items():
            if digest(Path(path).read_bytes()) != content:
                return None
        headers = Path(kept["headers"])
        for name, content in kept["generated"].items():
            if digest((headers / name).read_bytes()) != content:
                return None
        whole = is_whole(Path(kept["kernel"]["image"]).parent)
        return Remembered(kept["kernel"], headers) if whole else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def remember(key: str, read: Sequence[Path], kernel: Mapping[str, object], headers: Path) -> None:
    """Remember a kernel that was just built, or found.

    Args:
        read: the files of the declarations.
    """
    kept = {
        "read": {str(path): digest(path.read_bytes()) for path in read},
        "kernel": dict(kernel),
        "headers": str(headers),
        "generated": {
            entry.name: digest(Path(entry.path).read_bytes()) for entry in os.scandir(headers)
        },
    }
    write_record(_path(key), kept)


def _path(key: str) -> Path:
    return cache_root() / "remembered" / f"{key}.json"


def _tool_state(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        return name
    real = os.path.realpath(path)
    stat = os.stat(real)
    return f"{real} {stat.st_size} {stat.st_mtime_ns}"


@functools.cache
def _own_state() -> str:
    """What changes when syscraft does: the size and time of each of its files."""
    found: list[str] = []
    folders = [os.path.dirname(syscraft.__file__)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir():
                    if entry.name not in ("__pycache__", "data"):
                        folders.append(entry.path)
                elif not entry.name.endswith(".so"):
                    stat = entry.stat()
                    found.append(f"{entry.path} {stat.st_size} {stat.st_mtime_ns}")
    return digest(*sorted(found))
