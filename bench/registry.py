# SPDX-License-Identifier: MIT
"""What questions about existing calls cost, compared with the bare step behind each.

Both columns of a row are measured in turn in one run, so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from bench import SYSCRAFT, quietly, row
from syscraft.api import check_kernel, read_kernel
from syscraft.tree.source import open_tree

TREE = "deb:6.12"


def read_every_source(root: Path) -> int:
    """Read what a call may be defined in, and look for the macro's name."""
    count = 0
    for folder, inner, names in os.walk(root):
        if Path(folder) == root:
            inner[:] = [n for n in inner if n not in ("tools", "samples", "Documentation")]
        for name in names:
            if name.endswith(".c"):
                with open(os.path.join(folder, name), "rb") as file:
                    count += b"SYSCALL" in file.read()
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    root = open_tree(TREE).root
    read_every_source(root)
    ask = "`python3 -c 'import click'`"

    def bare() -> None:
        quietly(sys.executable, "-c", "import click")

    rows = [
        row("`syscraft show clone --abi s390x`",
            lambda: quietly(SYSCRAFT, "show", "clone", "--abi", "s390x"), ask, bare, 2 * rounds),
        row("`syscraft show clone`", lambda: quietly(SYSCRAFT, "show", "clone"), ask, bare,
            2 * rounds),
        row("`syscraft list`", lambda: quietly(SYSCRAFT, "list"), ask, bare, 2 * rounds),
        row(f"every call of {TREE}", lambda: read_kernel(TREE), "read all C files",
            lambda: read_every_source(root), rounds),
        row(f"`syscraft check --tree {TREE}`, as a library",
            lambda: check_kernel(TREE), "read all C files",
            lambda: read_every_source(root), rounds),
    ]  # fmt: skip
    head = ("step", "median (range)", "cannot do without", "median (range)", "ratio")
    for cells in (head, ("---",) * 5, *rows):
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
