"""Names and prose for drawn declarations."""

from __future__ import annotations

from random import Random

# What a name is for, so that a vocabulary can offer what is dangerous there.
KINDS = ("call", "wrapper", "parameter", "flag", "struct", "field")

_WORDS = "point range limit owner weight mask cookie depth event queue extent level".split()


def draw_name(random: Random, kind: str, taken: set[str]) -> str:
    """Draw a name that is not *taken*, and take it."""
    name = random.choice(_WORDS)
    if kind == "flag":
        name = name.upper()
    while name in taken:
        name += str(random.randrange(10))
    taken.add(name)
    return name


def draw_prose(random: Random) -> str:
    """Draw a line of text, as for a summary."""
    return " ".join(random.choice(_WORDS) for _ in range(random.randint(2, 8)))
