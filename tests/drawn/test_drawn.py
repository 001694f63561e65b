"""A few drawn declarations with each run of the tests; python -m tests.drawn draws many."""

from __future__ import annotations

import os
import random
from pathlib import Path

from conftest import need_tool

from .draw import draw
from .hold import COMPILERS, hold_many
from .series import hold_series

COUNT = 60
SERIES = 3


def test_what_is_accepted_holds(tmp_path: Path) -> None:
    """The same seeds under CI, new ones elsewhere."""
    for compiler, _ in COMPILERS:
        need_tool(compiler)
    first = 1 if os.environ.get("CI") == "true" else random.randrange(10**6)
    print(f"python -m tests.drawn --seed {first} --count {COUNT}")
    tally = hold_many(draw, range(first, first + COUNT), tmp_path)
    assert not tally.faults, "\n".join(map(str, tally.faults))
    assert tally.accepted >= COUNT // 3
    assert tally.refused


def test_series_of_what_is_accepted_applies(tmp_path: Path) -> None:
    need_tool("git")
    first = 1 if os.environ.get("CI") == "true" else random.randrange(10**6)
    print(f"python -m tests.drawn --seed {first} --series {SERIES}")
    count, faults = hold_series(map(draw, range(first, first + 100)), tmp_path, SERIES)
    assert not faults, "\n".join(faults)
    assert count == SERIES


def test_same_seed_same_declaration() -> None:
    assert draw(7) == draw(7) != draw(8)
