"""Line breaking for generated C and prose, as the kernel's coding style wants it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

TAB = 8
WIDTH = 80


def indent_to(column: int) -> str:
    """Tabs as far as they go, blanks for the rest."""
    return "\t" * (column // TAB) + " " * (column % TAB)


def width(text: str) -> int:
    return len(text.expandtabs(TAB))


def argument_list(head: str, items: Sequence[str], tail: str) -> str:
    """Write ``head(item, item, ...)tail`` and align broken lines with the parenthesis.

    *head* ends in the opening parenthesis; *tail* starts with the closing one.
    """
    column = width(head)
    lines = [head]
    for index, item in enumerate(items):
        last = index == len(items) - 1
        text = item + (tail if last else ",")
        blank = " " if lines[-1] and not lines[-1].endswith(("(", "\t")) and index else ""
        if index and width(lines[-1] + blank + text) > WIDTH:
            lines.append(indent_to(column) + text)
        else:
            lines[-1] += blank + text
    if not items:
        lines[-1] += tail
    return "\n".join(lines)


def comment(paragraphs: Sequence[str], listed: Sequence[tuple[str, str]] = ()) -> str:
    """Write a block comment; *listed* are words with their meanings, for its end."""
    lines: list[str] = []
    for paragraph in filter(None, paragraphs):
        if lines:
            lines.append(" *")
        lines += [f" * {line}" for line in textwrap.wrap(paragraph, WIDTH - 3)]
    column = max((len(word) for word, _ in listed), default=0) + 4
    for word, meaning in listed:
        head = f"  {word}".ljust(column)
        wrapped = textwrap.wrap(
            meaning, WIDTH - 3, initial_indent=head, subsequent_indent=" " * column
        )
        lines += [f" * {line}" for line in wrapped]
    return "\n".join(["/*", *lines, " */"])


def prose(paragraphs: Sequence[str], *, indent: str = "", columns: int = 72) -> str:
    """Wrap paragraphs, a blank line between them."""
    free = columns - width(indent)
    return "\n\n".join(
        "\n".join(
            indent + line
            for line in textwrap.wrap(
                paragraph, free, break_long_words=False, break_on_hyphens=False
            )
        )
        for paragraph in paragraphs
        if paragraph
    )
