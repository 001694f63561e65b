"""Names and prose for drawn declarations."""

from __future__ import annotations

import builtins
import keyword
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

import syscraft
from syscraft.model import reserved
from syscraft.model.reserved import Role

# What a name is for, so that a vocabulary can offer what is dangerous there.
KINDS = ("call", "wrapper", "parameter", "flag", "struct", "field")

_WORDS = "point range limit owner weight mask cookie depth event queue extent level".split()
# Ordinary names that generated files use somewhere themselves.
_ORDINARY = (
    "name len parent keep values os ctypes flags args arguments data ret result error number "
    "value size self cls signal stack fn arg sp uargs usize kargs err regs pad0 __pad0 nr call "
    "syscall memset strlen case_1 main match type print hash id filter map"
).split()
# Every name in the templates.
_IN_TEMPLATES = sorted({
    word
    for path in (Path(syscraft.__file__).parent / "emit" / "templates").iterdir()
    for word in re.findall(r"[A-Za-z_]\w*", path.read_text(encoding="utf-8"))
    if len(word) > 1
})  # fmt: skip
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
# Every word that any language, header or generated file has; most may be used somewhere.
_ALL = sorted(
    word
    for word in {*_OTHERS, *_WORDS_OF_C, *keyword.kwlist, *sys.stdlib_module_names,
                 *reserved.PYTHON_USED, *reserved.PYTHON_HELPERS, *_ORDINARY, *_IN_TEMPLATES,
                 *reserved.table("c_headers"), *reserved.table("kernel_functions")}
    if word.isidentifier()
)  # fmt: skip
_ROLES = {"call": Role.CALL, "wrapper": Role.FUNCTION, "parameter": Role.PARAMETER,
          "flag": Role.FLAG, "struct": Role.STRUCT, "field": Role.FIELD}  # fmt: skip


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


# What no text may have.
_REFUSED = frozenset((
    "*/", "/*", "//", "??/", "\u2028", "\u202e", "\x0c", "\r", "\x85", "\x00", "---",
    "diff --git a/x b/x", "Index: x", "From x Mon Sep 17 00:00:00 2001", "\n",
))  # fmt: skip
_MILD = tuple(text for text in _HOSTILE if text not in _REFUSED)
_AUTHORS = (
    "A U Thor", "A U Thor", "É. Ünïcode", "O'Neil Jr.", "A (B) C", "A, B", "日本 太郎", "A. B.",
    '"A" B', "A: B", "=?utf-8?q?x?=", "A; B", "A\\B", "A [B] C", "-", "A  B",
)  # fmt: skip


def draw_name(random: Random, kind: str, taken: set[str], *, odd: bool = True) -> str:
    """Draw a name that is not *taken*, and take it.

    One in some is a word of some language; of those, one that is not *odd* may be used.
    """
    chance = random.random()
    words: Sequence[str] = _WORDS
    if odd:
        if chance < 0.02:
            words = _RESERVED.get(kind, _OTHERS)
        elif chance < 0.2:
            words = _OTHERS if chance < 0.05 else _ORDINARY
    elif chance < 0.3:
        words = _ALL if chance < 0.15 else _ORDINARY if chance < 0.25 else _IN_TEMPLATES
    name = random.choice(words)
    if kind == "flag":
        name = name.upper()
    elif kind in ("call", "wrapper"):
        name = name.lower()
    for _ in range(9):
        if name not in taken and (odd or _is_fine(kind, name)):
            break
        name += str(random.randrange(10))
    else:
        name = f"w{random.randrange(10**6)}"
        name = name.upper() if kind == "flag" else name
    taken.add(name)
    return name


def _is_fine(kind: str, name: str) -> bool:
    if kind in ("call", "flag") and not name[0].isalpha():
        return False
    return reserved.refusal(_ROLES[kind], name) is None


def draw_prose(random: Random, *, odd: bool = True) -> str:
    """Draw a line of text, as for a summary; one in two has something in it that means more."""
    words = [random.choice(_WORDS) for _ in range(random.randint(2, 8))]
    if random.random() < 0.5:
        place = random.randint(0 if odd else 1, len(words))
        words.insert(place, random.choice(_HOSTILE if odd else _MILD))
    return random.choice((" ", " ", " ", "")).join(words)


def draw_author(random: Random, *, odd: bool = True) -> str:
    name = random.choice(_AUTHORS)
    return f"{name if odd or '=?' not in name else 'A U Thor'} <author@example.org>"


def draw_sentence(random: Random) -> str:
    """Draw the name of a case: what a function of C may be called is likely."""
    words = [random.choice(_WORDS) for _ in range(random.randint(1, 3))]
    if random.random() < 0.5:
        words = random.choice((*_OTHERS, *_IN_TEMPLATES)).split("_")
    return " ".join(filter(None, words)) or "0"
