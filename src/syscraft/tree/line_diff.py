"""Which lines of a file an edit adds and removes."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from syscraft.tree.edit import FileEdit

# Begin and end of lines in the old text, begin and end in the new one.
Span = tuple[int, int, int, int]

_NEW = -1


def changed_spans(old: Sequence[str], new: Sequence[str]) -> Iterator[Span]:
    """The places where two texts differ, for a change that nobody has kept account of."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    matcher = difflib.SequenceMatcher(
        None, old[head : len(old) - tail], new[head : len(new) - tail], autojunk=False
    )
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind != "equal":
            yield head + i1, head + i2, head + j1, head + j2


def origins(count: int, spans: Sequence[Span]) -> list[int]:
    """Where each line of a new text comes from.

    Args:
        count: lines of the old text.

    Returns: for each line its index in the old text, or -1 for a new one.
    """
    result: list[int] = []
    position = 0
    for i1, i2, j1, j2 in spans:
        result += [*range(position, i1), *[_NEW] * (j2 - j1)]
        position = i2
    return [*result, *range(position, count)]


def edited(before: Sequence[int], edit: FileEdit) -> list[int]:
    """The origins of lines after one more edit; those *before* are of the text that it edits."""
    result: list[int] = []
    position = 0
    for insertion in edit.insertions:
        result += [*before[position : insertion.index], *[_NEW] * len(insertion.lines)]
        position = insertion.end
    return [*result, *before[position:]]


def spans_of(lines: Sequence[int], count: int) -> Iterator[Span]:
    """The places where a text differs from the old one of *count* lines, by origins of its lines.

    A diff may begin a piece of entry code in the middle of another one that looks like it; this
    is where it was put.
    """
    old = new = 0
    for index, origin in enumerate(lines):
        if origin == _NEW:
            continue
        if (origin, index) != (old, new):
            yield old, origin, new, index
        old, new = origin + 1, index + 1
    if (old, new) != (count, len(lines)):
        yield old, count, new, len(lines)


def is_change(old: Sequence[str], new: Sequence[str], spans: Sequence[Span]) -> bool:
    """Whether *spans* make *new* of *old*."""
    result: list[str] = []
    position = 0
    for i1, i2, j1, j2 in spans:
        result += [*old[position:i1], *new[j1:j2]]
        position = i2
    return [*result, *old[position:]] == list(new)
