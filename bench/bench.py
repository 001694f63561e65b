# SPDX-License-Identifier: MIT
"""What syscraft's commands cost, compared with the bare step behind each.

Both columns of a row are measured in turn in one run, so that a busy machine slows both.
``--write FILE`` puts the table between the bench marks of a page.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import syscraft
from syscraft.build.make import CCACHE_SETTINGS, REPRODUCIBLE, through_ccache
from syscraft.files import cache_root
from syscraft.guest.base import Ready

ROOT = Path(__file__).parent.parent
SYSCRAFT = str(Path(sys.executable).with_name("syscraft"))
EXAMPLE = str(ROOT / "examples" / "clone_nice")

_unique = itertools.count(time.time_ns() % 1_000_000_000)

Step = Callable[[], object]


def quietly(*argv: str | Path) -> None:
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{argv} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def objects_folder() -> Path:
    """The objects of the last build."""
    logs = (cache_root() / "work").glob("*/obj-*/.syscraft/linux.log")
    return max(logs, key=lambda path: path.stat().st_mtime_ns).parents[1]


def source_folder() -> Path:
    return objects_folder().with_name("src")


def bare_make(objects: Path | None = None) -> None:
    where = objects or objects_folder()
    words = ["-C", str(where.with_name("src")), f"O={where}", "ARCH=um", f"-j{os.cpu_count()}"]
    environment = {**os.environ, **REPRODUCIBLE}
    if shutil.which("ccache"):
        # With another compiler's name make would build everything anew.
        words += through_ccache("gcc", where.with_name("src"), where)
        environment |= CCACHE_SETTINGS | {"CCACHE_BASEDIR": str(where.parent)}
    subprocess.run(
        ["make", *words, "linux"],
        env=environment,
        stdout=subprocess.DEVNULL,
        check=True,
    )


def write_call(folder: Path, name: str) -> Path:
    """A call with a body that nobody has built before."""
    where = folder / name
    where.mkdir(exist_ok=True)
    (where / f"{name}.toml").write_text(
        f'name = "{name}"\nsummary = "serve a bench"\nauthor = "A U Thor <author@example.org>"\n'
        f'kernel = "int value"\nuser = "long {name}(int value)"\n'
        '[[cases]]\nname = "answers"\nargs = ["1"]\nreturns = 1\n'
    )
    (where / f"{name}.c").write_text(
        "// SPDX-License-Identifier: GPL-2.0\n"
        f"static long do_{name}(int value)\n{{\n"
        f"\tif (value == {next(_unique)})\n\t\treturn -EINVAL;\n\treturn value;\n}}\n"
    )
    return where


def boot() -> None:
    with ready().start():
        pass


@functools.cache
def ready() -> Ready:
    return syscraft.load(EXAMPLE).build()


def boot_twice() -> None:
    boot()
    boot()


def edited_body(folder: Path) -> None:
    quietly(SYSCRAFT, "test", write_call(folder, "benched"))


def make_after_edit() -> None:
    source = source_folder() / "kernel" / "benched.c"
    source.write_text(source.read_text() + f"/* {next(_unique)} */\n")
    bare_make()


def new_call(folder: Path) -> None:
    quietly(SYSCRAFT, "test", write_call(folder, f"benched{next(_unique)}"))


def make_after_new_row() -> None:
    """What make rebuilds on its own when a row is added to the tables."""
    table = source_folder() / "arch/x86/entry/syscalls/syscall_64.tbl"
    text = table.read_text()
    table.write_text(re.sub(r"\b(benched\d+)\b", lambda m: f"{m[1]}0", text))
    bare_make()


OPTION = "SYSFS_SYSCALL"


def second_flavour(folder: Path) -> None:
    """A kernel with one more option, of which no objects are there."""
    declaration = write_call(folder, "benched")
    if OWN:
        shutil.rmtree(OWN.pop())
    quietly(SYSCRAFT, "run", declaration, "--kconfig", f"{OPTION}=y", "--", "true")
    OWN.append(objects_folder())


OWN: list[Path] = []


def make_with_option(plain: Path) -> None:
    """What make rebuilds on its own when the option changes."""
    copy = plain.with_name("bench")
    if not copy.exists():
        shutil.copytree(plain, copy, symlinks=True)
    config = (copy / ".config").read_text()
    on, off = f"CONFIG_{OPTION}=y", f"# CONFIG_{OPTION} is not set"
    config = config.replace(on, off) if on in config else config.replace(off, on)
    (copy / ".config").write_text(config)
    bare_make(copy)


def measure(step: Step) -> float:
    started = time.monotonic()
    step()
    return time.monotonic() - started


def row(what: str, step: Step, floor: str, bare: Step, rounds: int) -> tuple[str, ...]:
    ours, theirs = [], []
    for done in range(rounds):
        print(f"{what}: {done + 1} of {rounds}", file=sys.stderr)
        ours.append(measure(step))
        theirs.append(measure(bare))
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    cells = (what, spread(ours, "s"), floor, spread(theirs, "s"), spread(ratios, ""))
    print(" | ".join(cells), file=sys.stderr)
    return cells


def spread(values: list[float], unit: str) -> str:
    middle = statistics.median(values)
    return f"{middle:.2f}{' ' + unit if unit else ''} ({min(values):.2f} to {max(values):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", metavar="FILE", type=Path)
    arguments = parser.parse_args()
    many, few = arguments.rounds * 2, max(2, arguments.rounds - 2)
    quietly(SYSCRAFT, "test", EXAMPLE)
    with tempfile.TemporaryDirectory(prefix="syscraft-bench-") as name:
        folder = Path(name)
        write_call(folder, "benched")
        edited_body(folder)
        plain = objects_folder()
        rows = [
            row("`syscraft --help`", lambda: quietly(SYSCRAFT, "--help"),
                "`python3 -c 'import click'`",
                lambda: quietly(sys.executable, "-c", "import click"), many),
            row("`syscraft run examples/clone_nice -- true`",
                lambda: quietly(SYSCRAFT, "run", EXAMPLE, "--", "true"),
                "boot and power off", boot, many),
            row("`make demo`, nothing changed", lambda: quietly("make", "demo"),
                "boot and power off, twice", boot_twice, arguments.rounds),
            row("`syscraft test`, body edited", lambda: edited_body(folder),
                "`make linux` after the same edit", make_after_edit, arguments.rounds),
            row(f"`syscraft run --kconfig {OPTION}=y`, a new flavour",
                lambda: second_flavour(folder),
                "`make linux` after the option", lambda: make_with_option(plain), few),
            # Last: the objects are another call's after it, with times that make cannot judge.
            row("`syscraft test`, new declaration", lambda: new_call(folder),
                "`make linux` after a new row", make_after_new_row, few),
        ]  # fmt: skip
    head = ("step", "median (range)", "compared with", "median (range)", "ratio")
    lines = [" | ".join(cells) for cells in (head, ("---",) * 5, *rows)]
    table = "\n".join(f"| {line} |" for line in lines)
    print(table)
    if arguments.write:
        page = arguments.write.read_text()
        marks = re.compile(r"(<!-- bench -->\n).*?(<!-- end of bench -->)", re.DOTALL)
        arguments.write.write_text(marks.sub(lambda m: f"{m[1]}{table}\n{m[2]}", page))


if __name__ == "__main__":
    main()
