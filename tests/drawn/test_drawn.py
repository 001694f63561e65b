"""A few drawn declarations with each run of the tests; python -m tests.drawn draws many."""

from __future__ import annotations

from .draw import draw


def test_same_seed_same_declaration() -> None:
    assert draw(7) == draw(7) != draw(8)
