"""Every compiler of every ABI, and how a test starts it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from kept import compiled

from syscraft.abi.abi import Abi
from syscraft.abi.discover import all_abis
from syscraft.abi.toolchain import Toolchain
from syscraft.tree.headers import uapi_headers


@dataclass(frozen=True)
class Cell:
    abi: Abi
    toolchain: Toolchain

    @property
    def is_missing(self) -> bool:
        return shutil.which(self.toolchain.compiler) is None

    def __str__(self) -> str:
        return f"{self.abi.key}, {self.toolchain.name}"


CELLS = [Cell(abi, toolchain) for abi in all_abis() for toolchain in abi.toolchains]


def need_compiler(cell: Cell, command: str | None = None) -> None:
    """Skip where a compiler is missing; under CI=true that is a failure."""
    command = command or cell.toolchain.compiler
    if shutil.which(command) is None:
        message = f"{command} is missing: apt-get install {' '.join(cell.toolchain.packages)}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)


def compile_only(cell: Cell, source: Path, *options: str | Path, cxx: bool = False) -> str:
    """Compile to nothing. Returns: what the compiler said; empty if it was content."""
    toolchain = cell.toolchain
    command = toolchain.cxx if cxx else toolchain.compiler
    assert command
    argv = [command, *toolchain.flags, *options, source]
    if not toolchain.libc:
        argv.append("-ffreestanding")
    if toolchain.kernel_headers:
        argv += ["-isystem", _headers(cell.abi.linux_arch)]
    with tempfile.TemporaryDirectory() as folder:
        done = compiled(argv, source.parent, Path(folder) / "out.o")
    said = done.stdout + done.stderr
    return said or ("" if done.returncode == 0 else f"exit status {done.returncode}")


_headers = cache(uapi_headers)  # which reads them all to see whether they are whole


def all_of(work: Callable[[tuple[str, ...]], str], tasks: Iterable[tuple[str, ...]]) -> str:
    """Do tasks side by side. Returns: what the failed ones said, each under its name."""
    listed = list(tasks)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        said = pool.map(work, listed)
        return "\n".join(
            f"{' '.join(task)}\n{text[:2000]}"
            for task, text in zip(listed, said, strict=True)
            if text
        )
