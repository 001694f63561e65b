"""The words that every room shares."""

from __future__ import annotations

from syscraft.hints import near, silent


def test_a_near_miss_is_offered() -> None:
    assert near("opena2", ["open", "openat2", "close"]) == "did you mean 'openat2'?"


def test_several_are_offered_best_first() -> None:
    found = near("stay", ["stays", "stayed", "goes"], at_most=3)
    assert found == "did you mean 'stays' or 'stayed'?"


def test_nothing_is_offered_that_is_not_like_it() -> None:
    assert near("struct foo", ["struct statx"], cutoff=0.7) is None
    assert near("xyzzy", {"open": 1}) is None


def test_silence() -> None:
    silent("nobody hears it")
