"""What an earlier run found out about equal input is not found out again.

Nothing is kept of a failure: whatever fails is done again, and says all that it says. Each Debian
package of this machine is part of a key, by name and version, so tools are the same ones.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from syscraft.files import cache_root, digest, write_atomic

PACKAGES = Path("/var/lib/dpkg/status")


def kept(*key: str | bytes, make: Callable[[], str]) -> str:
    """Make a text, unless an earlier run made it from the same.

    Args:
        key: all that the text depends on, but for packages.
        make: raises in place of a text that is not to be kept.
    """
    if not PACKAGES.exists():
        return make()
    path = cache_root() / "kept-by-tests" / digest(PACKAGES.read_bytes(), *key)
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        text = make()
        write_atomic(path, text.encode("utf-8", errors="surrogateescape"))
        return text


def compiled(
    argv: list[str | Path], folder: Path, output: Path
) -> subprocess.CompletedProcess[str]:
    """Compile one source file, by way of ccache where that is installed.

    ccache takes an object that it has if the compiler, its options, the source file and each file
    that this includes are the same, wherever they are below the folder for temporary files.

    Args:
        argv: the compiler's, without ``-c`` and ``-o``.
        folder: where it runs.
    """
    ours = {
        "CCACHE_BASEDIR": tempfile.gettempdir(),
        "CCACHE_NOHASHDIR": "1",  # no debug information names the folder
        "CCACHE_SLOPPINESS": "",
        "CCACHE_EXTRAFILES": str(PACKAGES) if PACKAGES.exists() else "",
    }
    through = ["ccache"] if shutil.which("ccache") else []
    return subprocess.run(
        [*through, *argv, "-c", "-o", output],
        cwd=folder, env={**os.environ, **ours}, capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip
