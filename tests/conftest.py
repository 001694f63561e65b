"""Fixtures that several rooms' tests share."""

from __future__ import annotations

import difflib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import hypothesis
import pytest

pytest_plugins = ["tiers"]

# A job in the background is started with SIGINT ignored, and so would be all that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Tests for a guest, not for here.
collect_ignore_glob = ["kernel/*/*"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--everywhere", action="store_true", help="also what takes longer than CI may: every guest"
    )
    parser.addoption("--kills", type=int, default=4, help="how often to kill what writes a tree")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave every guest's tests to "make test-all"."""
    if collection_path.name == "everywhere" and not config.getoption("--everywhere"):
        return True
    return None


REPOSITORY = Path(__file__).parent.parent

# A slow machine is no failure; CI tries the same examples each time, others new ones.
hypothesis.settings.register_profile(
    "here", deadline=None, derandomize=os.environ.get("CI") == "true"
)
hypothesis.settings.load_profile("here")

Syscraft = Callable[..., subprocess.CompletedProcess[str]]


def need_tool(name: str) -> None:
    """Skip the test where *name* is missing; under CI=true that is a failure."""
    if shutil.which(name) is None:
        message = f"the tool '{name}' is missing"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)


def missing_packages(packages: Iterable[str]) -> NoReturn:
    """Skip the test for want of Debian packages; under CI=true that is a failure."""
    message = f"apt-get install {' '.join(sorted(packages))}"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture
def syscraft() -> Syscraft:
    """Run the command line in a process of its own, as a user does."""
    return run_syscraft


def run_syscraft(
    *arguments: str | Path,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
    input: str | None = None,
    timeout: float = 1200,
) -> subprocess.CompletedProcess[str]:
    """What the fixture above is, for fixtures that live longer."""
    done = subprocess.run(
        command(*arguments),
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1", **(env or {})},
        input=input,
        stdin=subprocess.DEVNULL if input is None else None,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def command(*arguments: str | Path) -> list[str]:
    """The argument list that starts the command line."""
    start = "import sys; from syscraft.cli.main import main; main(sys.argv[1:])"
    return [sys.executable, "-c", start, *(str(argument) for argument in arguments)]


@pytest.fixture
def make_call(tmp_path: Path) -> Callable[..., Path]:
    """Make a declaration, as write_call does; in a folder of the test unless told another."""

    def make(
        name: str, body: Sequence[str] = ("return 0;",), *, folder: Path | None = None, **more: Any
    ) -> Path:
        return write_call(folder or tmp_path / name, name, body, **more)

    return make


@pytest.fixture
def toys(tmp_path: Path) -> Path:
    """A copy of a declaration of three calls that share a struct and a constant."""
    return Path(shutil.copytree(REPOSITORY / "tests" / "toys", tmp_path / "toys"))


def write_call(
    where: Path,
    name: str,
    body: Sequence[str] = ("return 0;",),
    *,
    toml: str = "",
    includes: Sequence[str] = (),
) -> Path:
    """Write a declaration of one call with one argument from the text of its body.

    Returns: its folder, *where*.
    """
    where.mkdir(parents=True)
    (where / f"{name}.toml").write_text(
        f'name = "{name}"\n'
        'summary = "serve a test"\n'
        'author = "A U Thor <author@example.org>"\n'
        'kernel = "int value"\n'
        f'user = "long {name}(int value)"\n'
        f"{toml}\n"
        '[[cases]]\nname = "answers"\nargs = ["1"]\nreturns = 0\n',
        encoding="utf-8",
    )
    lines = [
        "// SPDX-License-Identifier: GPL-2.0",
        *(f"#include <{header}>" for header in includes),
        f"static long do_{name}(int value)",
        "{",
        *(f"\t{line}" for line in body),
        "}",
    ]
    (where / f"{name}.c").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return where


def check_golden(path: Path, text: str) -> None:
    """Compare *text* with a file under ``tests/golden``; ``make accept`` takes it as it is."""
    if os.environ.get("SYSCRAFT_ACCEPT"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="surrogateescape")
        return
    old = path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
    difference = "\n".join(
        difflib.unified_diff(old.splitlines(), text.splitlines(), "expected", "found", lineterm="")
    )
    assert old == text, f"{path} differs; if it is meant to: make accept\n{difference}"
