"""Kernels by plain make, as their maintainers build them, and by syscraft with calls left out."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

from syscraft.build.make import CCACHE_SETTINGS, REPRODUCIBLE, through_ccache
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
        environment |= CCACHE_SETTINGS | {"CCACHE_BASEDIR": str(tree.parent)}
        if not (objects / "linux").exists():
            environment["CCACHE_DEPEND"] = "1"
        argv += through_ccache("gcc", tree, objects)
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


def left_out(change: KernelChange) -> KernelChange:
    """The same change with its calls in the tables, and configured out."""
    config = (f"# {line.partition('=')[0]} is not set" for line in change.config)
    return replace(change, config=tuple(config))
