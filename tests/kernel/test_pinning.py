"""What a new call spares itself to rebuild would come out the same."""

from __future__ import annotations

import filecmp
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import syscraft as library
from syscraft.build.make import REPRODUCIBLE
from syscraft.files import cache_root

MakeCall = Callable[..., Path]


def test_make_itself_comes_to_the_same_kernel(make_call: MakeCall, tmp_path: Path) -> None:
    """Touch every header of numbers, let make rebuild all that includes one, and compare."""
    name = f"ctpin{time.time_ns() % 1_000_000}"  # a row that no kernel here had before
    change = library.load(make_call(name)).patch()
    kernel = library.load(tmp_path / name).build()
    assert not kernel.from_cache
    logs = (cache_root() / "work").glob("*/objects/*/linux.log")
    objects = max(logs, key=lambda path: path.stat().st_mtime_ns).with_name("obj")
    source = objects.parents[2] / "src"
    pinned = shutil.copyfile(objects / "linux", tmp_path / "pinned")
    for path in change.quiet:
        os.utime(source / path)
    for folder in ("arch/x86/include/generated", "arch/um/include/generated"):
        for header in (objects / folder).rglob("unistd*.h"):
            os.utime(header)
    done = subprocess.run(
        ["make", "-C", source, f"O={objects}", "ARCH=um", f"-j{os.cpu_count()}", "linux"],
        env={**os.environ, **REPRODUCIBLE},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rebuilt = done.stdout.count("  CC ")
    assert rebuilt > 50, "make rebuilt next to nothing: the comparison would prove nothing"
    # Not by ==: a difference of two kernels takes pytest a quarter of an hour to print.
    assert filecmp.cmp(objects / "linux", pinned, shallow=False), "not the same kernel"
