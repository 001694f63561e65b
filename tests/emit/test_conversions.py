"""Generated headers hide no conversion: -Wconversion and -Wsign-conversion, for every type."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from conftest import REPOSITORY, need_tool
from emit.test_compile import COMPILERS, EXAMPLES, STRICT, program, users

import syscraft
from syscraft.abi.discover import find_abi
from syscraft.abi.toolchain import Toolchain

CONVERSIONS = (*STRICT, "-Wconversion", "-Wsign-conversion")

TOML = """
name = "{name}"
summary = "serve a test"
author = "A U Thor <author@example.org>"
kernel = "{kernel}"
user = {user}
pack = {pack}
"""
# The kernel's parameters, and the user's where they are not the same words.
PARAMETERS = (
    ("long a", None),
    ("int a, short b, signed char c, ssize_t d, unsigned int e", None),
    ("unsigned long a, size_t b, unsigned short c, unsigned char d, bool e", None),
    ("u64 a, loff_t b", "__u64 a, long long b"),
    ("s64 a, __be32 b", "__s64 a, __be32 b"),
    ("void __user *a, const char __user *b", "void *a, const char *b"),
    (
        "umode_t a, pid_t b, uintptr_t c",
        "unsigned short a, pid_t b, uintptr_t c",
    ),
)
DERIVED = "const char __user *s, size_t len, unsigned int flags, long off, u64 wide"
DERIVED_USER = (
    '["int {name}(const char *s, int flags, long long wide)", '
    '"long {name}_v(const char *s, unsigned int flags, unsigned char wide)"]'
)
DERIVE = '[derive]\nlen = "flags + 1"\noff = "flags - 5"\n'

ABIS = ("x86_64", "i386", "x32")
TOOLCHAINS = [(key, t) for key in ABIS for t in find_abi(key).toolchains if not t.kernel_headers]


@pytest.fixture(scope="module")
def declared(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Folders with the headers of calls with every type, in registers and in a struct."""
    folders = []
    for index, (kernel, user) in enumerate([*PARAMETERS, (DERIVED, None)]):
        for pack in ("false", "true"):
            name = f"sample{index}" + ("p" if pack == "true" else "")
            folder = tmp_path_factory.mktemp(name)
            wanted = f'"int {name}({user or kernel})"'
            if kernel == DERIVED:
                wanted = DERIVED_USER.format(name=name)
            text = TOML.format(name=name, kernel=kernel, user=wanted, pack=pack)
            (folder / f"{name}.toml").write_text(text + (DERIVE if kernel == DERIVED else ""))
            (folder / f"{name}.c").write_text(
                f"static long do_{name}({kernel})\n{{\n\treturn 0;\n}}\n"
            )
            call = syscraft.load(folder)
            call.write(folder / "out")
            (folder / "out" / "use.c").write_text(program(*call.calls))
            folders.append(folder / "out")
    return folders


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folders = []
    for example in EXAMPLES:
        folder = tmp_path_factory.mktemp(example.name)
        syscraft.load(REPOSITORY / example).write(folder)
        (folder / "use.c").write_text(users(example.name))
        folders.append(folder)
    return folders


def check(compiler: str, *flags: str, folders: list[Path], language: str) -> None:
    need_tool(compiler)
    for folder in folders:
        done = subprocess.run(
            [compiler, *flags, "-O1", *CONVERSIONS, "-x", language, "-I", folder, "-c",
             folder / "use.c", "-o", "/dev/null"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("language", ["c", "c++"])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_no_conversion_is_hidden(
    compiler: str, language: str, declared: list[Path], examples: list[Path]
) -> None:
    check(compiler, folders=[*declared, *examples], language=language)


@pytest.mark.parametrize(
    ("key", "toolchain"), TOOLCHAINS[2:], ids=[f"{key}-{t.name}" for key, t in TOOLCHAINS[2:]]
)
def test_no_conversion_is_hidden_where_registers_are_narrow(
    key: str, toolchain: Toolchain, declared: list[Path], examples: list[Path]
) -> None:
    check(toolchain.compiler, *toolchain.flags, folders=[*declared, *examples], language="c")
