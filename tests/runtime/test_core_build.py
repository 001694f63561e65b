"""The core as it is built, shipped and checked: compilers, sanitizers, wheels, other Pythons."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest
from conftest import REPOSITORY, need_tool

import syscraft
from syscraft.runtime import _core

RUNTIME = REPOSITORY / "src" / "syscraft" / "runtime"
CORE = RUNTIME / "core"
LIMITED_API = "-DPy_LIMITED_API=0x030B0000"
# What runs under sanitizers and other Pythons: whatever needs nothing but the core and pytest.
TESTS = sorted(str(path) for path in Path(__file__).parent.glob("test_*.py")
               if path.name.startswith(("test_clone", "test_core", "test_spawn"))
               and path.name != Path(__file__).name)  # fmt: skip


def lacking(what: str) -> NoReturn:
    """Skip for want of something that is installed; under CI=true that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


def build(folder: Path, compiler: str, *options: str) -> Path:
    """Compile the core. Returns: the extension module."""
    include = sysconfig.get_path("include")
    if not (Path(include) / "Python.h").exists():
        lacking(f"{include}/Python.h is missing: apt-get install python3-dev")
    module = folder / "_core.abi3.so"
    done = subprocess.run(
        [compiler, "-std=gnu11", "-fPIC", "-shared", "-Wall", "-Wextra", "-Werror", LIMITED_API,
         f"-I{include}", *options, *sorted(CORE.glob("*.c")), "-o", module],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return module


@pytest.mark.parametrize("level", ["-O0", "-O2", "-Os"])
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_no_warning(compiler: str, level: str, tmp_path: Path) -> None:
    need_tool(compiler)
    copy = copy_of_package(tmp_path, build(tmp_path, compiler, level))
    code = (
        "from syscraft.runtime.clone import clone\n"
        "from syscraft.runtime.spawn import spawn\n"
        "with clone(lambda: 3) as child: pass\n"
        "with spawn(['sh', '-c', 'exit 4']) as program: pass\n"
        "print(child.returncode, program.returncode)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout == "3 4\n", done.stderr


@pytest.mark.parametrize(
    ("only", "name"),
    [
        ("bare-syscalls", "bare_syscalls.h"),
        ("raw-header", "core_clone_raw.h"),
    ],
)
def test_golden_headers_of_the_core(only: str, name: str) -> None:
    files = syscraft.load(CORE / "declared" / "core_clone").generate(only=[only])
    path = CORE / "generated" / name
    if os.environ.get("SYSCRAFT_ACCEPT"):
        path.write_text(files[name])
    assert path.read_text() == files[name], f"{path} is not today's: make accept"


def copy_of_package(folder: Path, module: Path) -> Path:
    """The package with another core. Returns: the folder to put on the path."""
    copy = folder / "copy"
    ignored = shutil.ignore_patterns("__pycache__", "*.so")
    shutil.copytree(RUNTIME, copy / "syscraft" / "runtime", ignore=ignored)
    for name in ("__init__.py", "errors.py"):
        shutil.copy(RUNTIME.parent / name, copy / "syscraft" / name)
    shutil.copy(module, copy / "syscraft" / "runtime" / "_core.abi3.so")
    return copy


def run_tests(python: str, package: Path, *options: str, **variables: str) -> None:
    """Run the core's tests by another interpreter, or with another core."""
    code = (
        f"import sys; sys.path.append({str(Path(pytest.__file__).parent.parent)!r})\n"
        "import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    )
    paths = [str(package), str(REPOSITORY / "tests")]
    done = subprocess.run(
        [python, "-X", "dev", "-c", code, "-q", "--noconftest", "-p", "no:cacheprovider", "-p",
         "no:xdist", "-p", "no:hypothesispytest", "-o", "pythonpath=", *options, *TESTS],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), **variables},
        cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]


def test_under_sanitizers(tmp_path: Path) -> None:
    """Addresses and undefined behaviour; a finding ends the process, and so the test.

    What memory is left is told by the other runs: a sanitizer keeps all of it for a while.
    """
    need_tool("gcc")
    libraries = [
        subprocess.check_output(["gcc", f"-print-file-name={name}"], text=True).strip()
        for name in ("libasan.so", "libubsan.so")
    ]
    options = ("-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    copy = copy_of_package(tmp_path, build(tmp_path, "gcc", *options))
    run_tests(
        sys.executable, copy, "-k", "not leave_nothing",
        LD_PRELOAD=" ".join(libraries), PYTHONMALLOC="malloc", ASAN_OPTIONS="detect_leaks=0",
    )  # fmt: skip


@cache
def interpreter(version: str) -> str | None:
    """An interpreter of that version, from the PATH or from pyenv."""
    candidates = [f"python{version}"]
    if shutil.which("pyenv"):
        root = subprocess.check_output(["pyenv", "root"], text=True).strip()
        found = sorted(Path(root).glob(f"versions/{version}.*/bin/python"))
        candidates += [str(path) for path in found]
    for candidate in candidates:
        code = "import sys; print('%d.%d' % sys.version_info[:2])"
        try:
            done = subprocess.run([candidate, "-c", code], capture_output=True, text=True)
        except FileNotFoundError:
            continue
        if done.stdout.strip() == version:
            return candidate
    return None


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_one_build_serves_every_python(version: str, tmp_path: Path) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"Python {version} is not here")
    assert _core.__file__ is not None
    run_tests(python, copy_of_package(tmp_path, Path(_core.__file__)))


def pip(*arguments: str | Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", *arguments],
        capture_output=True, text=True, check=False, cwd=REPOSITORY,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_wheel_from_the_source_distribution(tmp_path: Path) -> None:
    """The sdist has all that a compiler needs; its wheel is for 3.11 and every newer Python."""
    need_tool("gcc")
    source = tmp_path / "source"
    # Not in the working tree: the build leaves folders behind.
    shutil.copytree(
        REPOSITORY, source, symlinks=True,
        ignore=shutil.ignore_patterns(".*", "build", "*.so", "*.egg-info", "tests", "__pycache__"),
    )  # fmt: skip
    code = (
        "import sys; from setuptools.build_meta import build_sdist; print(build_sdist(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True, text=True, check=False, cwd=source,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (sdist,) = tmp_path.glob("*.tar.gz")
    pip("wheel", "--no-deps", "--no-build-isolation", "-w", tmp_path, sdist)
    (wheel,) = tmp_path.glob("*.whl")
    assert "-cp311-abi3-linux_" in wheel.name
    unpacked = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(unpacked)
    module = unpacked / "syscraft" / "runtime" / "_core.abi3.so"
    assert module.exists()
    assert (unpacked / "syscraft" / "runtime" / "_core.pyi").exists()
    run_tests(sys.executable, unpacked, "-k", "test_return_code")
