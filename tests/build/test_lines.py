"""The author's lines in a kernel's log, from programs that compilers made as kernels are made."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from conftest import need_tool

from syscraft.build.lines import KEPT, line_table, name_lines, with_line_tables
from syscraft.tree.adding import BodyLineMap
from syscraft.tree.source import KernelTree

OFFSET = 4  # lines that syscraft writes above the body
SOURCE = """\
/* Generated. */
#include "inlined.h"
volatile int sink;
int sys_toy(int *p);
static __attribute__((noinline)) int do_toy(int *p)
{
	sink++;
	return inlined(p);
}
int sys_toy(int *p)
{
	sink--;
	return do_toy(p) + 1;
}
"""
HEADER = """\
static inline void again(int *p)
{
	*(volatile int *)p = 5;
	*(volatile int *)p = 6;
}

static inline int inlined(int *p)
{


	again(p);
	return *p;
}
"""
OTHER = "int other(int x);\nint other(int x)\n{\n\treturn x * 3;\n}\n"
BODY = BodyLineMap("kernel/toy.c", "calls/toy.c", OFFSET)

COMPILERS = ["gcc", "i686-linux-gnu-gcc", "s390x-linux-gnu-gcc", "riscv64-linux-gnu-gcc"]


def linked(folder: Path, compiler: str) -> Path:
    need_tool(compiler)
    source = folder / "src/kernel"
    source.mkdir(parents=True)
    objects = folder / "obj"
    objects.mkdir()
    for name, text in (("toy.c", SOURCE), ("inlined.h", HEADER), ("other.c", OTHER)):
        (source / name).write_text(text)
    for name, level in (("toy", "-g1"), ("other", "-g")):
        subprocess.run(
            [
                compiler,
                "-Os",
                level,
                "-fno-pie",
                "-c",
                f"../src/kernel/{name}.c",
                "-o",
                f"{name}.o",
            ],
            cwd=objects,
            check=True,
        )
    subprocess.run(
        [compiler, "-nostdlib", "-static", "-no-pie", "-Wl,-e,sys_toy", "other.o", "toy.o",
         "-o", "vmlinux"],
        cwd=objects, check=True,
    )  # fmt: skip
    return objects / "vmlinux"


@pytest.fixture(params=COMPILERS)
def vmlinux(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    program = linked(tmp_path, request.param)
    (program.parent / KEPT).write_bytes(line_table(program, (BODY,)))
    return program


def offset_of(vmlinux: Path, line: int) -> tuple[str, int]:
    """A function and the offset in it of the first statement of *line* of kernel/toy.c."""
    table = json.loads((vmlinux.parent / KEPT).read_text())
    for name, rows in table["kernel/toy.c"].items():
        for offset, found in rows:
            if found == line:
                return name, offset
    raise AssertionError(table)


def test_table_has_the_bodies_functions_only(vmlinux: Path) -> None:
    table = json.loads((vmlinux.parent / KEPT).read_text())
    assert list(table) == ["kernel/toy.c"]
    assert sorted(table["kernel/toy.c"]) == ["do_toy", "sys_toy"]


def test_a_place_and_where_a_call_returns_to(vmlinux: Path) -> None:
    name, offset = offset_of(vmlinux, 7)
    exact = name_lines(f"RIP: 0010:{name}+{offset:#x}/0x40\n", vmlinux, (BODY,))
    assert exact == f"RIP: 0010:{name}+{offset:#x}/0x40 (calls/toy.c:3)\n"
    # An address that a call returns to is behind the call.
    assert "(calls/toy.c:3)" in name_lines(f" {name}+{offset + 1:#x}/0x40", vmlinux, (BODY,))
    caller, inside = offset_of(vmlinux, 13)
    assert "(calls/toy.c:9)" in name_lines(f" ? {caller}+{inside + 1:#x}/0x9", vmlinux, (BODY,))


def test_lines_of_an_inlined_function_are_the_callers(vmlinux: Path) -> None:
    """What goes wrong in spin_lock() and the like is told where the body calls it."""
    name, offset = offset_of(vmlinux, 8)
    assert name == "do_toy"
    assert "(calls/toy.c:4)" in name_lines(f"pc : {name}+{offset:#x}", vmlinux, (BODY,))


def test_places_in_the_source_are_mapped(vmlinux: Path) -> None:
    said = name_lines("at kernel/toy.c:7 do_toy+0x0/0x9\nkernel/toy.c:2:5\n", vmlinux, (BODY,))
    assert said.startswith("at kernel/toy.c:7 (calls/toy.c:3) do_toy+0x0/0x9")
    assert "kernel/toy.c:2:5 (kernel/toy.c:2)" in said


def test_other_functions_stay_as_they_are(vmlinux: Path) -> None:
    text = "RIP: 0010:other+0x1/0x9\r\nnothing at all\n other_do_toy+0x1/0x2 x+0xzz"
    assert name_lines(text, vmlinux, (BODY,)) == text


def test_no_table_no_lines(tmp_path: Path) -> None:
    assert name_lines("do_toy+0x1/0x2", tmp_path / "linux", (BODY,)) == "do_toy+0x1/0x2"
    (tmp_path / "linux").write_bytes(b"no ELF")
    assert line_table(tmp_path / "linux", (BODY,)) == b"{}"


def test_makefiles_of_the_bodies_only(tmp_path: Path) -> None:
    (tmp_path / "kernel").mkdir()
    (tmp_path / "kernel/Makefile").write_text("obj-y += fork.o")
    tree = KernelTree(tmp_path, "key", "tree")
    bodies = (BODY, BodyLineMap("kernel/b.c", "b.c", 3), BodyLineMap("fs/c.c", "c.c", 3))
    made = with_line_tables({"fs/Makefile": b"obj-y += c.o\n"}, tree, bodies)
    assert {path: text.decode().splitlines() for path, text in made.items()} == {
        "kernel/Makefile": [
            "obj-y += fork.o",
            "CFLAGS_toy.o += $(if $(CONFIG_DEBUG_INFO),,-g1)",
            "CFLAGS_b.o += $(if $(CONFIG_DEBUG_INFO),,-g1)",
        ],
        "fs/Makefile": ["obj-y += c.o", "CFLAGS_c.o += $(if $(CONFIG_DEBUG_INFO),,-g1)"],
    }


def test_offsets_agree_with_binutils(tmp_path: Path) -> None:
    program = linked(tmp_path, "gcc")
    table = json.loads(line_table(program, (BODY,)))["kernel/toy.c"]
    symbols = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    for name, rows in table.items():
        match = re.search(rf"^(\w+) \w {name}$", symbols, re.MULTILINE)
        assert match
        for offset, line in rows:
            address = hex(int(match[1], 16) + offset)
            said = subprocess.run(
                ["addr2line", "-e", program, address], capture_output=True, text=True, check=True
            ).stdout
            if "toy.c" in said:
                assert re.search(rf"kernel/toy\.c:{line}\b", said), (name, offset, said)
