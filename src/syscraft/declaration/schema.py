"""The keys of a declaration: what they are called, what they hold, what they mean.

One table yields the check, the messages and the reference page in ``docs/``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from syscraft.declaration.toml_file import KeyPath, TomlFile
from syscraft.errors import Finding
from syscraft.hints import near


class Place(Enum):
    """Where a key stands if the declaration has several calls."""

    WHOLE = "above the first [[calls]]"
    CALL = "in the [[calls]] that it is about"
    BOTH = "anywhere"


@dataclass(frozen=True)
class Key:
    """One key of a table.

    ``kind`` is one of the words of :data:`_KINDS`; ``keys`` describes the inner
    tables of kind "tables" and "table".
    """

    name: str
    kind: str
    meaning: str
    required: bool = False
    keys: tuple[Key, ...] = ()
    place: Place = Place.CALL


_FLAG = (
    Key("name", "string", "the constant's name, in capitals", required=True),
    Key("value", "string", "a C constant expression", required=True),
    Key("summary", "string", "what the flag does"),
)
_ERROR = (
    Key("errno", "string", "the error's name, such as `EINVAL`", required=True),
    Key("when", "string", "the condition, in the words of a man page", required=True),
)
_CASE = (
    Key("name", "string", "what the case shows", required=True),
    Key("call", "string", "the wrapper to call, if there is more than one"),
    Key("setup", "string", "C declarations and statements to put before the call"),
    Key("args", "strings", "the arguments in the user's order, as C expressions", required=True),
    Key("returns", "integer or string", "the expected result: a number or a C expression"),
    Key("errno", "string", "the expected errno; the result is then -1"),
    Key("check", "string", "a C expression that must be true after the call"),
)
_KCONFIG = (
    Key("symbol", "string", "the symbol without `CONFIG_`; by default `<NAME>_SYSCALL`"),
    Key("help", "string", "the help text; by default made from summary and description"),
)
_TEST = (
    Key("sources", "strings", "its C files, or one Python script", required=True),
    Key("name", "string", "its name in reports; default: the first source"),
    Key("includes", "strings", "include directories"),
    Key("libraries", "strings", "libraries to link with, without `-l`"),
    Key("flags", "strings", "additional compiler flags"),
    Key("args", "strings", "arguments for the program"),
    Key("levels", "strings", "optimization levels to run at; default `-O0` and `-O2`"),
    Key("result", "string", "`ktap` (the default), or `exit`: 0 is a pass, 4 a skip"),
)

# What can be said of a call, and of several together.
_SAID: tuple[Key, ...] = (
    Key("name", "string", "the call's name, a C identifier", required=True, place=Place.BOTH),
    Key("summary", "string", "one line that says what the call does", required=True,
        place=Place.BOTH),
    Key("description", "string", "what it does, in full", place=Place.BOTH),
    Key("author", "string", "`Name <mail>`, for the patch's From and Signed-off-by", required=True,
        place=Place.WHOLE),
    Key("kernel", "string", "the kernel's parameters, in the kernel's order, as C text"),
    Key("user", "string or strings", "the prototype of one or more wrappers, as C text"),
    Key("like", "string", "an existing call to start from, such as `clone` or `openat2`"),
    Key("add", "strings", "parameters to add to that call, as C text"),
    Key("derive", "table of strings", "kernel parameter = C expression over the user's arguments"),
    Key("pack", "boolean", "pass the arguments in a struct with a size"),
    Key("versions", "lists of strings", "the fields of each published version of that struct"),
    Key("structs", "string", "struct definitions for the uapi header, fixed-width fields only",
        place=Place.WHOLE),
    Key("includes", "strings", "uapi headers that the parameters' types come from",
        place=Place.WHOLE),
    Key("types", "strings", "types that those headers define, such as `struct open_how`",
        place=Place.WHOLE),
    Key("flags", "tables", "constants for the uapi header", keys=_FLAG, place=Place.WHOLE),
    Key("errors", "tables", "the errors and when they happen", keys=_ERROR),
    Key("missing", "string", "errno where the call does not exist; default `ENOSYS`",
        place=Place.BOTH),
    Key("number", "string or integer", "`private` (first free of 900 to 999), `next`, or a number",
        place=Place.BOTH),
    Key("returns_twice", "boolean", "the call also returns in a child, like fork"),
    Key("retry", "boolean", "Python may make the call again after a signal; default: no"),
    Key("kconfig", "table", "the configuration option", keys=_KCONFIG, place=Place.WHOLE),
    Key("body", "string", "the file that defines `do_<name>()`; default `<name>.c`",
        place=Place.WHOLE),
    Key("patches", "strings", "patch files for existing kernel functions, applied first",
        place=Place.WHOLE),
    Key("silence", "table of strings", "rule to silence = the reason"),
    Key("tests", "tables", "tests that take more than a `test_*.c` or `test_*.py`", keys=_TEST,
        place=Place.WHOLE),
    Key("cases", "tables", "arguments and the result or errno to expect", keys=_CASE),
)  # fmt: skip

# The keys of one of several calls. What is said for all of them may be said again for one.
CALL_KEYS: tuple[Key, ...] = tuple(key for key in _SAID if key.place is not Place.WHOLE)

KEYS: tuple[Key, ...] = (
    *_SAID,
    Key("calls", "tables", "several calls that share the body's file and the option",
        keys=CALL_KEYS, place=Place.WHOLE),
)  # fmt: skip

_KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "string": ("a string", lambda v: isinstance(v, str)),
    "boolean": ("true or false", lambda v: isinstance(v, bool)),
    "strings": ("an array of strings", lambda v: _all(v, str)),
    "lists of strings": (
        "an array of arrays of strings",
        lambda v: isinstance(v, list) and all(_all(inner, str) for inner in v),
    ),
    "table of strings": (
        "a table whose values are strings",
        lambda v: isinstance(v, dict) and _all(list(v.values()), str),
    ),
    "table": ("a table", lambda v: isinstance(v, dict)),
    "tables": ("an array of tables, [[like this]]", lambda v: _all(v, dict)),
    "integer or string": (
        "an integer, or a C expression in a string",
        lambda v: isinstance(v, (int, str)) and not isinstance(v, bool),
    ),
    "string or integer": (
        "a string or an integer",
        lambda v: isinstance(v, (int, str)) and not isinstance(v, bool),
    ),
    "string or strings": (
        "a string or an array of strings",
        lambda v: isinstance(v, str) or _all(v, str),
    ),
}


def _all(value: Any, kind: type) -> bool:
    return isinstance(value, list) and all(isinstance(item, kind) for item in value)


def check_keys(file: TomlFile) -> list[Finding]:
    """Compare a file with :data:`KEYS`: unknown, missing and misplaced keys, wrong types."""
    if "calls" not in file.data:
        return _check_table(file, file.data, (), KEYS)
    whole = tuple(key for key in KEYS if key.place is not Place.CALL)
    findings = _check_table(file, file.data, (), whole)
    if file.data["calls"] == []:
        findings.append(Finding("there are no calls", file.where(("calls",)), "[[calls]]", "[]"))
    return findings


def _check_table(
    file: TomlFile, table: dict[str, Any], path: KeyPath, keys: tuple[Key, ...]
) -> list[Finding]:
    findings = []
    known = {key.name: key for key in keys}
    for name in table:
        if name in known:
            continue
        if elsewhere := _misplaced(name, keys):
            where = file.where((*path, name))
            findings.append(Finding(elsewhere[0], where, elsewhere[1], f"'{name}' here"))
        else:
            findings.append(
                Finding(
                    f"unknown key '{name}'",
                    file.where((*path, name)),
                    "one of " + ", ".join(known),
                    name,
                    near(name, known),
                )
            )
    for key in keys:
        here = (*path, key.name)
        if key.name not in table:
            if key.required:
                findings.append(
                    Finding(f"the key '{key.name}' is missing", file.where(path), key.meaning)
                )
            continue
        value = table[key.name]
        described, fits = _KINDS[key.kind]
        if not fits(value):
            findings.append(
                Finding(
                    f"the value of '{key.name}' has the wrong type",
                    file.where(here),
                    described,
                    _describe(value),
                )
            )
        elif key.kind == "table":
            findings += _check_table(file, value, here, key.keys)
        elif key.kind == "tables":
            for index, inner in enumerate(value):
                findings += _check_table(file, inner, (*here, index), key.keys)
    return findings


def _misplaced(name: str, keys: tuple[Key, ...]) -> tuple[str, str] | None:
    """What is wrong with a key of :data:`KEYS` that is none of *keys*, and where it belongs."""
    if keys is CALL_KEYS:
        message = f"'{name}' is for all calls of a declaration"
    elif any(key.name == "calls" for key in keys):
        message = f"'{name}' is for one call"
    else:
        return None
    found = next((key for key in KEYS if key.name == name), None)
    return (message, f"'{name}' {found.place.value}") if found else None


def _describe(value: Any) -> str:
    names = {
        bool: "a boolean",
        int: "an integer",
        float: "a float",
        str: "a string",
        list: "an array",
        dict: "a table",
    }
    text = str(value)
    shown = text if len(text) <= 40 else text[:37] + "..."
    return f"{names.get(type(value), type(value).__name__)}: {shown}"
