"""Cells of the matrix of verdicts, and where finished ones are kept."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path

from syscraft.build.flavour import OWN, PLAIN
from syscraft.files import cache_root, digest, read_record, write_record
from syscraft.lab.verdict import Verdict


@dataclass(frozen=True)
class Cell:
    """One test program of one ABI on one kernel in one guest.

    Args:
        guest, linux, kernel, abi, call, test, level: name the cell; ``kernel`` is the flavour,
            ``call`` what declares the test, ``level`` how the program was compiled, empty
            for scripts.
        declaration: how the user named the declaration; ``options`` are what else a command
            that repeats the cell needs.
        seconds: how long the program ran, when it ran.
        cached: whether it ran in an earlier session, with the same kernel, program and guest.
    """

    guest: str
    linux: str
    kernel: str
    abi: str
    call: str
    test: str
    level: str = ""
    declaration: str = ""
    options: tuple[str, ...] = ()
    verdict: Verdict = Verdict.INFRA
    seconds: float = 0.0
    detail: str = ""
    cached: bool = False

    @property
    def good(self) -> bool:
        return self.verdict in (Verdict.PASS, Verdict.SKIP)

    @property
    def job(self) -> tuple[str, str, str]:
        """The kernel and the guest that it belongs to."""
        return self.guest, self.linux, self.kernel

    @property
    def shown_test(self) -> str:
        """The test with what tells it from the others of its name."""
        return f"{self.test} {self.level}".rstrip()

    @property
    def repeat(self) -> str:
        """A command that shows the same again."""
        words = ("syscraft", "test", self.declaration, "--on", self.guest, "--linux", self.linux)
        named = [word for word in self.kernel.split("+") if not word.startswith(OWN)]
        kernel = () if named in ([], [PLAIN]) else ("--kernel", "+".join(named))
        return shlex.join((*words, *kernel, *self.options, "--again"))


@dataclass(frozen=True)
class GuestState:
    """What a guest cost; times are in seconds, None where it did not come that far.

    ``warnings`` are the compiler's, about the authors' lines.
    """

    guest: str
    linux: str
    kernel: str = "plain"
    build_seconds: float | None = None
    built_before: bool = False
    boot_seconds: float | None = None
    how: str = ""
    repaired: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def job(self) -> tuple[str, str, str]:
        return self.guest, self.linux, self.kernel


@dataclass(frozen=True)
class Matrix:
    guests: tuple[GuestState, ...]
    cells: tuple[Cell, ...]


def cell_key(ready_key: str, cell: Cell, program: str) -> str:
    """Name everything that a verdict depends on.

    Args:
        ready_key: of the guest, its kernel included.
        program: digest of the program, its arguments, and how it tells its result.
    """
    return digest(ready_key, cell.call, cell.abi, cell.test, cell.level, program)


def _path(key: str) -> Path:
    return cache_root() / "cells" / f"{key}.json"


def keep_cell(key: str, cell: Cell) -> None:
    """Keep a good verdict; a bad one is worth another look each time."""
    if key and cell.good:
        kept = {"verdict": cell.verdict.name, "seconds": cell.seconds, "detail": cell.detail}
        write_record(_path(key), kept)


def kept_cell(key: str, cell: Cell) -> Cell | None:
    """The verdict of an earlier session, if one is kept."""
    if not key:
        return None
    try:
        kept = read_record(_path(key))
        return replace(
            cell,
            verdict=Verdict[kept["verdict"]],
            seconds=float(kept["seconds"]),
            detail=str(kept["detail"]),
            cached=True,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
