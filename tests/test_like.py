"""A variant of an existing call: its parameters come from the registry."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import syscraft as library
from syscraft.declaration.ctype import CType
from syscraft.errors import DeclarationError

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


LIKE = """\
name = "sample"
summary = "serve a test"
author = "A U Thor <author@example.org>"
like = "{like}"
add = ["unsigned int tag"]
"""


def like(folder: Path, name: str, more: str = "") -> library.Declaration:
    """A variant of an existing call; the body is what the error of a wrong one wants."""
    (folder / "sample.toml").write_text(LIKE.format(like=name) + more)
    (folder / "sample.c").write_text("static long do_sample(void)\n{\n\treturn 0;\n}\n")
    with pytest.raises(DeclarationError) as caught:
        library.load(folder)
    (finding,) = caught.value.findings
    assert finding.expected
    (folder / "sample.c").write_text(finding.expected + "\n{\n\treturn 0;\n}\n")
    return library.load(folder)


@pytest.mark.parametrize(
    ("name", "kernel"),
    [
        ("nanosleep", "struct __kernel_timespec __user *rqtp, "
         "struct __kernel_timespec __user *rmtp"),
        ("futex", "u32 __user *uaddr, int op, u32 val, const struct __kernel_timespec __user "
         "*utime, u32 __user *uaddr2, u32 val3"),
        ("timerfd_gettime", "int ufd, struct __kernel_itimerspec __user *otmr"),
        ("execve", "const char __user *filename, const char __user *const __user *argv, "
         "const char __user *const __user *envp"),
        ("getpid", ""),
        ("futex_time64", "u32 __user *uaddr, int op, u32 val, const struct __kernel_timespec "
         "__user *utime, u32 __user *uaddr2, u32 val3"),
    ],
)  # fmt: skip
def test_where_a_variant_starts_from(name: str, kernel: str, tmp_path: Path) -> None:
    """From what ABIs of 64 bits have, each pointer with its own const; six stay six."""
    found = like(tmp_path, name, "pack = true\n").call.parameters
    text = ", ".join(p.ctype.declare(p.name, kernel=True) for p in found)
    assert text == ", ".join(filter(None, (kernel, "unsigned int tag")))


@pytest.mark.parametrize("compiler", ["gcc", "g++"])
@pytest.mark.parametrize("name", ["nanosleep", "execve", "lseek", "sendfile"])
def test_its_header_compiles(compiler: str, name: str, tmp_path: Path) -> None:
    """The wrapper that it gets needs nothing more to be named; off_t is the kernel's long."""
    like(tmp_path, name).write(tmp_path)
    if name in ("lseek", "sendfile"):
        assert "off_t" not in (tmp_path / "sample.h").read_text()
    source = tmp_path / ("use.cc" if "++" in compiler else "use.c")
    source.write_text('#include "sample.h"\nvoid *use(void);\nvoid *use(void) '
                      "{ return (void *)sample; }\n")  # fmt: skip
    subprocess.run(
        [compiler, "-Wall", "-Wextra", "-Werror", f"-I{tmp_path}", "-c", source, "-o", "/dev/null"],
        check=True,
    )
