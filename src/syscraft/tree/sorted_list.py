"""Lists of a kernel tree that are in the alphabet, more or less."""

from __future__ import annotations

from collections.abc import Sequence


def place_in(names: Sequence[str], new: str) -> int:
    """Where *new* goes in a list that is sorted, but for a few that stand where they do not belong.

    Returns: the index of the place that fewest of *names* contradict.
    """
    smaller = [name < new for name in names]
    score = smaller.count(True)
    best, place = score, 0
    for position, is_smaller in enumerate(smaller, 1):
        score += -1 if is_smaller else 1
        if score <= best:
            best, place = score, position
    return place
