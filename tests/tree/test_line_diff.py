"""Differences of lines, found by looking and by keeping account."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from syscraft.tree.edit import FileEdit, Insertion
from syscraft.tree.line_diff import changed_spans, edited, is_change, origins, spans_of

LINES = st.lists(st.sampled_from("abcde"), max_size=12)
EDITS = st.lists(
    st.tuples(st.integers(0, 20), st.lists(st.sampled_from("abxy"), max_size=3), st.integers(0, 2)),
    max_size=4,
)


def made(lines: list[str], wishes: list[tuple[int, list[str], int]]) -> FileEdit:
    """An edit with the wishes that do not overlap."""
    insertions: list[Insertion] = []
    for index, new, replaced in sorted(wishes):
        if index + replaced <= len(lines) and (not insertions or index >= insertions[-1].end):
            insertions.append(Insertion(index, tuple(new), replaced))
    return FileEdit("file", tuple(lines), tuple(insertions))


@given(LINES, LINES)
def test_spans_make_the_new_text_of_the_old_one(old: list[str], new: list[str]) -> None:
    spans = list(changed_spans(old, new))
    assert is_change(old, new, spans)
    assert list(spans_of(origins(len(old), spans), len(old))) == spans
    assert not spans if old == new else spans
    assert is_change(old, new, []) == (old == new)


@given(LINES, EDITS, EDITS)
def test_edits_one_after_the_other(
    old: list[str],
    first: list[tuple[int, list[str], int]],
    second: list[tuple[int, list[str], int]],
) -> None:
    edit = made(old, first)
    between = list(edit.text())
    again = made(between, second)
    lines = edited(edited(range(len(old)), edit), again)
    assert is_change(old, list(again.text()), list(spans_of(lines, len(old))))


def test_text_that_looks_like_what_is_beside_it() -> None:
    """A diff cannot tell where the new one begins; the account can."""
    old = ["/* note */", "one", "}", "/* note */", "two", "}"]
    new = ("/* note */", "new", "}")
    edit = FileEdit("file", tuple(old), (Insertion(3, new),))
    (span,) = spans_of(edited(range(len(old)), edit), len(old))
    assert span == (3, 3, 3, 6)
    assert list(changed_spans(old, list(old[:3]) + list(new) + old[3:])) != [span]
