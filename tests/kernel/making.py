"""Kernels by plain make, as their maintainers build them, and by syscraft with calls left out."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from syscraft.build.make import REPRODUCIBLE
from syscraft.tree.wire import KernelChange


def make(tree: Path, objects: Path, *words: str) -> str:
    """Run make for User Mode Linux.

    *tree* and *objects* stand in one folder: ccache then knows what any build of syscraft's
    own has compiled there, and the other way round.

    Returns: what it said.
    """
    assert objects.parent == tree.parent
    environment = {**os.environ, **REPRODUCIBLE}
    argv = ["make", "-C", str(tree), f"O={objects}", "ARCH=um", f"-j{os.cpu_count()}"]
    if shutil.which("ccache"):
        environment |= {"CCACHE_BASEDIR": str(tree.parent), "CCACHE_NOHASHDIR": "1"}
        if not (objects / "linux").exists():
            environment["CCACHE_DEPEND"] = "1"
        relative = os.path.relpath(tree, objects)
        argv += ["CC=ccache gcc", f"KCPPFLAGS=-fmacro-prefix-map={relative}/="]
    done = subprocess.run(
        [*argv, *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    return done.stdout


def merged(changes: Sequence[KernelChange], *, configured: bool = True) -> KernelChange:
    """Make one change of those that were wired together, with their calls or without."""
    config = [line for change in changes for line in change.config]
    if not configured:
        config = [f"# {line.partition('=')[0]} is not set" for line in config]
    return replace(
        changes[-1],
        files={path: data for change in changes for path, data in change.files.items()},
        config=tuple(config),
        quiet=frozenset().union(*(change.quiet for change in changes)),
    )
