# SPDX-License-Identifier: MIT
"""Generated raw wrappers beside the kernel's nolibc and libc's syscall(3).

First the machine code at -O2, instruction by instruction; then calls per second, measured in
turn in one run. Ends with 1 if a generated wrapper has more instructions than nolibc's.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import syscraft
from syscraft.abi.discover import find_abi
from syscraft.abi.toolchain import Toolchain
from syscraft.tree.source import open_tree

ROOT = Path(__file__).parent.parent
COMPARED = ("x86_64", "arm64", "riscv64")


def run(*argv: str | Path) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{argv} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def function(name: str, trap: str, arity: int) -> str:
    """A C function that does nothing but the call, with its arguments where the ABI has them."""
    declared = ", ".join(f"long a{n}" for n in range(1, arity + 1)) or "void"
    passed = "".join(f", a{n}" for n in range(1, arity + 1))
    head = f"long {name}{arity}({declared})"
    return f"{head};\n{head}\n{{\n\treturn {trap}{arity}(39{passed});\n}}\n"


def disassemble(toolchain: Toolchain, source: Path, *options: str | Path) -> dict[str, list[str]]:
    """Compile at -O2. Returns: the instructions of each function."""
    compiled = source.with_suffix(".o")
    run(toolchain.compiler, *toolchain.flags, "-O2", "-ffreestanding", "-fno-stack-protector",
        "-fno-pie", *options, "-c", source, "-o", compiled)  # fmt: skip
    objdump = toolchain.compiler.replace("gcc", "objdump")
    listing = run(objdump, "-d", "--no-show-raw-insn", compiled)
    found: dict[str, list[str]] = {}
    for line in listing.splitlines():
        if match := re.match(r"^[0-9a-f]+ <(\w+)>:$", line):
            code = found.setdefault(match[1], [])
        elif match := re.match(r"^ +[0-9a-f]+:\t(.*)$", line):
            code.append(" ".join(match[1].split("#")[0].split()))
    return {name: without_padding(code) for name, code in found.items()}


def without_padding(code: list[str]) -> list[str]:
    while code and re.match(r"(cs )?(nop|xchg %ax,%ax|data16)", code[-1]):
        code = code[:-1]
    return code


def compare(folder: Path, nolibc: Path, *, show: bool) -> bool:
    """Print instruction counts. Returns: whether we never have more."""
    good = True
    print("| ABI | arguments | instructions | nolibc |\n| --- | --- | --- | --- |")
    for key in COMPARED:
        abi = find_abi(key)
        gcc = next(t for t in abi.toolchains if t.name == "gcc")
        ours, theirs = folder / f"{key}-ours.c", folder / f"{key}-theirs.c"
        ours.write_text(
            '#include "bare_syscalls.h"\n'
            + "".join(function("ours", "syscall", n) for n in range(7))
        )
        theirs.write_text(
            "#include <stddef.h>\nstatic void exit(int s) { (void)s; }\n"
            'static void __stack_chk_init(void) { }\n#include "arch.h"\n'
            + "".join(function("theirs", "my_syscall", n) for n in range(7))
        )
        mine = disassemble(gcc, ours, "-I", folder)
        other = disassemble(gcc, theirs, "-I", nolibc)
        for arity in range(7):
            a, b = mine[f"ours{arity}"], other[f"theirs{arity}"]
            good &= len(a) <= len(b)
            print(f"| {key} | {arity} | {len(a)} | {len(b)} |")
            if show:
                print("\n".join(f"    {x:40} {y}" for x, y in zip_longest(a, b)))
    return good


def zip_longest(a: list[str], b: list[str]) -> list[tuple[str, str]]:
    rows = max(len(a), len(b))
    return list(zip(a + [""] * (rows - len(a)), b + [""] * (rows - len(b)), strict=True))


def calls(folder: Path, nolibc: Path, rounds: int) -> None:
    """Print how long one getppid(2) takes by each of three ways."""
    run("gcc", "-O2", "-c", ROOT / "bench" / "nolibc.c", "-I", nolibc, "-o", folder / "nolibc.o")
    # It brings a _start and string functions, which are libc's here.
    run("objcopy", "--keep-global-symbol=nolibc_getppid", folder / "nolibc.o")
    run("gcc", "-O2", "-I", folder, ROOT / "bench" / "calls.c", folder / "nolibc.o",
        "-o", folder / "calls")  # fmt: skip
    columns: list[list[float]] = [[], [], []]
    for _ in range(rounds):
        for column, value in zip(columns, run(folder / "calls").split(), strict=True):
            column.append(float(value))
    print("\n| getppid(2) by | ns, median (range) | to ours, median (range) |\n| --- | --- | --- |")
    for name, column in zip(("syscall0()", "nolibc", "syscall(3)"), columns, strict=True):
        ratios = [value / ours for value, ours in zip(column, columns[0], strict=True)]
        print(f"| {name} | {spread([v * 1e9 for v in column], 1)} | {spread(ratios, 3)} |")


def spread(values: list[float], digits: int) -> str:
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--instructions", action="store_true", help="do not measure times")
    parser.add_argument("--show", action="store_true", help="print the machine code as well")
    arguments = parser.parse_args()
    nolibc = open_tree().root / "tools" / "include" / "nolibc"
    with tempfile.TemporaryDirectory(prefix="syscraft-bench-") as name:
        folder = Path(name)
        files = syscraft.load(ROOT / "examples" / "splork").generate(only=["bare-syscalls"])
        (folder / "bare_syscalls.h").write_text(files["bare_syscalls.h"])
        good = compare(folder, nolibc, show=arguments.show)
        if not arguments.instructions:
            calls(folder, nolibc, arguments.rounds)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
