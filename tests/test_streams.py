"""Standard streams that are closed, full or gone, and users without a home."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from conftest import REPOSITORY, Syscraft, command, write_call

from syscraft.errors import EnvironmentLacks
from syscraft.files import cache_root

SPLORK = str(REPOSITORY / "examples" / "splork")


def run(redirect: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line with what a shell does to its streams."""
    return subprocess.run(
        ["sh", "-c", f'"$@" {redirect}', "sh", *command(*arguments)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("check", SPLORK), 0),
        (("check", "nowhere"), 2),
        (("nonsense",), 2),
        (("--help",), 0),
    ],
    ids=["result", "error", "usage", "help"],
)
@pytest.mark.parametrize(
    "redirect", ["<&-", ">&-", "2>&-", "<&- >&-", ">&- 2>&-", "<&- >&- 2>&-", "2>/dev/full"]
)
def test_status_is_the_same(redirect: str, arguments: tuple[str, ...], status: int) -> None:
    done = run(redirect, *arguments)
    assert "Traceback" not in done.stderr
    assert done.returncode == status, done.stderr


def test_what_is_opened_is_not_taken_for_a_stream(tmp_path: Path) -> None:
    """The first file that is opened would get the number of a closed stream."""
    done = run(">&- 2>&-", "generate", SPLORK, "-o", str(tmp_path))
    assert done.returncode == 0
    again = run("", "generate", SPLORK, "-o", str(tmp_path)).stdout
    assert again.count("(unchanged)") == len(again.splitlines()) > 5


@pytest.mark.parametrize("arguments", [("list",), ("--help",), ("list", "--help"), ("--version",)])
def test_who_read_the_output_has_gone(arguments: tuple[str, ...]) -> None:
    """As SIGPIPE ends other programs; nobody is left to be told anything."""
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb") as gone:
        done = subprocess.run(
            command(*arguments), stdout=gone, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")


@pytest.mark.parametrize("verb", ["check", "generate"])
def test_full_output_is_told(verb: str, tmp_path: Path) -> None:
    folder = write_call(tmp_path / "sample", "sample")
    done = run(">/dev/full", verb, str(folder))
    assert done.returncode == 3
    assert "No space left on device" in done.stderr


def test_any_character_under_any_encoding(tmp_path: Path, syscraft: Syscraft) -> None:
    folder = write_call(tmp_path / "sample", "sample")
    toml = folder / "sample.toml"
    toml.write_text(toml.read_text().replace("A U Thor", "Ā Ū Thor"), encoding="utf-8")
    done = syscraft("patch", folder, env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0, done.stderr
    assert "From: \\u0100 \\u016a Thor" in done.stdout or "=?UTF-8?" in done.stdout


@pytest.mark.parametrize("home", [None, "", "relative"])
def test_no_home(home: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "SYSCRAFT_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    if home is not None:
        monkeypatch.setenv("HOME", home)
    # Nobody of that number in /etc/passwd.
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    with pytest.raises(EnvironmentLacks, match="SYSCRAFT_CACHE"):
        cache_root()


def test_relative_cache_home_is_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SYSCRAFT_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_root() == tmp_path / ".cache" / "syscraft"
