"""C code with SYSCALL_DEFINE, written by hand: which calls it has, and what becomes of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from syscraft.calls.census import Definition
from syscraft.declaration import ctext
from syscraft.declaration.ctype import CDeclarator
from syscraft.errors import DeclarationError, Finding, UsageError, Where
from syscraft.files import read_limited
from syscraft.model.author_files import MAX_SOURCE
from syscraft.rules.kernel_text import AuthorFile, at_margin
from syscraft.scan.definitions import CallFinding, definitions_in
from syscraft.scan.sources import Source
from syscraft.tree.source import KernelTree

_INCLUDE = re.compile(r"^#include\b.*\n", re.MULTILINE)
# How calls were written before Linux 2.6.29; only the macro makes what tables refer to today.
_OLD = re.compile(r"^asmlinkage\s+\w+(?:\s+\w+)*\s+sys_(\w+)\s*\(([^;{}]*)\)\s*\{", re.MULTILINE)
# Source: include/linux/syscalls.h, Linux 6.12, ends with SYSCALL_DEFINE6.
_TOO_MANY = re.compile(r"^[ \t]*(SYSCALL_DEFINE(?:[7-9]|\d\d+))\s*\(\s*(\w+)", re.MULTILINE)
_LINE = 80


@dataclass(frozen=True)
class Code:
    """A file of the author; ``file`` has blanks where ``text`` has comments."""

    path: Path
    text: str
    file: AuthorFile


@dataclass(frozen=True)
class HandWritten:
    """A call as the file defines it; pointers are marked ``__user``.

    ``condition`` is that of the ``#if`` around it.
    """

    name: str
    line: int
    parameters: tuple[CDeclarator, ...]
    condition: str | None


def read_code(path: Path) -> Code:
    """Read a C file.

    Raises:
        UsageError: it cannot be read, or is no UTF-8.
    """
    try:
        raw = read_limited(path, MAX_SOURCE)
    except OSError as error:
        raise UsageError.of(
            "this file cannot be read", Where(str(path)), found=str(error.strerror)
        ) from error
    try:
        text = raw.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise UsageError.of(
            "this file is not UTF-8 text",
            Where(str(path), raw.count(b"\n", 0, error.start) + 1),
            expected="UTF-8, as in the kernel",
            found=f"the byte 0x{raw[error.start]:02x}",
            hint=f"iconv -f ENCODING -t UTF-8 {path} > NEW converts it",
        ) from error
    return Code(path, text, AuthorFile(str(path), text))


def calls_in(code: Code, wanted: str | None) -> tuple[tuple[HandWritten, ...], bool]:
    """Find the calls to import.

    Args:
        wanted: the only one; all if None.

    Returns: the calls in the order of the file, and whether the file has no others.

    Raises:
        UsageError: the file defines no such call.
        DeclarationError: a call's definition cannot be read.
    """
    findings: list[Finding] = []
    tree = KernelTree(code.path.parent, "", str(code.path.parent))
    source = Source(code.path.name, code.file.text)
    found = [d for d in definitions_in(source, tree, findings) if d.symbol.startswith("sys_")]
    names = list(dict.fromkeys(_name(d) for d in found))
    lost = [
        f
        for f in findings
        if wanted is None or (isinstance(f, CallFinding) and f.symbol == f"sys_{wanted}")
    ]
    if lost and (wanted is None or wanted not in names):
        raise DeclarationError(*lost)
    strange = _old_style(code, wanted) + _too_many(code, wanted)
    if strange and (wanted is None or wanted not in names):
        raise DeclarationError(*strange)
    if not names:
        raise UsageError.of(
            "this file defines no system call",
            Where(str(code.path)),
            expected="SYSCALL_DEFINEn(NAME, ...)",
        )
    if wanted is not None and wanted not in names:
        raise UsageError.of(
            f"no call '{wanted}' in this file",
            Where(str(code.path)),
            expected="--call with one of " + ", ".join(names),
        )
    chosen = [wanted] if wanted else names
    problems = [f for name in chosen for f in _judge(code, [d for d in found if _name(d) == name])]
    if problems:
        raise DeclarationError(*problems)
    calls = (_read(code, d) for d in found if _name(d) in chosen)
    return tuple(calls), set(chosen) == set(names)


def _name(definition: Definition) -> str:
    return definition.symbol.removeprefix("sys_")


def _old_style(code: Code, wanted: str | None) -> list[Finding]:
    findings = []
    for match in _OLD.finditer(code.file.text):
        if wanted not in (None, match[1]):
            continue
        listed = " ".join(match[2].split())
        pairs = [] if listed in ("", "void") else listed.split(",")
        written = "".join(re.sub(r"(\w+)$", r", \1", f", {p.strip()}") for p in pairs)
        findings.append(
            Finding(
                f"sys_{match[1]}() is not made by SYSCALL_DEFINE",
                Where(str(code.path), code.file.line(match.start())),
                re.sub(r"\s+,", ",", f"SYSCALL_DEFINE{len(pairs)}({match[1]}{written})"),
                " ".join(match[0].split())[:-1].strip(),
            )
        )
    return findings


def _too_many(code: Code, wanted: str | None) -> list[Finding]:
    return [
        Finding(
            "a system call has at most 6 arguments",
            Where(str(code.path), code.file.line(match.start(1))),
            "SYSCALL_DEFINE0 to SYSCALL_DEFINE6",
            f"{match[1]}({match[2]}, ...)",
            "pack = true in a declaration puts them into a struct",
        )
        for match in _TOO_MANY.finditer(code.file.text)
        if wanted in (None, match[2])
    ]


def _judge(code: Code, same: list[Definition]) -> list[Finding]:
    """Whether a call is defined once."""
    if len(same) == 1:
        return []
    return [
        Finding(
            f"'{_name(same[0])}' is defined {len(same)} times",
            Where(str(code.path), same[1].line),
            "one SYSCALL_DEFINE",
            "; ".join(f"({d.text}) in line {d.line}" for d in same),
            'keep one of them; for an order per architecture use like = "clone"',
        )
    ]


def _parameters(definition: Definition, where: Where) -> tuple[CDeclarator, ...]:
    return ctext.parse_parameters(definition.text, lambda row, column: where)


def _read(code: Code, definition: Definition) -> HandWritten:
    where = Where(str(code.path), definition.line)
    parameters = tuple(
        replace(p, ctype=p.ctype.marked(user=True)) for p in _parameters(definition, where)
    )
    condition = definition.conditions[-1] if definition.conditions else None
    return HandWritten(_name(definition), definition.line, parameters, condition)


def body_of(
    code: Code, calls: tuple[HandWritten, ...], *, whole: bool
) -> tuple[str, tuple[str, ...]]:
    """Make the body's file: a plain function for each of *calls*, and what they need of the file.

    Args:
        whole: keep the rest of the file as it is, for there are no other calls in it.

    Returns: the text, and what the author should be told.

    Raises:
        DeclarationError: a function's block cannot be found.
    """
    notes: list[str] = []
    for call in calls:
        if f"do_{call.name}" in code.file.functions:  # the name of the declaration's own function
            text = re.sub(rf"\bdo_{call.name}\b", f"__do_{call.name}", code.text)
            code = Code(code.path, text, AuthorFile(str(code.path), text))
            notes.append(f"do_{call.name}() of the file was renamed to __do_{call.name}()")
    changes: dict[tuple[int, int], str] = {}
    for call in calls:
        start, brace, end = _extent(code, call)
        block = at_margin(code.text[brace:end], code.file.margin(end))
        changes[start, end] = f"{_head(call.name, call.parameters)}\n{block}"
    if whole:
        notes += [
            f"the function stands under '{call.condition}': take the #if out, for the call has an "
            "option of its own"
            for call in calls
            if call.condition
        ]
        return _instead(code, calls, changes, notes), tuple(dict.fromkeys(notes))
    (((start, end), function),) = changes.items()
    helpers = _helpers(code, code.file.text[start:end].partition("{")[2])
    if helpers:
        notes.append("functions that the call uses were copied: " + ", ".join(helpers))
    notes.append("macros, structs and variables of the file were not copied; add what is missing")
    includes = "".join(_INCLUDE.findall(code.text))
    parts = (*([includes] if includes else []), *helpers.values(), function)
    return "\n".join(parts) + "\n", tuple(notes)


def _extent(code: Code, call: HandWritten) -> tuple[int, int, int]:
    """Where a definition starts, where its function's opening brace is, and where it ends."""
    start = code.file.offset(call.line)
    block = code.file.block_behind(start)
    if block is None:
        raise DeclarationError.of(
            f"body of {call.name} not found",
            Where(str(code.path), call.line),
            expected="a block in braces after SYSCALL_DEFINE",
            found="no block, or one without an end",
        )
    return start, *block


