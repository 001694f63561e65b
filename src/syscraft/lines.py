"""Splits text into lines where gcc, git, make and TOML do.

``str.splitlines()`` takes a form feed, U+0085 and U+2028 for line ends too, and so counts other
lines than compilers report, and would put a text together that is not the one it was.
"""

from __future__ import annotations


def split_lines(text: str) -> list[str]:
    """The lines of a text, without their ends, which are ``\\n`` or ``\\r\\n``."""
    return [line.removesuffix("\n").removesuffix("\r") for line in whole_lines(text)]


def whole_lines(text: str) -> list[str]:
    """The lines of a text with their ends: joined, they are the text."""
    lines = [f"{line}\n" for line in text.split("\n")]
    lines[-1] = lines[-1].removesuffix("\n")
    return lines if lines[-1] else lines[:-1]
