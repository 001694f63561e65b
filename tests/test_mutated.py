"""A few mutated declarations and command lines; ``python -m tests.mutated`` tries many."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY
from mutated import command_lines, supervise, worker
from mutated.trial import small_tree
from tiers import guard_in

TESTS = REPOSITORY / "tests"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small kernel tree in it."""
    made = tmp_path_factory.mktemp("mutated")
    small_tree(made)
    return made


def test_declarations(folder: Path) -> None:
    summary = supervise.try_many(seed=1, first=0, count=150, folder=folder, jobs=1, series_of=5)
    assert not summary.faults, summary.text()
    reached = {stage for _, stage in summary.reached}
    assert reached >= {"refused", "imported", "generated", "in a series"}, summary.text()


def test_command_lines(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", guard_in(tmp_path))  # apart: a refusal is a right answer here
    monkeypatch.setenv("SYSCRAFT_CACHE", str(folder / "cache"))
    command_lines.prepare(folder / "here", folder / "linux")
    for index in range(60):
        line = command_lines.make_line(1, index)
        assert not command_lines.try_line(line, folder / "here"), line


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("worker.limit_memory(); bytearray(2 << 30)", "MemoryError"),
        ("worker.limit_time(); [None for _ in iter(int, 1)]", "more than"),
        ("worker.limit_time(); import re; re.match('(a|a)*b', 'a' * 60)", "more than"),
    ],
    ids=["memory", "Python", "C"],
)
def test_limits(code: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The watch on a worker sees what it is for."""
    start = f"from mutated import worker; worker.PROCESSOR_S = 0.2; {code}"
    done = subprocess.run(
        [sys.executable, "-c", start], cwd=TESTS, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode in (1, -signal.SIGPROF)
    assert told in supervise.ended(done.returncode, done.stderr)


def test_a_worker_that_falls_costs_one_input(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUTATED_FALL", "3")
    summary = supervise.try_many(seed=1, first=0, count=6, folder=folder, jobs=1, series_of=9)
    assert summary.reached.total() == 5
    assert list(summary.faults.values()) == [[3]]


def test_the_same_input_again() -> None:
    known = worker.seeds()
    assert worker.make_input(7, 12, known) == worker.make_input(7, 12, known)
    assert command_lines.make_line(7, 12) == command_lines.make_line(7, 12)
