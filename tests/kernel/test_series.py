"""The series in a tree of its own: warnings, selftests, and a kernel without the calls."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import REPOSITORY, Syscraft, need_tool

import syscraft as library
from kernel.examples import EXAMPLES
from kernel.making import left_out, make
from syscraft.build.flavour import find_flavour
from syscraft.build.kernel import build_kernel
from syscraft.guest.discover import find_guest
from syscraft.guest.kernel_guest import KernelGuest
from syscraft.guest.workload import Workload
from syscraft.tree.source import open_tree

NAMES = tuple(path.name for path in EXAMPLES)


@pytest.fixture(scope="module")
def patched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole tree with the examples in it."""
    root = tmp_path_factory.mktemp("whole") / "src"
    pristine = open_tree("deb:6.12").root
    linked = subprocess.run(["cp", "-al", f"{pristine}/.", root], check=False)
    if linked.returncode:  # another file system
        shutil.rmtree(root, ignore_errors=True)
        subprocess.run(["cp", "-a", f"{pristine}/.", root], check=True)
    for example in EXAMPLES:
        library.load(example).apply(str(root))
    return root


@pytest.fixture(scope="module")
def objects(patched: Path) -> Path:
    """The folder of objects beside it, ready to compile files of the kernel."""
    folder = patched.parent / "obj"
    folder.mkdir()
    fragment = patched.parent / "fragment"
    options = "".join(f"CONFIG_{name.upper()}_SYSCALL=y\n" for name in NAMES)
    fragment.write_text((REPOSITORY / "src/syscraft/guest/uml.config").read_text() + options)
    make(patched, folder, f"KCONFIG_ALLCONFIG={fragment}", "allnoconfig")
    make(patched, folder, "prepare")
    return folder


def test_no_warning_from_the_compiler_or_sparse(patched: Path, objects: Path) -> None:
    need_tool("sparse")
    said = make(patched, objects, "W=1", "C=2", *(f"kernel/{name}.o" for name in NAMES))
    for name in NAMES:
        assert f"CHECK   {patched}/kernel/{name}.c" in said.replace("../src/", f"{patched}/")
        assert f"CC      kernel/{name}.o" in said
    ours = [line for line in said.splitlines() if any(f"kernel/{n}.c:" in line for n in NAMES)]
    assert not ours


def test_sparse_would_have_found_something(patched: Path, objects: Path) -> None:
    need_tool("sparse")
    source = patched / "kernel" / "splork.c"
    text = source.read_text()
    source.unlink()  # it may be a link
    source.write_text(text.replace("void __user *arg2)\n{\n\tchar", "void *arg2)\n{\n\tchar"))
    try:
        said = make(patched, objects, "C=2", "kernel/splork.o")
    finally:
        source.write_text(text)
    assert "kernel/splork.c" in said
    assert "different address spaces" in said


def test_kernel_without_the_calls_builds() -> None:
    """The option is off, the rows are there: what answers is the stub."""
    work = Workload(tuple(library.load(path).unit for path in EXAMPLES), open_tree("deb:6.12"))
    guest = find_guest("uml")
    assert isinstance(guest, KernelGuest)
    target = guest.target(find_flavour("plain"))
    kernel = build_kernel(work.tree, left_out(work.change), target, print)
    symbols = subprocess.run(
        ["nm", kernel.image], capture_output=True, text=True, check=True
    ).stdout
    for name in (call.name for example in EXAMPLES for call in library.load(example).calls):
        assert f"sys_{name}\n" in symbols
        assert f"do_{name}" not in symbols


@pytest.fixture(scope="module")
def headers(patched: Path) -> Path:
    """What the tree exports to programs."""
    folder = patched.parent / "exported"
    subprocess.run(
        ["make", "-s", "-C", patched, f"O={folder}", "headers"], check=True, capture_output=True
    )
    return folder / "usr" / "include"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_selftest_passes_in_a_guest_and_only_there(
    example: Path, patched: Path, headers: Path, tmp_path: Path, syscraft: Syscraft
) -> None:
    name = example.name
    folder = patched / "tools/testing/selftests" / name
    program = tmp_path / f"{name}_test"
    subprocess.run(
        ["gcc", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Wno-sign-compare", "-O2", "-Werror",
         "-isystem", headers, folder / f"{name}_test.c", "-o", program],
        check=True,
    )  # fmt: skip
    done = syscraft("run", *EXAMPLES, "--", program)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# PASSED:" in done.stdout
    assert subprocess.run([program], capture_output=True, check=False).returncode != 0


def test_selftest_builds_the_kernels_own_way(patched: Path) -> None:
    done = subprocess.run(
        ["make", "-C", patched / "tools/testing/selftests", "TARGETS=splork",
         "KHDR_INCLUDES=-D__NR_splork=900"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert (patched / "tools/testing/selftests/splork/splork_test").exists()
    assert "warning" not in done.stderr
