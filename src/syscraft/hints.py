"""Progress reports, and 'did you mean' hints."""

from __future__ import annotations

from collections.abc import Callable, Iterable

# Takes one line of text for a person who waits.
Progress = Callable[[str], None]


def silent(text: str) -> None:
    """Tell nobody; the progress of a caller that does not ask for any."""


def near(name: str, known: Iterable[str], *, at_most: int = 1, cutoff: float = 0.6) -> str | None:
    """Ask whether a name that is not known was meant to be one that is.

    Args:
        known: the names that would do.
        at_most: how many of them to offer.
        cutoff: how like *name* they have to be, from 0 to 1.

    Returns: a hint such as ``did you mean 'openat2' or 'openat'?``; None if nothing is like it.
    """
    import difflib  # it loads slowly, and nobody waits for a mistake

    found = difflib.get_close_matches(name, list(known), n=at_most, cutoff=cutoff)
    return f"did you mean {' or '.join(map(repr, found))}?" if found else None
