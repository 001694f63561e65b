"""Types reach programs and the kernel as they were declared."""

from __future__ import annotations

import importlib.util
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from conftest import need_tool

import syscraft

STRICT = ("-Wall", "-Wextra", "-Werror", "-pedantic")
Make = Callable[..., syscraft.Declaration]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write a declaration, and its generated files into the test's folder."""

    def make(kernel: str, user: str, more: str = "") -> syscraft.Declaration:
        folder = tmp_path / "declared"
        folder.mkdir()
        (folder / "sample.toml").write_text(
            'name = "sample"\nsummary = "serve a test"\nauthor = "A U Thor <author@example.org>"\n'
            f'kernel = "{kernel}"\nuser = "{user}"\n{more}'
        )
        (folder / "sample.c").write_text(f"static long do_sample({kernel})\n{{\n\treturn 0;\n}}\n")
        declaration = syscraft.load(folder)
        declaration.write(tmp_path)
        return declaration

    return make


def compiles(folder: Path, compiler: str, text: str, *options: str) -> str:
    """Compile a program that uses the header. Returns: what the compiler said."""
    need_tool(compiler)
    source = folder / ("use.cc" if "++" in compiler else "use.c")
    source.write_text(f'#include "sample.h"\n{text}\n')
    done = subprocess.run(
        [compiler, *STRICT, *options, "-fsyntax-only", f"-I{folder}", source],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stderr


@pytest.mark.parametrize("compiler", ["gcc", "clang", "g++", "clang++"])
def test_every_level_of_a_pointer_keeps_its_const(
    compiler: str, make: Make, tmp_path: Path
) -> None:
    kernel = "const char __user *const __user *argv, char __user * __user *out"
    declaration = make(kernel, "int sample(char *const *argv, char **out)")
    use = "int use(%s *argv, char **out) { return sample(argv, out); }"
    assert not compiles(tmp_path, compiler, use % "char *const")
    assert "argv" in compiles(tmp_path, compiler, use % "const char *const")
    raw = "long use(const char *const *argv, char **out) { return sample_raw(argv, out); }"
    assert not compiles(tmp_path, compiler, raw)
    change = declaration.patch().files
    source = " ".join(change["kernel/sample.c"].decode().split())
    assert (
        "SYSCALL_DEFINE2(sample, const char __user *const __user *, argv, "
        "char __user * __user *, out)"
    ) in source
    prototype = " ".join(change["include/linux/syscalls.h"].decode().split())
    assert f"asmlinkage long sys_sample({kernel});" in prototype


def test_a_body_has_to_keep_it_too(make: Make) -> None:
    kernel = "const char __user *const __user *argv"
    folder = make(kernel, "int sample(const char *const *argv)").folder
    body = folder / "sample.c"
    body.write_text(body.read_text().replace("*const __user *", "* __user *"))
    with pytest.raises(syscraft.errors.DeclarationError, match="does not have the declared"):
        syscraft.load(folder)


def test_an_offset_of_a_program_with_64_bits_is_passed_whole(make: Make, tmp_path: Path) -> None:
    """Whatever its off_t is: the refusal of off_t names loff_t."""
    make("int fd, loff_t at", "int sample(int fd, loff_t at)")
    use = (
        "#include <sys/types.h>\n"
        "int use(off_t at) { return sample(3, at); }\n"
        '_Static_assert(__builtin_types_compatible_p(__typeof__(sample), int(int, long long)), "");'
    )
    for options in ([], ["-D_FILE_OFFSET_BITS=64"]):
        for compiler in ("gcc", "i686-linux-gnu-gcc"):
            assert not compiles(tmp_path, compiler, use, *options)


@pytest.mark.parametrize("compiler", ["gcc", "g++", "clang++"])
def test_pointers_to_what_stdint_defines(compiler: str, make: Make, tmp_path: Path) -> None:
    make("u64 __user *at, bool flag", "int sample(uint64_t *at, _Bool flag)")
    use = "int use(uint64_t *at, bool flag) { return sample(at, flag); }"
    assert not compiles(tmp_path, compiler, use)


@pytest.mark.parametrize("compiler", ["gcc", "g++"])
def test_types_of_an_expression_bring_their_headers(
    compiler: str, make: Make, tmp_path: Path
) -> None:
    derive = '[derive]\nvalue = "(pid_t)given + (bool)given"\n'
    make("long value", "int sample(int given)", derive)
    assert not compiles(tmp_path, compiler, "int use(void) { return sample(1); }")


def module_of(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("sample", folder / "sample.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("returns", "kernels", "expected"),
    [
        ("int", -5, -5),
        ("long", -5000, -5000),
        ("unsigned int", -(2**31), 2**31),
        ("unsigned long", -5000, None),
        ("size_t", -5000, None),
        ("void *", -5000, None),
    ],
)
@pytest.mark.parametrize("long_bits", [32, 64])
def test_python_has_the_sign_of_the_result_that_c_has(
    returns: str, kernels: int, expected: int | None, long_bits: int, make: Make, tmp_path: Path
) -> None:
    make("int value", f"{returns} sample(int value)")
    module = module_of(tmp_path)
    module.__dict__.update(_call=lambda value: kernels, _LONG_BITS=long_bits)
    assert module.sample(1) == (2**long_bits + kernels if expected is None else expected)
