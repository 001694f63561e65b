"""What a new call spares itself to rebuild would come out the same."""

from __future__ import annotations

import filecmp
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import syscraft as library
from kernel.making import make
from syscraft.files import cache_root

MakeCall = Callable[..., Path]


def test_make_itself_comes_to_the_same_kernel(make_call: MakeCall, tmp_path: Path) -> None:
    """Touch every header of numbers, let make rebuild all that includes one, and compare."""
    name = f"ctpin{time.time_ns() % 1_000_000}"  # a row that no kernel here had before
    change = library.load(make_call(name)).patch()
    kernel = library.load(tmp_path / name).build()
    assert not kernel.from_cache
    objects = last_objects()
    source = objects.with_name("src")
    pinned = shutil.copyfile(objects / "linux", tmp_path / "pinned")
    for path in change.quiet:
        os.utime(source / path)
    for folder in ("arch/x86/include/generated", "arch/um/include/generated"):
        for header in (objects / folder).rglob("unistd*.h"):
            os.utime(header)
    # ccache gives an object back only for the same text: a difference would be compiled.
    rebuilt = make(source, objects, "linux").count("  CC ")
    assert rebuilt > 50, "make rebuilt next to nothing: the comparison would prove nothing"
    # Not by ==: a difference of two kernels takes pytest a quarter of an hour to print.
    assert filecmp.cmp(objects / "linux", pinned, shallow=False), "not the same kernel"


def test_another_call_is_configured_as_from_nothing(make_call: MakeCall, tmp_path: Path) -> None:
    """The configuration is made of the last call's; it must be what Kconfig alone comes to."""
    for _ in range(2):
        name = f"ctpin{time.time_ns() % 1_000_000}"
        call = library.load(make_call(name))
        call.build()
    objects = last_objects()
    config, fragment = objects / ".config", tmp_path / "fragment"
    exchanged = config.read_text()
    (option,) = call.patch().config
    assert f"{option}\n" in exchanged
    shutil.copyfile(objects / ".syscraft/fragment", fragment)
    fragment.write_text(fragment.read_text() + f"{option}\n")
    make(objects.with_name("src"), objects, "allnoconfig", f"KCONFIG_ALLCONFIG={fragment}")
    assert config.read_text() == exchanged


def last_objects() -> Path:
    logs = (cache_root() / "work").glob("*/obj-*/.syscraft/linux.log")
    return max(logs, key=lambda path: path.stat().st_mtime_ns).parents[1]
