"""Ways to damage a file, as full disks, stray programs and people do."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

Damage = Callable[[Path], None]


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def flip(path: Path) -> None:
    """Change one bit in the middle."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 1] = bytes(
        byte ^ 0x20 for byte in data[len(data) // 2 : len(data) // 2 + 1]
    )
    with path.open("r+b") as file:  # the same file, whoever else has it as a link
        file.write(data)


def delete(path: Path) -> None:
    path.unlink()


DAMAGES: tuple[Damage, ...] = (truncate, empty, flip, delete)


def files_in(root: Path) -> list[Path]:
    """Every file of a cache that has anything in it; locks have not."""
    return sorted(
        p for p in root.rglob("*") if p.is_file() and not p.is_symlink() and p.stat().st_size
    )


def kind_of(path: Path, root: Path) -> str:
    """What a file is for: files of one kind are read by the same code."""
    parts = path.relative_to(root).parts
    if parts[0] == "work" and len(parts) > 2:
        folder = parts[2].partition("-")[0]
        if folder == "obj" and parts[3] == ".syscraft":
            return f"work/obj/{path.name}"
        return f"work/{folder}" if folder in ("obj", "src") else f"work/{path.name}"
    if parts[0] == "trees":
        return "trees/seal" if len(parts) == 2 else "trees"
    if parts[0] in ("kernels", "initramfs", "tests", "headers"):
        return f"{parts[0]}/{path.suffix or path.name if parts[0] != 'headers' else path.suffix}"
    return f"{parts[0]}/{path.suffix}"


def sample(files: list[Path], root: Path, per_kind: int, choose: random.Random) -> list[Path]:
    """Some files of each kind."""
    kinds: dict[str, list[Path]] = {}
    for path in files:
        kinds.setdefault(kind_of(path, root), []).append(path)
    picked = [choose.sample(found, min(per_kind, len(found))) for _, found in sorted(kinds.items())]
    return [path for some in picked for path in some]
