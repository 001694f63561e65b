"""Structs of an author's own: laid out once, and every compiler has to agree."""

from __future__ import annotations

import ctypes
import importlib.util
import re
import subprocess
from pathlib import Path

import pytest
from abi.compilers import CELLS, Cell, compile_only, need_compiler
from conftest import need_tool

import syscraft

STRICT = ("-Wall", "-Wextra", "-Werror", "-pedantic")
STRUCTS = """
struct span_point { __u32 x, y; };  /* two fields in one line */

/* A comment with { braces; } */
struct span_info {
	char name[16];
	__aligned_u64 start, end;
	struct span_point corners[2];  // of one more struct
	__u16 kind;
	unsigned char level, pad[5];
	__aligned_be64 network;
	__aligned_le64 disk;
	__be32 address;
	__le16 port, more;
};
"""
LAYOUT = {
    "span_point": ({"x": 0, "y": 4}, 8),
    "span_info": (
        {"name": 0, "start": 16, "end": 24, "corners": 32, "kind": 48, "level": 50, "pad": 51}
        | {"network": 56, "disk": 64, "address": 72, "port": 76, "more": 78},
        80,
    ),
}


@pytest.fixture(scope="module")
def span(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a declaration that has structs, and its generated files under out."""
    folder = tmp_path_factory.mktemp("span")
    (folder / "span.toml").write_text(
        'name = "span"\nsummary = "serve a test"\nauthor = "A U Thor <author@example.org>"\n'
        'kernel = "struct span_info __user *info"\nuser = "int span(struct span_info *info)"\n'
        f'structs = """{STRUCTS}"""\n'
    )
    (folder / "span.c").write_text(
        "static long do_span(struct span_info __user *info)\n{\n\treturn 0;\n}\n"
    )
    syscraft.load(folder).write(folder / "out")
    return folder


def test_layout_of_the_model(span: Path) -> None:
    structs = syscraft.load(span).call.shared.structs
    found = {s.name: ({f.name: f.offset_bytes for f in s.fields}, s.size_bytes) for s in structs}
    assert found == LAYOUT


def test_python_classes_are_laid_out_as_in_c(span: Path) -> None:
    spec = importlib.util.spec_from_file_location("span", span / "out" / "span.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, (offsets, size) in LAYOUT.items():
        found = getattr(module, "".join(word.capitalize() for word in name.split("_")))
        assert ctypes.sizeof(found) == size
        assert {field: getattr(found, field).offset for field, *_ in found._fields_} == offsets
    info = module.SpanInfo(name=b"text", start=2**64 - 1)
    assert (info.name, info.start) == (b"text", 2**64 - 1)  # text, whatever sign char has


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_every_compiler_agrees(cell: Cell, span: Path, tmp_path: Path) -> None:
    need_compiler(cell)
    source = tmp_path / "use.c"
    source.write_text('#include "span_raw.h"\n')
    options = ("-std=c11", *STRICT, "-I", span / "out")
    assert not compile_only(cell, source, *options)


@pytest.mark.parametrize("compiler", ["gcc", "clang", "g++", "clang++"])
@pytest.mark.parametrize(
    ("old", "new"),
    [("__u32 x, y;", "__u32 x, more, y;"), ("char name[16]", "char name[24]"),
     ("__u16 kind;", "__u32 kind;"), ("pad[5]", "pad[5]; __u8 behind"),
     ("start, end;", "end, start;")],
)  # fmt: skip
def test_a_program_with_another_layout_does_not_compile(
    compiler: str, old: str, new: str, span: Path, tmp_path: Path
) -> None:
    """The struct of the header is changed, and what the header says of it is not."""
    need_tool(compiler)
    text = (span / "out" / "span_raw.h").read_text()
    assert old in text
    source = tmp_path / ("use.cc" if "++" in compiler else "use.c")
    source.write_text('#include "span_raw.h"\n')
    said = []
    for header in (text, text.replace(old, new)):
        (tmp_path / "span_raw.h").write_text(header)
        argv = [compiler, *STRICT, "-fsyntax-only", f"-I{span / 'out'}", source]
        said.append(subprocess.run(argv, capture_output=True, text=True, check=False).stderr)
    assert said[0] == ""
    assert re.search(r"static.assert", said[1])


def test_the_kernel_has_the_same_assertions(span: Path, tmp_path: Path) -> None:
    """They stand in its source, and gcc agrees to them with the kernel's own header."""
    files = {k: v.decode() for k, v in syscraft.load(span).patch().files.items()}
    text = files["kernel/span.c"]
    lines = re.findall(r"^static_assert\(.*\);$", text, re.MULTILINE)
    wanted = [
        line
        for name, (offsets, size) in LAYOUT.items()
        for line in (
            *(f"static_assert(offsetof(struct {name}, {field}) == {at});"
              for field, at in list(offsets.items())[1:]),
            f"static_assert(sizeof(struct {name}) == {size});",
        )
    ]  # fmt: skip
    assert lines == wanted
    assert "#include <linux/build_bug.h>\n" in text
    (tmp_path / "span.h").write_text(files["include/uapi/linux/span.h"])
    source = tmp_path / "use.c"
    head = (
        '#include <stddef.h>\n#include "span.h"\n#define static_assert(c) _Static_assert(c, #c)\n'
    )
    source.write_text(head + "\n".join(lines) + "\n")
    subprocess.run(["gcc", "-fsyntax-only", source], check=True)
