"""Started by cron, by a service or in a container: no HOME, no streams, no user's entry."""

from __future__ import annotations

import os
import subprocess
from itertools import combinations
from pathlib import Path

import pytest
from conftest import command, run_syscraft

from syscraft.errors import EnvironmentLacks
from syscraft.files import cache_root

NO_SUCH_USER = 54321


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SYSCRAFT_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("home", [None, ""])
def test_no_home_folder_is_said(monkeypatch: pytest.MonkeyPatch, home: str | None) -> None:
    if home is not None:
        monkeypatch.setenv("HOME", home)
    assert cache_root().is_absolute()  # as the user's entry has it
    monkeypatch.setattr(os, "getuid", lambda: NO_SUCH_USER)
    with pytest.raises(EnvironmentLacks, match=r"found:    neither(?s:.)*SYSCRAFT_CACHE"):
        cache_root()


def test_home_is_no_absolute_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It would be another folder for make, which runs elsewhere."""
    done = run_syscraft("doctor", cwd=tmp_path, env={"HOME": "relative"})
    assert done.returncode == 3
    assert "no folder for the cache" in done.stdout + done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("closed", [c for n in (1, 2, 3) for c in combinations((0, 1, 2), n)])
@pytest.mark.parametrize(
    ("arguments", "status"), [(("list", "--guests"), 0), (("check", "no/such/call"), 2)]
)
def test_closed_streams(closed: tuple[int, ...], arguments: tuple[str, ...], status: int) -> None:
    """What is left says no more than it should, and the exit status is the same."""
    closing = " ".join({0: "<&-", 1: ">&-", 2: "2>&-"}[fd] for fd in closed)
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closing}', "sh", *command(*arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    assert bool(done.stdout) == (1 not in closed and status == 0)
    assert bool(done.stderr) == (2 not in closed and status != 0)
