"""The keys of a declaration: what they are called, what they hold, what they mean.

One table yields the check, the messages and the reference page in ``docs/``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from syscraft.declaration.toml_file import KeyPath, TomlFile
from syscraft.errors import Finding
from syscraft.hints import near


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

KEYS: tuple[Key, ...] = (
    Key("name", "string", "the call's name, a C identifier", required=True),
    Key("summary", "string", "one line that says what the call does", required=True),
    Key("description", "string", "what it does, in full"),
    Key("author", "string", "`Name <mail>`, for the patch's From and Signed-off-by", required=True),
    Key("kernel", "string", "the kernel's parameters, in the kernel's order, as C text"),
    Key("user", "string or strings", "the prototype of one or more wrappers, as C text"),
    Key("like", "string", "an existing call to start from, such as `clone` or `openat2`"),
    Key("add", "strings", "parameters to add to that call, as C text"),
    Key("derive", "table of strings", "kernel parameter = C expression over the user's arguments"),
    Key("pack", "boolean", "pass the arguments in a struct with a size"),
    Key("versions", "lists of strings", "the fields of each published version of that struct"),
    Key("structs", "string", "struct definitions for the uapi header, fixed-width fields only"),
    Key("includes", "strings", "uapi headers that the parameters' types come from"),
    Key("types", "strings", "types that those headers define, such as `struct open_how`"),
    Key("flags", "tables", "constants for the uapi header", keys=_FLAG),
    Key("errors", "tables", "the errors and when they happen", keys=_ERROR),
    Key("missing", "string", "the errno to report where the call does not exist; default `ENOSYS`"),
    Key("number", "string or integer", "`private` (first free of 900 to 999), `next`, or a number"),
    Key("returns_twice", "boolean", "the call also returns in a child, like fork"),
    Key("kconfig", "table", "the configuration option", keys=_KCONFIG),
    Key(
        "body",
        "string",
        "the file that defines the kernel function `do_<name>`; default `<name>.c`",
    ),
    Key("patches", "strings", "patch files for existing kernel functions, applied first"),
    Key("silence", "table of strings", "rule to silence = the reason"),
    Key(
        "tests",
        "tables",
        "tests that need more than one `test_*.c` or `test_*.py` file",
        keys=_TEST,
    ),
    Key("cases", "tables", "arguments and the result or errno to expect", keys=_CASE),
)

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
    """Compare a file with :data:`KEYS`: unknown and missing keys, wrong types."""
    return list(_check_table(file, file.data, (), KEYS))


def _check_table(
    file: TomlFile, table: dict[str, Any], path: KeyPath, keys: tuple[Key, ...]
) -> list[Finding]:
    findings = []
    known = {key.name: key for key in keys}
    for name in table:
        if name not in known:
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
