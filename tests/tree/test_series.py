"""The series as maintainers want it: pieces, tests, warnings, and a kernel without the call."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import REPOSITORY, Syscraft, need_tool

import syscraft as library
from syscraft.build.kernel import REPRODUCIBLE
from syscraft.emit.kernel.selftest import selftest_files
from syscraft.emit.man_page import man_page
from syscraft.tree.source import KernelTree, open_tree

NAMES = ("splork", "splork8", "clone_nice")
EXAMPLES = tuple(REPOSITORY / "examples" / name for name in NAMES)


def make(tree: Path, objects: Path, *words: str) -> str:
    """Run make for User Mode Linux; returns what it said."""
    done = subprocess.run(
        ["make", "-C", tree, f"O={objects}", "ARCH=um", f"-j{os.cpu_count()}", *words],
        env={**os.environ, **REPRODUCIBLE},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    return done.stdout


@pytest.fixture(scope="module")
def patched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole tree with the three examples in it."""
    root = tmp_path_factory.mktemp("whole") / "linux"
    pristine = open_tree("deb:6.12").root
    linked = subprocess.run(["cp", "-al", pristine, root], check=False)
    if linked.returncode:  # another file system
        shutil.rmtree(root, ignore_errors=True)
        subprocess.run(["cp", "-a", pristine, root], check=True)
    for example in EXAMPLES:
        library.load(example).apply(str(root))
    return root


def configure(tree: Path, objects: Path, value: str) -> None:
    config = (REPOSITORY / "src/syscraft/guest/uml.config").read_text()
    options = (f"CONFIG_{name.upper()}_SYSCALL" for name in NAMES)
    lines = [f"{o}=y" if value == "y" else f"# {o} is not set" for o in options]
    objects.mkdir()
    fragment = objects.parent / f"{objects.name}.config"
    fragment.write_text(config + "\n".join(lines) + "\n")
    make(tree, objects, f"KCONFIG_ALLCONFIG={fragment}", "allnoconfig")


def test_no_warning_from_the_compiler_or_sparse(patched: Path, tmp_path: Path) -> None:
    need_tool("sparse")
    configure(patched, tmp_path / "obj", "y")
    make(patched, tmp_path / "obj", "prepare")
    said = make(
        patched, tmp_path / "obj", "W=1", "C=2", *(f"kernel/{name}.o" for name in NAMES)
    )  # fmt: skip
    for name in NAMES:
        assert f"CHECK   {patched}/kernel/{name}.c" in said.replace("../", f"{patched}/")
    ours = [line for line in said.splitlines() if any(f"kernel/{n}.c:" in line for n in NAMES)]
    assert not ours


def test_sparse_would_have_found_something(patched: Path, tmp_path: Path) -> None:
    need_tool("sparse")
    source = patched / "kernel" / "splork.c"
    text = source.read_text()
    source.unlink()  # it may be a link
    source.write_text(text.replace("void __user *arg2)\n{\n\tchar", "void *arg2)\n{\n\tchar"))
    try:
        configure(patched, tmp_path / "obj", "y")
        make(patched, tmp_path / "obj", "prepare")
        said = make(patched, tmp_path / "obj", "C=2", "kernel/splork.o")
    finally:
        source.write_text(text)
    assert "kernel/splork.c" in said
    assert "different address spaces" in said


def test_kernel_without_the_calls_builds(patched: Path, tmp_path: Path) -> None:
    """The option is off, the rows are there: what answers is the stub."""
    configure(patched, tmp_path / "obj", "n")
    make(patched, tmp_path / "obj", "linux")
    symbols = subprocess.run(
        ["nm", tmp_path / "obj" / "linux"], capture_output=True, text=True, check=True
    ).stdout
    for name in NAMES:
        assert f"sys_{name}\n" in symbols
        assert f"do_{name}" not in symbols


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_selftest_passes_in_a_guest_and_only_there(
    example: Path, patched: Path, tmp_path: Path, syscraft: Syscraft
) -> None:
    name = example.name
    folder = patched / "tools/testing/selftests" / name
    subprocess.run(
        ["make", "-s", "-C", patched, f"O={tmp_path}", "headers"], check=True, capture_output=True
    )
    # The guest's kernel has this call alone, so that its number is the first one.
    for header in (tmp_path / "usr" / "include" / "asm").glob("unistd_*.h"):
        text = header.read_text()
        header.write_text(re.sub(rf"(__NR_{name}\b\D*)90\d", r"\g<1>900", text))
    program = tmp_path / f"{name}_test"
    subprocess.run(
        ["gcc", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Wno-sign-compare", "-O2", "-Werror",
         "-isystem", tmp_path / "usr" / "include", folder / f"{name}_test.c", "-o", program],
        check=True,
    )  # fmt: skip
    done = syscraft("run", example, "--", program)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# PASSED:" in done.stdout
    assert subprocess.run([program], capture_output=True, check=False).returncode != 0


