"""A variant of an existing call: its parameters come from the registry."""

from __future__ import annotations

import subprocess
from pathlib import Path

import syscraft as library
from syscraft.declaration.ctype import CType

OPENAT3 = """\
name = "openat3"
summary = "open a file, as openat2, within a limit"
author = "A U Thor <author@example.org>"
like = "openat2"
add = ["u32 limit"]
"""
BODY = """\
static long do_openat3(int dfd, const char __user *filename, struct open_how __user *how,
\t\t       size_t usize, u32 limit)
{
\treturn usize ? limit : -EINVAL;
}
"""


def make(folder: Path, toml: str) -> library.Declaration:
    folder.mkdir()
    (folder / "openat3.toml").write_text(toml)
    (folder / "openat3.c").write_text(BODY)
    return library.load(folder)


def test_parameters_and_a_wrapper_of_their_own(tmp_path: Path) -> None:
    declaration = make(tmp_path / "openat3", OPENAT3)
    call = declaration.call
    assert [p.name for p in call.parameters] == ["dfd", "filename", "how", "usize", "limit"]
    assert call.parameters[2].ctype == CType("struct open_how", 1, user=True)
    assert [p.name for p in call.wrappers[0].parameters] == [p.name for p in call.parameters]
    assert not call.returns_twice
    declaration.write(tmp_path / "out")
    source = tmp_path / "use.c"
    source.write_text('#include "openat3.h"\nlong use(void) { return openat3(-1, 0, 0, 0, 7); }\n')
    subprocess.run(["gcc", "-Wall", "-Wextra", "-Werror", f"-I{tmp_path}/out", "-c", source,
                    "-o", "/dev/null"], check=True)  # fmt: skip
    text = "\n".join(declaration.patch().files["kernel/openat3.c"].decode().splitlines())
    assert "SYSCALL_DEFINE5(openat3, int, dfd, const char __user *, filename," in text


def test_an_order_of_the_users_choice(tmp_path: Path) -> None:
    user = 'user = "int openat3(struct open_how *how, int dfd, const char *filename)"\n'
    derive = '\n[derive]\nusize = "sizeof(*how)"\nlimit = "0"\n'
    call = make(tmp_path / "openat3", OPENAT3 + user + derive).call
    assert [p.name for p in call.wrappers[0].parameters] == ["how", "dfd", "filename"]


def test_fork_like_calls_return_twice(tmp_path: Path) -> None:
    folder = tmp_path / "vfork2"
    folder.mkdir()
    (folder / "vfork2.toml").write_text(
        OPENAT3.replace("openat3", "vfork2").replace('"openat2"', '"vfork"')
    )
    (folder / "vfork2.c").write_text("static long do_vfork2(u32 limit)\n{\n\treturn 0;\n}\n")
    call = library.load(folder).call
    assert call.returns_twice
    assert [p.name for p in call.parameters] == ["limit"]
