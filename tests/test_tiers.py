"""Outside of tests/kernel no test builds or boots a kernel: the guard refuses it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import tiers

from syscraft import proc


def run(*argv: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=False)


@pytest.fixture
def kernel_tree(tmp_path: Path) -> Path:
    """As much of a kernel tree as the guard looks at; its targets are there."""
    (tmp_path / "Kbuild").touch()
    (tmp_path / "Makefile").write_text("headers linux allnoconfig kernel/x.o:\n\t@echo made $@\n")
    return tmp_path


@pytest.mark.parametrize("target", ["linux", "allnoconfig", "kernel/x.o"])
def test_a_build_is_refused_and_noted(target: str, kernel_tree: Path) -> None:
    done = run("make", "-C", kernel_tree, "ARCH=um", target)
    assert done.returncode == 99
    assert f"ARCH=um {target}" in tiers.take_refusals()


def test_headers_may_be_exported_and_other_things_made(kernel_tree: Path) -> None:
    assert run("make", "-C", kernel_tree, "ARCH=um", "headers").returncode == 0
    (kernel_tree / "Kbuild").unlink()
    assert "made linux" in run("make", "-C", kernel_tree, "linux").stdout
    assert not tiers.take_refusals()


def test_what_the_library_starts_is_refused(kernel_tree: Path, tmp_path: Path) -> None:
    """tests/kernel/test_guard.py shows the same with kernels that are real."""
    log = tmp_path / "log"
    words = ["make", "-C", str(kernel_tree), "linux"]
    done = proc.run_watched(words, cwd=tmp_path, env={}, log=log, on_line=lambda line: None)
    assert done.status == 99
    for words in ([f"{tmp_path}/kernels/key/linux", "mem=1M"], ["qemu-system-arm", "-M", "virt"]):
        assert proc.run(proc.dying_with_us(words)).status == 99
    assert tiers.take_refusals().count("a kernel is ") == 3
    assert proc.run(proc.dying_with_us(["true"])).ok


def test_a_refusal_fails_a_test_that_does_not_look(
    kernel_tree: Path, request: pytest.FixtureRequest
) -> None:
    hook = tiers.pytest_runtest_call(request.node)
    next(hook)
    run("make", "-C", kernel_tree, "linux")
    with pytest.raises(pytest.fail.Exception, match="a kernel is built: make -C"):
        next(hook)


@pytest.mark.parametrize(
    ("name", "may"),
    [("kernel/test_run.py", True), ("everywhere/test_links.py", True), ("test_docs.py", False),
     ("emit/kernel/test_x.py", False)],
)  # fmt: skip
def test_the_folder_decides(name: str, may: bool) -> None:
    assert tiers.may_build(tiers.TESTS / name) == may
