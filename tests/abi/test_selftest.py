"""The kernel's own test of a call passes values as the kernel reads them, on every ABI.

The calls have the parameters of existing ones and their numbers, so that today's kernels answer.
"""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import pytest
from conftest import need_tool

import syscraft
from abi.compilers import CELLS, Cell, need_compiler
from syscraft.emit.kernel.selftest import selftest_files
from syscraft.tree.source import open_tree

# One below 2^32, one with both halves, both positive as an off_t.
_LENGTH = 0x1_8000_0002
_FILE = 'int fd = memfd_create("file", 0);'  # larger than 2 GiB on every ABI

# name -> (the call that answers, declaration)
CALLS = {
    # The halves are the second and third value, or behind a register that stays unused.
    "selflength": (
        ("ftruncate64", "ftruncate"),
        f"""
kernel = "int fd, loff_t length"
user = "int selflength(long long length, int fd)"
[[cases]]
name = "both halves arrive"
setup = '{_FILE}'
args = ["{_LENGTH}LL", "fd"]
returns = 0
check = "lseek64(fd, 0, SEEK_END) == {_LENGTH}LL"
[[cases]]
name = "a negative length"
setup = '{_FILE}'
args = ["-1", "fd"]
errno = "EINVAL"
""",
    ),
    "selfread": (
        ("pread64",),
        f"""
kernel = "int fd, void __user *buf, size_t count, u64 offset"
user = "long selfread(int fd, char *buf, int offset, int count)"
[[cases]]
name = "an offset of 64 bits from one of 32"
setup = '''
{_FILE}
char text[8] = "";

EXPECT_EQ(5, write(fd, "abcde", 5));'''
args = ["fd", "text", "3", "8"]
returns = 2
check = 'strcmp(text, "de") == 0'
[[cases]]
name = "a negative offset"
setup = '''
{_FILE}
char text[8] = "";
'''
args = ["fd", "text", "-1", "8"]
errno = "EINVAL"
""",
    ),
    # A long of 64 bits from a negative int, and a constant.
    "selfseek": (
        ("lseek", "llseek"),  # the second to compile only
        f"""
kernel = "unsigned int fd, long offset, unsigned int whence"
user = "long selfseek(unsigned int fd, int offset)"
derive.whence = "2"
[[cases]]
name = "a negative offset from the end"
setup = '''
{_FILE}

EXPECT_EQ(5, write(fd, "abcde", 5));'''
args = ["fd", "-1"]
returns = 4
""",
    ),
    # A child in the parent's memory, which syscall(2) is not made for; elsewhere, one with a copy.
    "selfvfork": (
        ("vfork", "fork", "clone"),
        """
returns_twice = true
kernel = "unsigned long flags, int a, int b, int c, int d"
user = "long selfvfork(int a, int b, int c, int d)"
derive.flags = "17"
""",
    ),
}
_HOSTED = [cell for cell in CELLS if cell.toolchain.libc and "gcc" in cell.toolchain.name]


def runs(cell: Cell) -> bool:
    """Whether there is an emulator, and it hands on registers whole."""
    cut = "PROBE_WIDE_IS_CUT" in (cell.abi.template("probe.h") or "")
    return bool(cell.toolchain.emulator) and not cut


@pytest.fixture(scope="module")
def selftests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as tools/testing/selftests: the kernel's harness, and below it our programs."""
    root = tmp_path_factory.mktemp("selftests")
    harness = open_tree("deb:6.12").root / "tools" / "testing" / "selftests"
    for name in ("kselftest_harness.h", "kselftest.h"):
        (root / name).write_bytes((harness / name).read_bytes())
    for name, (answered_by, text) in CALLS.items():
        folder = root / name
        folder.mkdir()
        (folder / f"{name}.toml").write_text(
            f'name = "{name}"\nsummary = "serve a test"\n'
            f'author = "A U Thor <author@example.org>"\n{text}'
        )
        kernel = next(line for line in text.splitlines() if line.startswith("kernel"))
        parameters = kernel.split('"')[1]
        (folder / f"{name}.c").write_text(
            f"static long do_{name}({parameters})\n{{\n\treturn 0;\n}}\n"
        )
        files = selftest_files(syscraft.load(folder).unit)
        number = "\n".join(
            f"#{'if' if index == 0 else 'elif'} defined(__NR_{call})\n"
            f"#define __NR_{name} __NR_{call}"
            for index, call in enumerate(answered_by)
        )
        (folder / "number.h").write_text(f"#include <sys/syscall.h>\n{number}\n#endif\n")
        (folder / f"{name}_test.c").write_text(files[f"{name}_test.c"])
    return root


def build(cell: Cell, folder: Path, program: Path) -> None:
    need_compiler(cell)
    done = subprocess.run(
        [cell.toolchain.compiler, *cell.toolchain.flags, "-O2", "-Wall", "-Wextra", "-Werror",
         "-Wno-unused-parameter", "-Wno-sign-compare",
         "-include", folder / "number.h", folder / f"{folder.name}_test.c", "-o", program,
         *cell.toolchain.link],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("cell", [cell for cell in _HOSTED if runs(cell)], ids=str)
def test_values_arrive(cell: Cell, selftests: Path, tmp_path: Path) -> None:
    for name in CALLS:
        program = tmp_path / name
        build(cell, selftests / name, program)
        native = platform.machine() in cell.toolchain.native_on
        if not native:
            need_tool(cell.toolchain.emulator[0])
        argv = [program] if native else [*cell.toolchain.emulator, program]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "# FAILED" not in done.stdout and "# PASSED:" in done.stdout
        assert "# SKIP" not in done.stdout


@pytest.mark.parametrize("cell", [cell for cell in _HOSTED if not runs(cell)], ids=str)
def test_no_warning(cell: Cell, selftests: Path, tmp_path: Path) -> None:
    for name in CALLS:
        build(cell, selftests / name, tmp_path / name)
