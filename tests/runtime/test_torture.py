"""Every way to make a child, among busy threads and signals: torture.py with few children."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY

from runtime.core_support import PRELOADED

TORTURE = Path(__file__).with_name("torture.py")


@pytest.mark.parametrize("signals", ["none", "handled", "raising"])
def test_every_way_to_make_a_child(signals: str) -> None:
    """In a process of its own, which has no other threads and no other children."""
    if PRELOADED:
        pytest.skip("a sanitizer's own threads are looked at elsewhere")
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", TORTURE, "--children", "25",
         "--signals", signals],
        capture_output=True, text=True, check=False, timeout=300, cwd=REPOSITORY,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) >= 13