def _instead(
    code: Code,
    calls: tuple[HandWritten, ...],
    changes: dict[tuple[int, int], str],
    notes: list[str],
) -> str:
    """The whole file with *changes*, and without what is generated."""
    for call in calls:
        compat = rf"^[ \t]*COMPAT_SYSCALL_DEFINE\d\s*\(\s*{call.name}\b"
        for match in re.finditer(compat, code.file.text, re.MULTILINE):
            if block := code.file.block_behind(match.start()):
                changes[match.start(), block[1]] = ""
                notes.append("COMPAT_SYSCALL_DEFINE is dropped: the compat entry is generated")
    text = code.text
    for (start, end), new in sorted(changes.items(), reverse=True):
        text = text[:start] + new + text[end:]
    return re.sub(r"\n{3,}", "\n\n", text).rstrip("\n") + "\n"


def _helpers(code: Code, body: str) -> dict[str, str]:
    """The functions of the file that *body* leads to, in the order of the file."""
    file = code.file
    defined = {f.prototype.name: f for f in reversed(file.definitions)}
    found: set[str] = set()
    waiting = [body]
    while waiting:
        used = set(re.findall(r"\b([a-z_]\w*)\b", waiting.pop()))
        for name in sorted(used & defined.keys() - found):
            found.add(name)
            waiting.append(file.text[defined[name].start : defined[name].end])
    ordered = sorted((defined[name] for name in found), key=lambda f: f.start)
    return {
        f.prototype.name: at_margin(code.text[f.start : f.end], file.margin(f.end)) + "\n"
        for f in ordered
    }


def _head(name: str, parameters: tuple[CDeclarator, ...]) -> str:
    """``static long do_NAME(...)`` in the kernel's style."""
    head = f"static long do_{name}("
    lines = [head]
    words = [p.ctype.declare(p.name, kernel=True) for p in parameters] or ["void"]
    for index, word in enumerate(words):
        word += ")" if index == len(words) - 1 else ","
        space = "" if lines[-1] == head else " "
        if len(lines[-1].expandtabs(8)) + len(space + word) > _LINE and lines[-1].strip() != head:
            tabs, blanks = divmod(len(head), 8)
            lines.append("\t" * tabs + " " * blanks + word)
        else:
            lines[-1] += space + word
    return "\n".join(lines)
