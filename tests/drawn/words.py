"""Names and prose for drawn declarations."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Sequence
from random import Random

from syscraft.model import reserved

# What a name is for, so that a vocabulary can offer what is dangerous there.
KINDS = ("call", "wrapper", "parameter", "flag", "struct", "field")

_WORDS = "point range limit owner weight mask cookie depth event queue extent level".split()
# Ordinary names that generated files use somewhere themselves.
_ORDINARY = (
    "name len parent keep values os ctypes flags args arguments data ret result error number "
    "value size self cls signal stack fn arg sp uargs usize kargs err regs pad0 __pad0 nr call "
    "syscall memset strlen case_1 main match type print hash id filter map"
).split()
# What breaks something, each where it is likely to.
_WORDS_OF_C = {word for key in ("c_keywords", "c_macros", "kernel_macros")
               for word in reserved.table(key)}  # fmt: skip
_RESERVED = {
    "parameter": sorted({*keyword.kwlist, *reserved.PYTHON_HELPERS}
                        | {word for word in _WORDS_OF_C if word.islower()}),
    "field": sorted({*keyword.kwlist} | {word for word in _WORDS_OF_C if word.islower()}),
    "flag": sorted(word for word in _WORDS_OF_C if word.isupper()),
}  # fmt: skip
_OTHERS = sorted(
    {*dir(builtins)} | reserved.table("c_functions") | reserved.table("c_tags")
    | reserved.table("libc_functions") | reserved.table("kernel_tags")
)  # fmt: skip


# Text that means something where it is put.
_HOSTILE = (
    "*/", "/*", "//", "\\", '"', "'", '"""', "\'\'\'", "??/", "??=", "%s", "%n", "{", "}",
    "{{ x }}", "{% x %}", "$(shell id)", "`id`", "\u2028", "\u202e", "\x0c", "\r", "\x85", "\x00",
    "\xa0", "\u200b",
    "---", "diff --git a/x b/x", "Index: x", "From:", "From x Mon Sep 17 00:00:00 2001",
    "Subject: x", ">From x", "-- ", "[PATCH]", "#", "# SKIP", "\n", "\t", ".", "..", "'", ".TH x",
    "\\fB", ":x:",
    "``x``", "*x*", "_x_", "|x|", "@@ -1 +1 @@", "é", "日本", "\U0001f600", "-", "--", "~", "^",
    "Signed-off-by: x <x@y>", "\\N{DASH}", "\\x41", "\\u0041", "<x>", "&amp;",
)  # fmt: skip


def draw_name(random: Random, kind: str, taken: set[str]) -> str:
    """Draw a name that is not *taken*, and take it: one in some is a word of some language."""
    chance = random.random()
    words: Sequence[str] = _WORDS
    if chance < 0.02:
        words = _RESERVED.get(kind, _OTHERS)
    elif chance < 0.2:
        words = _OTHERS if chance < 0.05 else _ORDINARY
    name = random.choice(words)
    if kind == "flag":
        name = name.upper()
    while name in taken:
        name += str(random.randrange(10))
    taken.add(name)
    return name


def draw_prose(random: Random) -> str:
    """Draw a line of text, as for a summary; one in two has something in it that means more."""
    words = [random.choice(_WORDS) for _ in range(random.randint(2, 8))]
    if random.random() < 0.5:
        words.insert(random.randint(0, len(words)), random.choice(_HOSTILE))
    return random.choice((" ", " ", " ", "")).join(words)
