"""Compiles the bodies of calls and links, where nothing else can have changed.

To find out what is out of date, make visits every folder of a kernel, which takes longer than
compiling a body. After an edit of a body nothing else is: the archives of the folders are thin,
they name objects and do not hold them.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from syscraft.build.make import Make
from syscraft.build.objects import Objects
from syscraft.build.target import Target
from syscraft.tree.wire import KernelChange

# How the kernel's makefile visits folders, and what waits for that before linking. A tree
# that says it in other words is always made as a whole.
# Source: Makefile, Linux 6.12
_VISITS = (
    "build-dir\t:= .\n",
    "$(sort $(KBUILD_LDS) $(KBUILD_VMLINUX_OBJS) $(KBUILD_VMLINUX_LIBS)): . ;\n",
    "$(build-dir): prepare\n",
    "vmlinux.a: $(KBUILD_VMLINUX_OBJS) ",
)
_NOWHERE = {"build-dir": "none"}


def only_bodies(
    objects: Objects, everything: str, source: Path, change: KernelChange
) -> frozenset[str]:
    """The bodies in *change* that differ from those of the last build; empty if more does.

    Args:
        everything: names all else that a build depends on.
    """
    changed = objects.changed(everything, change)
    own = {body.kernel_path for body in change.body_line_maps}
    if not changed or not changed <= own or not all(path.endswith(".c") for path in changed):
        return frozenset()
    if not (objects.image.exists() and objects.archive.exists()):
        return frozenset()
    makefile = (source / "Makefile").read_text(errors="replace")
    if not all(words in makefile for words in _VISITS):
        return frozenset()
    return frozenset() if _included(objects.path, changed) else changed


def _included(objects: Path, bodies: frozenset[str]) -> bool:
    """Whether another object was compiled from one of *bodies* as well."""
    ours = {f".{Path(path).stem}.o.cmd" for path in bodies}
    for folder, _, names in os.walk(objects):
        for name in names:
            if name.endswith(".o.cmd") and name not in ours:
                text = Path(folder, name).read_text(errors="replace")
                if any(f"/{path} " in text for path in bodies):
                    return True
    return False


def relinked(make: Make, objects: Objects, bodies: frozenset[str], target: Target) -> bool:
    """Compile *bodies* and link; returns whether that has made a kernel.

    Raises:
        BuildError: a body does not compile.
    """
    began = time.time_ns()
    make(" ".join(f"{path.removesuffix('.c')}.o" for path in sorted(bodies)), "body")
    objects.outdate_kernel()
    make(target.make_target, "kernel", **_NOWHERE)
    return objects.image.stat().st_mtime_ns > began
