"""Cells of the matrix of verdicts, and where finished ones are kept."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from syscraft.files import cache_root, digest, write_atomic
from syscraft.lab.verdict import Verdict


@dataclass(frozen=True)
class Cell:
    """One test program of one ABI on one guest.

    Args:
        guest, linux, abi, call, test: name the cell.
        declaration: how the user named the call's declaration.
        seconds: how long the program ran, when it ran.
        cached: whether it ran in an earlier session, with the same kernel, program,
            machine and emulator.
    """

    guest: str
    linux: str
    abi: str
    call: str
    test: str
    declaration: str = ""
    verdict: Verdict = Verdict.INFRA
    seconds: float = 0.0
    detail: str = ""
    cached: bool = False

    @property
    def good(self) -> bool:
        return self.verdict in (Verdict.PASS, Verdict.SKIP)

    @property
    def repeat(self) -> str:
        """A command that shows the same again."""
        return f"syscraft test {self.declaration} --on {self.guest} --linux {self.linux} --again"


@dataclass(frozen=True)
class GuestState:
    """What a guest cost; times are in seconds, None where it did not come that far."""

    guest: str
    linux: str
    build_seconds: float | None = None
    built_before: bool = False
    boot_seconds: float | None = None
    how: str = ""
    repaired: bool = False


@dataclass(frozen=True)
class Matrix:
    guests: tuple[GuestState, ...]
    cells: tuple[Cell, ...]


def cell_key(kernel_key: str, program: Path, machine: str, emulator: str) -> str:
    """Name everything that a verdict depends on."""
    return digest(kernel_key, program.read_bytes(), program.name, machine, emulator)


def _path(key: str) -> Path:
    return cache_root() / "cells" / f"{key}.json"


def keep_cell(key: str, cell: Cell) -> None:
    """Keep a good verdict; a bad one is worth another look each time."""
    if cell.good:
        kept = {"verdict": cell.verdict.name, "seconds": cell.seconds, "detail": cell.detail}
        write_atomic(_path(key), json.dumps(kept).encode())


def kept_cell(key: str, cell: Cell) -> Cell | None:
    """The verdict of an earlier session, if one is kept."""
    if not key:
        return None
    try:
        kept = json.loads(_path(key).read_text(encoding="utf-8"))
        return replace(
            cell,
            verdict=Verdict[kept["verdict"]],
            seconds=float(kept["seconds"]),
            detail=str(kept["detail"]),
            cached=True,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
