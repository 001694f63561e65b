"""A few kills; ``python -m tests.killed`` tries many, of every command."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import REPOSITORY, command
from killed.kill import SIGNALS, Killer, Tally
from killed.verbs import LIGHT
from killed.world import World
from small_tree import make_small

EXAMPLES = REPOSITORY / "examples"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    calls = [EXAMPLES / "splork", EXAMPLES / "clone_nice"]
    return make_small(tmp_path_factory.mktemp("small") / "linux", calls)


@pytest.mark.parametrize("name", ["new", "generate", "patch", "toy build", "toy build, own tree"])
def test_killed_at_any_moment(
    name: str, tree: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    seed = random.randrange(1 << 32)
    killer, tally = Killer(LIGHT[name], World(tmp_path, tree), random.Random(seed)), Tally()
    for count in range(request.config.getoption("--kills")):
        killer.kill(SIGNALS[count % len(SIGNALS)], tally)
    assert not tally.faults, seed


# A command that says when it is at work, and works for long.
AT_WORK = """\
import sys, time
from syscraft import api
from syscraft.cli.main import main
from syscraft.files import temporary_folder
def load(path):
    with temporary_folder():
        print("at work", flush=True)
        time.sleep(60)
api.load = load
main(["generate", "call"])
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_end_in_order(number: signal.Signals, tmp_path: Path) -> None:
    process = _at_work(tmp_path)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert errors.lstrip() == "interrupted; run the same command again to resume\n"
    assert not list(tmp_path.iterdir())


def test_a_signal_that_is_ignored_stays_so(tmp_path: Path) -> None:
    process = _at_work(tmp_path, "nohup")
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM


def _at_work(folder: Path, *before: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [*before, sys.executable, "-c", AT_WORK],
        env={**os.environ, "TMPDIR": str(folder)},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    while "at work" not in (line := process.stdout.readline()):
        assert line, process.stderr and process.stderr.read()
    return process


def test_a_tool_dies_with_us(tmp_path: Path) -> None:
    """Otherwise tar would go on to fill a folder that the next run removes."""
    start = (
        "import sys; from syscraft import proc\n"
        "proc.run(['sh', '-c', 'echo $$ >pid.new; mv pid.new pid; exec sleep 60'])\n"
    )
    process = subprocess.Popen([command()[0], "-c", start], cwd=tmp_path)
    deadline = time.monotonic() + 30
    while not (tmp_path / "pid").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    tool = Path("/proc", (tmp_path / "pid").read_text().strip())
    while tool.exists() and _state(tool) != "Z" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not tool.exists() or _state(tool) == "Z"


def _state(process: Path) -> str:
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"
