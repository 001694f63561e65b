"""Checks this machine for tools, kernel sources, and what guests need."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from syscraft import proc
from syscraft.errors import EnvironmentLacks
from syscraft.files import cache_root, write_atomic
from syscraft.guest.discover import all_guests
from syscraft.guest.sandbox import check_confinement

_BUILD_TOOLS = (
    "gcc",
    "ld",
    "make",
    "flex",
    "bison",
    "bc",
    "perl",
    "git",
    "tar",
    "xz",
    "prlimit",
    "setpriv",
    "bwrap",
)
_SPACE_BYTES = 4 << 30  # unpacked source 1.7 GB, objects and finished kernels


@dataclass(frozen=True)
class Check:
    """One thing that syscraft needs; ``package`` names what of Debian brings it."""

    what: str
    present: bool
    detail: str
    package: str | None = None


def examine(*, guests: bool = False) -> list[Check]:
    """Look at everything, change nothing but one probe file in the cache.

    Args:
        guests: also what the machines of QEMU need.
    """
    checks = []
    for tool in _BUILD_TOOLS:
        path = shutil.which(tool)
        checks.append(
            Check(tool, path is not None, path or "not on PATH", proc.PACKAGES.get(tool, tool))
        )
    checks.append(_confinement())
    checks.append(_static_libc())
    source = Path("/usr/src/linux-source-6.12.tar.xz")
    checks.append(Check("linux-source-6.12", source.exists(), str(source), "linux-source-6.12"))
    checks.append(_cache())
    return [*checks, *_guests()] if guests else checks


def _guests() -> list[Check]:
    """What each guest needs."""
    checks = []
    for guest in all_guests():
        try:
            tools = guest.tools()
        except EnvironmentLacks as error:
            checks.append(Check(f"guest {guest.key}", False, str(error).splitlines()[0]))
            continue
        missing = [tool for tool in tools if shutil.which(tool) is None]
        packages = " ".join(dict.fromkeys(p for names in tools.values() for p in names))
        detail = f"no {', no '.join(missing)}" if missing else guest.machine
        checks.append(Check(f"guest {guest.key}", not missing, detail, packages))
    return checks


def _confinement() -> Check:
    """Guests run other people's code; it shall not change this machine's files."""
    try:
        check_confinement()
    except EnvironmentLacks as error:
        detail = error.findings[0].found or error.findings[0].message
        return Check("sandbox", False, detail, "bubblewrap")
    return Check("sandbox", True, "guests cannot change this machine's files")


def _static_libc() -> Check:
    """The guest's first process is linked statically."""
    if shutil.which("gcc") is None:
        return Check("libc.a", False, "cannot ask: gcc is missing", "libc6-dev")
    found = proc.run(["gcc", "-print-file-name=libc.a"]).output.strip()
    return Check("libc.a", os.path.isabs(found), found, "libc6-dev")


def _cache() -> Check:
    root = cache_root()
    try:
        write_atomic(root / ".probe", b"")
        (root / ".probe").unlink()
        free = shutil.disk_usage(root).free
    except (EnvironmentLacks, OSError) as error:
        return Check("cache", False, str(error).splitlines()[0])
    enough = free >= _SPACE_BYTES or (root / "kernels").is_dir()
    return Check("cache", enough, f"{root}, {free >> 30} GiB free")
