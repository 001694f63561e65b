"""A place of its own for commands: what they read, and everything that they could leave behind."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

_REPOSITORY = Path(__file__).parent.parent.parent
BODY = """\
// SPDX-License-Identifier: GPL-2.0
#include <linux/syscalls.h>

/* toycall - give a number back. */
SYSCALL_DEFINE1(toycall, unsigned long, value)
{
\treturn value;
}
"""
# Drafts of ours, and what gcc and linkers write on their way.
_TEMPORARY = re.compile(r"^\.syscraft-|\.part$|\.tmp$|^cc[A-Za-z0-9]{6}\.")
Content = dict[str, tuple[bytes, int]]


class World:
    """A folder to be in, a kernel tree, a cache, a home and a place for temporary files.

    Args:
        tree: a small kernel tree, a git repository, to copy.
        cache: one that has kernels already.
    """

    def __init__(self, root: Path, tree: Path, cache: Path | None = None) -> None:
        self.here = root / "here"
        self.linux = root / "here" / "linux"
        self.cache = cache or root / "cache"
        self._home = root / "home"
        self._temporary = root / "tmp"
        self._pristine = root / "pristine"
        self._pristine.mkdir(parents=True)
        for name in ("splork", "clone_nice"):
            shutil.copytree(_REPOSITORY / "examples" / name, self._pristine / name)
        (self._pristine / "toycall.c").write_text(BODY)
        shutil.copytree(tree, self._pristine / "linux", symlinks=True)
        self._home.mkdir()
        self._temporary.mkdir()
        self.reset()

    @property
    def environment(self) -> dict[str, str]:
        """Of commands that are run here."""
        return {
            **os.environ, "SYSCRAFT_CACHE": str(self.cache), "HOME": str(self._home),
            "TMPDIR": str(self._temporary), "NO_COLOR": "1", "GIT_AUTHOR_NAME": "T",
        }  # fmt: skip

    def reset(self) -> None:
        """Make the folder what it was at first; the cache stays."""
        shutil.rmtree(self.here, ignore_errors=True)
        subprocess.run(["cp", "-a", self._pristine, self.here], check=True)

    def content(self) -> Content:
        """Every file, link and folder below the current folder; git's own are left out."""
        found = {}
        for path in self.here.rglob("*"):
            name = str(path.relative_to(self.here))
            if not name.startswith("linux/.git"):
                data = b""
                if path.is_symlink():
                    data = os.fsencode(path.readlink())
                elif path.is_file():
                    data = path.read_bytes()
                found[name] = (data, path.lstat().st_mode)
        return found

    def leftovers(self) -> list[str]:
        """What looks temporary, wherever a command may have put it."""
        found = [str(path) for path in self._temporary.iterdir()]
        found += [str(path) for path in self._home.iterdir()]
        found += [str(p) for p in Path("/dev/shm").iterdir() if p.name.startswith(".syscraft")]
        for folder, folders, files in os.walk(self.cache):
            if os.path.basename(folder) in ("trees", "src"):
                folders[:] = [name for name in folders if name.startswith(".")]
            found += [
                os.path.join(folder, name) for name in (*folders, *files) if _TEMPORARY.search(name)
            ]
        return sorted(found)
