"""What keeps kernels out of other tests knows how syscraft builds and boots them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import tiers
from conftest import Syscraft

from kernel.examples import EXAMPLES

MakeCall = Callable[..., Path]


@pytest.fixture
def guarded(tmp_path: Path) -> dict[str, str]:
    """The environment of a test that may not have a kernel."""
    return {"PATH": tiers.guard_in(tmp_path)}


def test_a_build_is_refused(
    make_call: MakeCall, syscraft: Syscraft, guarded: dict[str, str], tmp_path: Path
) -> None:
    folder = make_call("ctguard", (f"/* {time.time_ns()} */", "return 0;"))
    assert syscraft("test", folder, env=guarded).returncode != 0
    assert "a kernel is built: make -C" in (tmp_path / "refused").read_text()


def test_a_boot_is_refused(syscraft: Syscraft, guarded: dict[str, str], tmp_path: Path) -> None:
    """Though the kernel is there already."""
    words = ("run", *EXAMPLES, "--", "true")
    assert syscraft(*words).returncode == 0
    assert syscraft(*words, env=guarded).returncode != 0
    assert "a kernel is booted: bwrap" in (tmp_path / "refused").read_text()
