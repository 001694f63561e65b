"""Generated headers under every compiler of every ABI: warnings, languages, facts, layouts."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from conftest import REPOSITORY
from header_functions import wrapper_functions

import syscraft
from abi.compilers import CELLS, Cell, all_of, compile_only, need_compiler
from syscraft.abi.discover import all_abis
from syscraft.model.call import Call

CALLS = [
    *(
        REPOSITORY / "examples" / name
        for name in ("splork", "splork8", "clone_nice", "clone3_nice", "ring")
    ),
    REPOSITORY / "tests" / "kernel" / "clone_pair",
    REPOSITORY / "src" / "syscraft" / "proof" / "program" / "proof_length.toml",
    REPOSITORY / "src" / "syscraft" / "proof" / "program" / "proof_read.toml",
    REPOSITORY / "src" / "syscraft" / "proof" / "program" / "proof_twice.toml",
]
STRICT = ("-Wall", "-Wextra", "-Werror", "-pedantic")


@pytest.fixture(scope="module")
def headers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All headers of all calls, and a file that takes the address of all they define."""
    folder = tmp_path_factory.mktemp("headers")
    with_libc, without = [], []
    for path in CALLS:
        loaded = syscraft.load(path)
        loaded.write(folder)
        for call in loaded.calls:
            with_libc += _functions(call, libc=True)
            without += _functions(call, libc=False)
    names = [call.name for path in CALLS for call in syscraft.load(path).calls]
    raw = "".join(f'#include "{name}_raw.h"\n' for name in names)
    libc = "".join(f'#include "{name}.h"\n' for name in names)
    uses = "unsigned long uses(void);\nunsigned long uses(void)\n{\n\treturn 0"
    without_libc = "".join(f"\n\t\t+ (unsigned long)&{name}" for name in without)
    more = "".join(f"\n\t\t+ (unsigned long)&{name}" for name in with_libc)
    (folder / "all.c").write_text(
        f"#if __STDC_HOSTED__\n{libc}#endif\n{raw}\n{uses}{without_libc}\n"
        f"#if __STDC_HOSTED__{more}\n#endif\n\t\t;\n}}\n"
    )
    return folder


def _functions(call: Call, *, libc: bool) -> list[str]:
    without = [f"{call.name}_call_raw"] if call.starts_function else []
    if libc:
        return [name for name in wrapper_functions(call) if name not in without]
    return [f"{call.name}_raw", *without]


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_no_warning(cell: Cell, headers: Path) -> None:
    """C11 and C++17, each level, with and without position independence and frame pointers."""
    need_compiler(cell)
    languages = ["-std=c11"]
    if cell.toolchain.cxx:
        need_compiler(cell, cell.toolchain.cxx)
        languages.append("-std=c++17")
    pie = ("-fno-pie", "-fPIE") if cell.toolchain.pie else ("-fno-pie",)
    # clang says so where an ABI has nothing but position-independent code.
    quiet = ("-Wno-option-ignored",) if "clang" in cell.toolchain.compiler else ()
    frames = ("-fomit-frame-pointer", "-fno-omit-frame-pointer -fno-asynchronous-unwind-tables")
    (headers / "all.cc").write_text((headers / "all.c").read_text())

    def build(options: tuple[str, ...]) -> str:
        cxx = options[0] == "-std=c++17"
        source = headers / ("all.cc" if cxx else "all.c")
        flags = (*" ".join(options).split(), *STRICT, *quiet, "-I", headers)
        return compile_only(cell, source, *flags, cxx=cxx)

    said = all_of(build, itertools.product(languages, ("-O0", "-O2", "-Os"), pie, frames))
    assert not said, said


def _asserts(cell: Cell) -> str:
    """What the compiler must agree to."""
    abi = cell.abi
    lines = [
        "#include <asm/unistd.h>",
        "#include <linux/types.h>",
        '#include "splork8_raw.h"',
        '#include "clone_pair_raw.h"',
        "#define SAME(a, b) _Static_assert((a) == (b), #a)",
        f"SAME(sizeof(long), {abi.long_bytes});",
        f"SAME(sizeof(void *), {abi.long_bytes});",
        f"SAME(__NR_exit, {abi.exit_number});",
        # Of this call, table rows have the same number in common on all architectures.
        "SAME(__NR_openat2, SYSCALL_NUMBER(437));",
        "enum { ABIS = 0",
        *(f"#if {other.macro}\n+ 1\n#endif" for other in all_abis()),
        "};",
        "SAME(ABIS, 1);",
        f"#if !({abi.macro})\n#error another ABI\n#endif",
    ]
    for path in (REPOSITORY / "examples" / "splork8", REPOSITORY / "tests/kernel/clone_pair"):
        packed = syscraft.load(path).call.packed
        assert packed
        lines.append(f"SAME(sizeof(struct {packed.name}), {packed.size_bytes});")
        lines += [
            f"SAME(__builtin_offsetof(struct {packed.name}, {field.name}), {field.offset_bytes});"
            for field in packed.fields
        ]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_compiler_agrees_with_our_facts(cell: Cell, headers: Path, tmp_path: Path) -> None:
    """Widths, numbers, conditions, and every size and offset of generated structs."""
    need_compiler(cell)
    source = tmp_path / "facts.c"
    source.write_text(_asserts(cell))
    said = compile_only(cell, source, "-std=c11", "-I", headers)
    assert not said, said


HAND_MADE = """
struct hand_made { unsigned int first; unsigned long long second; };
_Static_assert(__builtin_offsetof(struct hand_made, second) == 8, "another layout");
"""


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_layout_that_varies_is_noticed(cell: Cell, tmp_path: Path) -> None:
    """The check above can fail: a plain 64-bit field behind a 32-bit one moves on five ABIs."""
    need_compiler(cell)
    source = tmp_path / "hand_made.c"
    source.write_text(HAND_MADE)
    moved = "another layout" in compile_only(cell, source, "-std=c11")
    assert moved == (cell.abi.key in ("arc", "i386", "m68k", "openrisc", "sh4"))
