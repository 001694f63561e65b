"""A declaration's folder from code that somebody has written by hand with SYSCALL_DEFINE."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from syscraft.errors import DeclarationError, Finding, UsageError, Where
from syscraft.files import folder_made_whole, write_atomic
from syscraft.lines import split_lines
from syscraft.model.compile import load_unit
from syscraft.model.names import KNOWN_STRUCTS
from syscraft.model.types import declare_user
from syscraft.model.words import check_name
from syscraft.scaffold.hand_written import Code, HandWritten, body_of, calls_in, read_code
from syscraft.scaffold.make import author

_COMMENT_ABOVE = re.compile(r"/\*(?:(?!\*/).)*\*/\s*\Z", re.DOTALL)


@dataclass(frozen=True)
class Imported:
    """What was made, what was left behind, and what has to be told before it is valid."""

    files: tuple[Path, ...]
    notes: tuple[str, ...]
    findings: tuple[Finding, ...]


def import_call(path: Path, wanted: str | None, directory: Path) -> Imported:
    """Make the folder *directory*/NAME from a C file.

    Args:
        path: C code with one SYSCALL_DEFINE or more; several become one declaration.
        wanted: the only call to take, where the file defines several.

    Raises:
        UsageError: the file cannot be read, defines no such call, or the folder is there already.
        DeclarationError: the calls' definitions cannot be read.
    """
    code = read_code(path)
    calls, whole = calls_in(code, wanted)
    name = calls[0].name if len(calls) == 1 else _name_of_all(path, calls)
    folder = directory / name
    if folder.exists():
        raise UsageError.of(
            "already exists",
            Where(str(folder)),
            hint="remove it, or name another folder with -C",
        )
    body, notes = body_of(code, calls, whole=whole)
    toml = _toml_of_one(code, calls[0]) if len(calls) == 1 else _toml_of_all(name, code, calls)
    made = {f"{name}.toml": toml, f"{name}.c": body}
    with folder_made_whole(folder) as draft:
        for file_name, content in made.items():
            write_atomic(draft / file_name, content.encode())
    findings: tuple[Finding, ...] = ()
    try:
        load_unit(folder)
    except DeclarationError as error:
        findings = error.findings
    return Imported(tuple(folder / file_name for file_name in made), notes, findings)


def _name_of_all(path: Path, calls: Sequence[HandWritten]) -> str:
    """A name for several calls: the file's, what their names begin with, or the first one's."""
    names = [call.name for call in calls]
    # The largest and the smallest name differ where any two do.
    pairs = zip(min(names), max(names), strict=False)
    begin = "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)).rstrip("_")
    candidates = [name for name in (path.stem, begin) if name not in names]
    good = [c for c in candidates if not check_name(c, Where(str(path)), is_module=False)]
    return [*good, f"{names[0]}_calls"][0]


def _toml_of_one(code: Code, call: HandWritten) -> str:
    lines = [
        f"name = {json.dumps(call.name)}",
        f"summary = {json.dumps(_summary(code, call))}",
        f"author = {json.dumps(author())}",
        "",
        *_prototypes(code, call, "The user's function: any order, any names that appear above."),
        *_types([call]),
    ]
    return "\n".join(lines) + "\n"


def _toml_of_all(name: str, code: Code, calls: Sequence[HandWritten]) -> str:
    lines = [
        f"name = {json.dumps(name)}",
        f"summary = {json.dumps(f'do what {code.path.name} does')}",
        f"author = {json.dumps(author())}",
        *_types(calls),
    ]
    for call in calls:
        lines += [
            "",
            "[[calls]]",
            f"name = {json.dumps(call.name)}",
            f"summary = {json.dumps(_summary(code, call))}",
            *_prototypes(code, call),
        ]
    return "\n".join(lines) + "\n"


def _prototypes(code: Code, call: HandWritten, remark: str = "") -> list[str]:
    kernel = ", ".join(p.ctype.declare(p.name, kernel=True) for p in call.parameters)
    user = ", ".join(declare_user(p.ctype, p.name) for p in call.parameters) or "void"
    return [
        f"# As in {code.path.name}, line {call.line}.",
        f"kernel = {json.dumps(kernel)}",
        *(["", f"# {remark}"] if remark else []),
        f"user = {json.dumps(f'long {call.name}({user})')}",
    ]


def _types(calls: Sequence[HandWritten]) -> list[str]:
    bases = [p.ctype.base for call in calls for p in call.parameters]
    structs = dict.fromkeys(base for base in bases if base.startswith("struct "))
    unknown = [struct for struct in structs if struct not in KNOWN_STRUCTS]
    if not unknown:
        return []
    return [
        "",
        "# Name the uapi headers that define them, such as linux/openat2.h, in 'includes'.",
        f"types = {json.dumps(unknown)}",
        "includes = []",
    ]


def _summary(code: Code, call: HandWritten) -> str:
    """The first sentence of the comment above, if it is one that can stand alone."""
    above = _COMMENT_ABOVE.search(code.text[: code.file.offset(call.line)])
    lines = split_lines(above[0]) if above else []
    words = " ".join(re.sub(r"^[\s/*]+", "", line) for line in lines)
    words = re.sub(r"\*/", "", words).strip()
    words = re.sub(rf"^(?:sys_)?{call.name}(?:\(2?\))?\s*[-:]+\s*", "", words)
    sentence = re.split(r"(?<=[a-z)])\.(?:\s|$)|@", words)[0].strip(" .-")
    if 5 < len(sentence) <= 100 and sentence.isprintable():
        return sentence
    return f"do what {call.name} in {code.path.name} does"
