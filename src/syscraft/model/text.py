"""Part of phase 2: text stays in the place that it is put into, whatever it says.

It ends up in C, in Python, in reStructuredText and man pages, and in mails for ``git am``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from syscraft.declaration.toml_file import KeyPath
from syscraft.errors import Finding
from syscraft.model.draft import Draft

# Characters that end a line for some programs and not for others, or that show text in another
# order than it is read in. Source: UAX #9, section 2; PEP 672
_BIDI = "\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c"
_NOT_IN_COMMENTS = re.compile(r"[\\\"]")
_CONTROL = re.compile(rf"[^\t\n\x20-\x7e\xa0-\U0010ffff]|[\u2028\u2029{_BIDI}\ufeff\ufffe\uffff]")
# ISO/IEC 9899:2018 section 5.2.1.1
_TRIGRAPH = re.compile(r"\?\?[=/'()!<>-]")
_COMMENT_MARK = re.compile(r"/\*|\*/")
# Source: patchbreak() in mailinfo.c, is_from_line() in builtin/mailsplit.c, git 2.39
_MAIL_MARK = re.compile(r"(?:^|\s)(?:---|diff -|Index: |>*From .*\d:\d\d)")
# What git takes for a header of the mail if a message begins with it.
# Source: header[] and check_inbody_header() in mailinfo.c, git 2.39
_MAIL_HEADER = re.compile(
    r"\s*(?:(?:from|subject|date|content-type|content-transfer-encoding|message-id):|>from\s|\[patch)",
    re.IGNORECASE,
)
_HEADER = re.compile(r"[A-Za-z0-9_][\w+-]*(?:/[\w+-]+)*\.h\Z", re.ASCII)
_TYPE = re.compile(r"(?:(?:struct|union|enum) )?[A-Za-z_]\w*\Z", re.ASCII)

# Keys whose text is C.
_C_KEYS = frozenset("kernel user add derive structs value setup args returns check".split())


def check_text(whole: Draft) -> list[Finding]:
    """Judge every text of a declaration, and the file's own name."""
    findings = _check_file_name(whole)
    for path, text in _texts((), whole.whole):
        where = whole.file.where(path)
        if found := _CONTROL.search(text):
            named = f"U+{ord(found[0]):04X}"
            message = "control character in this text"
            findings.append(Finding(message, where, "printable characters, \\n and \\t", named))
        if (found := _TRIGRAPH.search(text)) and (_is_c(path) or found[0] == "??/"):
            message = "this text has a trigraph of C"
            findings.append(Finding(message, where, "a space in it", found[0]))
    for key, pattern, expected in (
        ("includes", _HEADER, "a header's path, such as linux/openat2.h"),
        ("types", _TYPE, "a type's name, such as struct open_how"),
    ):
        for index, text in enumerate(whole.whole.get(key, ())):
            if not pattern.match(text):
                where = whole.file.where((key, index))
                findings.append(Finding(f"invalid name in '{key}'", where, expected, text[:60]))
    return findings


def _texts(path: KeyPath, value: Any) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts((*path, key), inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts((*path, index), inner)


def _is_c(path: KeyPath) -> bool:
    return any(part in _C_KEYS for part in path)


def _check_file_name(whole: Draft) -> list[Finding]:
    """Comments of generated files name the declaration's file."""
    name = Path(whole.file.shown_path).name
    if name.isprintable() and not _CONTROL.search(name) and not _NOT_IN_COMMENTS.search(name):
        return []
    shown = name.encode("unicode_escape", "backslashreplace").decode()
    expected = "printable characters without quotes and backslashes"
    return [
        Finding("a comment cannot have this file's name", whole.file.where(()), expected, shown)
    ]


def check_prose(draft: Draft) -> list[Finding]:
    """Text for people ends up in C comments, in Python and in a mail for git am."""
    data = draft.data
    texts: list[tuple[KeyPath, str]] = [
        ((key,), data[key]) for key in ("summary", "description", "author") if key in data
    ]
    texts += [(("errors", i, "when"), e["when"]) for i, e in enumerate(data.get("errors", ()))]
    texts += [
        (("flags", i, "summary"), f["summary"])
        for i, f in enumerate(data.get("flags", ()))
        if "summary" in f
    ]
    if "help" in data.get("kconfig", {}):
        texts.append((("kconfig", "help"), data["kconfig"]["help"]))
    findings = []
    for path, text in texts:
        where = draft.where(*path)
        if found := _COMMENT_MARK.search(text):
            message = "this text cannot appear in a C comment"
            findings.append(Finding(message, where, "text without /* and */", found[0]))
        if found := _MAIL_MARK.search(text):
            message = "git am would mistake this for the start of the patch"
            findings.append(Finding(message, where, "a different wording", found[0].strip()))
        if path[-1] in ("summary", "description") and (found := _MAIL_HEADER.match(text)):
            message = "git am would mistake this for a header of the mail"
            findings.append(Finding(message, where, "a different wording", found[0].strip()))
        if path[-1] == "when" and not has_words(text):
            findings.append(Finding("'when' must be one line of text", where))
        elif path[0] in ("flags", "kconfig") and not has_words(text):
            findings.append(Finding("this text is empty", where, "at least one word"))
    return findings


def has_words(text: str) -> bool:
    """Whether there is anything to read in a text."""
    return any(c.isalnum() for c in text)
