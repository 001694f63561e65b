"""Builds of a toy tree: kept as kernels are, made in a moment, and never booted."""

from __future__ import annotations

import itertools
import shutil
import tarfile
from pathlib import Path

from syscraft.build.kernel import build_kernel
from syscraft.build.target import Target
from syscraft.hints import silent
from syscraft.tree import source
from syscraft.tree.adding import KernelChange
from syscraft.tree.source import open_tree

_LINUX = Path(__file__).parent / "linux"
_TARGET = Target("toy", "toy", "", "linux", "linux", ())
_OBJECTS = ("kernel/call", "kernel/fork", "kernel/sys", "lib/link", "lib/sort", "lib/string")
_VERSION = "1.1"


class Toy:
    """One tree, as Debian's archive or as a folder of the author's.

    Args:
        folder: for the tree.
        own: whether it is the author's.
    """

    def __init__(self, folder: Path, *, own: bool) -> None:
        self._numbers = itertools.count()
        self._last = self._change(next(self._numbers))
        root = folder / f"linux-source-{_VERSION}"
        if not root.exists():
            shutil.copytree(_LINUX, root, symlinks=True)
        self.linux = str(root)
        if not own:
            self.linux = f"deb:{_VERSION}"
            archive = folder / f"{root.name}.tar.xz"
            if not archive.exists():
                with tarfile.open(archive, "w:xz", preset=0) as tar:
                    tar.add(root, root.name)
            source._DEBIAN_SOURCES = folder

    @staticmethod
    def _change(number: int) -> KernelChange:
        files = {
            "kernel/call.c": f"/* call {number} */\n".encode(),
            "kernel/sys.c": f"/* kernel/sys.c */\n/* with call {number} */\n".encode(),
        }
        return KernelChange({}, files, (), (), (), frozenset(), ())

    def build(self, *, new: bool = True) -> str:
        """Build the tree with another change, or the last one again; returns what is wrong."""
        if new:
            self._last = self._change(next(self._numbers))
        tree = open_tree(self.linux)
        image = build_kernel(tree, self._last, _TARGET, silent).image.read_bytes()
        wanted = self._right()
        return "" if image == wanted else f"expected {wanted!r}, found {image!r}"

    def _right(self) -> bytes:
        def read(path: str) -> bytes:
            return self._last.files.get(path) or (_LINUX / path).read_bytes()

        shared = read("include/linux/syscalls.h") + read("init/Kconfig")
        return b"".join(read(f"{name}.c") + shared for name in _OBJECTS)