def test_names_of_cases_become_names_of_c(make_call: Callable[..., Path]) -> None:
    names = ("exit", "64 bits", "exit", "a + b", "(+)", "!")
    toml = "".join(f'[[cases]]\nname = "{n}"\nargs = ["1"]\nreturns = 0\n' for n in names)
    text = selftest_files(library.load(make_call("ctnames", toml=toml)).unit)["ctnames_test.c"]
    found = re.findall(r"^TEST\((\w+)\)$", text, re.MULTILINE)
    assert found[0] == "case_exit"
    assert found[1:3] == ["case_64_bits", "case_exit_"]
    assert all(re.fullmatch(r"[a-z_][a-z0-9_]*", name) for name in found), found
    assert len(set(found)) == len(names) + 1


def test_selftest_builds_the_kernels_own_way(patched: Path) -> None:
    done = subprocess.run(
        ["make", "-C", patched / "tools/testing/selftests", "TARGETS=splork",
         "KHDR_INCLUDES=-D__NR_splork=900"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert (patched / "tools/testing/selftests/splork/splork_test").exists()
    assert "warning" not in done.stderr


def test_pieces_and_what_goes_with_them() -> None:
    change = library.load(EXAMPLES[2]).patch()
    subjects = [
        next(line for line in text.splitlines() if line.startswith("Subject:"))
        for _, text in change.series
    ]
    assert subjects == [
        "Subject: [PATCH 1/5] fork: let a caller prepare the child before it runs",
        "Subject: [PATCH 2/5] clone_nice: add the clone_nice() system call",
        "Subject: [PATCH 3/5] arch: wire up the clone_nice() system call",
        "Subject: [PATCH 4/5] selftests/clone_nice: test the clone_nice() system call",
        "Subject: [PATCH 5/5] Documentation: describe the clone_nice() system call",
    ]
    assert [name for name, _ in change.extras] == ["0000-cover-letter.txt", "clone_nice.2"]
    letter = change.extras[0][1]
    assert "[PATCH 0/5]" in letter
    assert "tools/testing/selftests/clone_nice/config" in letter


def test_tree_without_tests_and_documentation(
    patched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Vendors strip trees: the series is shorter then."""
    original = KernelTree.read

    def read(self: KernelTree, name: str) -> str | None:
        return None if name.startswith(("tools/", "Documentation/")) else original(self, name)

    monkeypatch.setattr(KernelTree, "read", read)
    change = library.load(EXAMPLES[0]).patch("deb:6.12")
    assert len(change.series) == 2
    assert not [path for path in change.files if path.startswith(("tools/", "Documentation/"))]


@pytest.mark.parametrize(
    ("path", "old", "new", "expected"),
    [
        ("include/linux/syscalls.h", "Architecture-specific", "Architecture", "the comment"),
        ("include/linux/compat.h", "#endif /* CONFIG_ARCH_HAS", "#endif /* ARCH_HAS", "#endif"),
        ("kernel/Makefile", "obj-$(CONFIG_", "obj-y += $(CONFIG_", "obj-$(CONFIG_...)"),
        ("init/Kconfig", "config ", "konfig ", "config ..._SYSCALL"),
        ("MAINTAINERS", "Maintainers List", "List", "Maintainers List"),
        ("tools/testing/selftests/Makefile", "TARGETS += ", "TARGET += ", "TARGETS += ..."),
        ("Documentation/userspace-api/index.rst", ".. toctree::", "..", ".. toctree::"),
    ],
)  # fmt: skip
def test_anchor_that_is_missing(
    path: str, old: str, new: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = KernelTree.read

    def read(self: KernelTree, name: str) -> str | None:
        text = original(self, name)
        return text.replace(old, new) if name == path and text else text

    monkeypatch.setattr(KernelTree, "read", read)
    with pytest.raises(library.SyscraftError) as caught:
        library.load(EXAMPLES[0]).patch("deb:6.12")
    assert path in str(caught.value)
    assert expected in str(caught.value)


def test_anchor_that_is_doubled(monkeypatch: pytest.MonkeyPatch) -> None:
    original = KernelTree.read
    path, line = "include/linux/syscalls.h", " * Architecture-specific system calls\n"

    def read(self: KernelTree, name: str) -> str | None:
        text = original(self, name)
        return text.replace(line, line + line) if name == path and text else text

    monkeypatch.setattr(KernelTree, "read", read)
    with pytest.raises(library.SyscraftError, match="not unique"):
        library.load(EXAMPLES[0]).patch("deb:6.12")


def test_manual_page_has_no_markup_by_accident(make_call: object) -> None:
    assert callable(make_call)
    need_tool("man")
    folder = make_call("ctpage", toml="description = '''\n.SH of evil\n'a quote \\ - end\n'''")
    page = man_page(library.load(folder).call)
    shown = subprocess.run(
        ["man", "-l", "-"], input=page, capture_output=True, text=True, check=True,
        env={**os.environ, "MANWIDTH": "80", "LC_ALL": "C"},
    ).stdout  # fmt: skip
    assert ".SH of evil" in shown
    assert "a quote \\ - end" in shown
