"""C code with SYSCALL_DEFINE, written by hand: which calls it has, and what becomes of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from syscraft.calls.census import Definition
from syscraft.declaration import ctext
from syscraft.declaration.ctext import CDeclarator
from syscraft.errors import DeclarationError, Finding, UsageError, Where
from syscraft.rules.kernel_text import SourceFile
from syscraft.scan.definitions import definitions_in
from syscraft.scan.sources import Source
from syscraft.tree.source import KernelTree

_INCLUDE = re.compile(r"^#include\b.*\n", re.MULTILINE)
_MACRO = re.compile(r"[ \t]*SYSCALL_DEFINE(\d)\s*\(")
# How calls were written before Linux 2.6.29; only the macro makes what tables refer to today.
_OLD = re.compile(r"^asmlinkage\s+\w+(?:\s+\w+)*\s+sys_(\w+)\s*\(([^;{}]*)\)\s*\{", re.MULTILINE)
_HALVES = "SC_ARG64("  # one value, two of the macro's pairs
_LINE = 80


@dataclass(frozen=True)
class Code:
    """A file of the author; ``file`` has blanks where ``text`` has comments."""

    path: Path
    text: str
    file: SourceFile


@dataclass(frozen=True)
class HandWritten:
    """A call as the file defines it; pointers are marked ``__user``."""

    name: str
    line: int
    parameters: tuple[CDeclarator, ...]


def read_code(path: Path) -> Code:
    """Read a C file.

    Raises:
        UsageError: it cannot be read, or is no UTF-8.
    """
    try:
        raw = path.read_bytes()
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
    return Code(path, text, SourceFile(str(path), text))


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
    lost = [f for f in findings if wanted is None or f" sys_{wanted} " in f.message]
    if lost and (wanted is None or wanted not in names):
        raise DeclarationError(*lost)
    old = _old_style(code, wanted)
    if old and (wanted is None or wanted not in names):
        raise DeclarationError(*old)
    if not names:
        raise UsageError.of(
            "this file defines no system call",
            Where(str(code.path)),
            expected="SYSCALL_DEFINEn(NAME, ...)",
        )
    if wanted is not None and wanted not in names:
        raise UsageError.of(
            f"there is no call '{wanted}' here",
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


def _judge(code: Code, same: list[Definition]) -> list[Finding]:
    """Whether a call is defined once, everywhere, and with as many pairs as its macro says."""
    definition = same[-1]
    name, where = _name(definition), Where(str(code.path), definition.line)
    if len(same) > 1:
        return [
            Finding(
                f"'{name}' is defined {len(same)} times",
                where,
                "one SYSCALL_DEFINE",
                "; ".join(f"({d.text}) in line {d.line}" for d in same),
                'leave one of them; an order for each architecture is what like = "clone" is for',
            )
        ]
    macro = _MACRO.match(code.file.text, code.file.offset(definition.line))
    count = len(_parameters(definition, where))
    counted = f"{count} parameter{'' if count == 1 else 's'}"
    if macro and int(macro[1]) != count and _HALVES not in _head_of(code, definition.line):
        return [
            Finding(
                f"SYSCALL_DEFINE{macro[1]}({name}) has {counted}",
                where,
                f"SYSCALL_DEFINE{count}, or as many pairs of type and name as the macro says",
                f"({definition.text})",
            )
        ]
    if definition.conditions:
        return [
            Finding(
                f"'{name}' is defined only under a condition",
                where,
                "a definition outside of #if",
                " and ".join(definition.conditions),
                "remove the #if: a kernel has the call if its generated option is set",
            )
        ]
    return []


def _parameters(definition: Definition, where: Where) -> tuple[CDeclarator, ...]:
    return ctext.parse_parameters(definition.text, lambda row, column: where)


def _read(code: Code, definition: Definition) -> HandWritten:
    where = Where(str(code.path), definition.line)
    parameters = tuple(
        replace(p, ctype=replace(p.ctype, user=p.ctype.is_pointer))
        for p in _parameters(definition, where)
    )
    return HandWritten(_name(definition), definition.line, parameters)


def body_of(
    code: Code, calls: tuple[HandWritten, ...], *, whole: bool
) -> tuple[str, tuple[str, ...]]:
    """Make the body's file: a plain function for each of *calls*, and what they need of the file.

    Args:
        whole: keep the rest of the file as it is, for there are no other calls in it.

    Returns: the text, and what the author should be told.

    Raises:
        DeclarationError: a function's braces cannot be found.
    """
    notes: list[str] = []
    for call in calls:
        if f"do_{call.name}" in code.file.functions:  # the name of the declaration's own function
            text = re.sub(rf"\bdo_{call.name}\b", f"__do_{call.name}", code.text)
            code = Code(code.path, text, SourceFile(str(code.path), text))
            notes.append(f"do_{call.name}() of the file is called __do_{call.name}() now")
    functions = [(call, *_extent(code, call)) for call in calls]
    if not whole:
        ((call, _, brace, end),) = functions
        helpers = _helpers(code, code.file.text[brace:end])
        if helpers:
            notes.append("functions that the call uses came along: " + ", ".join(helpers))
        notes.append(
            "macros, structs and variables of the file stayed behind; copy what is missing"
        )
        includes = "".join(_INCLUDE.findall(code.text))
        function = _function(code, call, brace, end) + "\n"
        return "\n".join((*([includes] if includes else []), *helpers.values(), function)), (
            *notes,
        )
    rest = code.text
    for call, start, brace, end in reversed(functions):
        rest = rest[:start] + _function(code, call, brace, end) + rest[end:]
    for call in calls:
        compat = rf"^COMPAT_SYSCALL_DEFINE\d\({call.name},.*?^\}}\n?"
        rest, count = re.subn(compat, "", rest, flags=re.MULTILINE | re.DOTALL)
        if count:
            notes.append("COMPAT_SYSCALL_DEFINE is left out: the entry for 32 bits is generated")
    return re.sub(r"\n{3,}", "\n\n", rest), tuple(dict.fromkeys(notes))


def _head_of(code: Code, line: int) -> str:
    """The macro with its arguments."""
    text, start = code.file.text, code.file.offset(line)
    return text[start : _closing(text, text.index("(", start))]


def _extent(code: Code, call: HandWritten) -> tuple[int, int, int]:
    """Where a definition starts, where its function's opening brace is, and where it ends."""
    text, start = code.file.text, code.file.offset(call.line)
    after = start + len(_head_of(code, call.line))
    brace = after + len(text[after:]) - len(text[after:].lstrip())
    end = -1
    if text[brace : brace + 1] == "{":
        # In the kernel's style the first column tells, whatever #if does to braces between.
        kernel_style = text[:brace].endswith("\n") and text.find("\n}", brace)
        end = kernel_style + 2 if kernel_style and kernel_style > 0 else _closing(text, brace)
    if end <= brace:
        raise DeclarationError.of(
            f"the body of {call.name} is not where it should be",
            Where(str(code.path), call.line),
            expected="a function's braces behind the macro",
            found=text[brace : brace + 20].partition("\n")[0].strip() or "the end of the file",
        )
    return start, brace, end


_BRACKETS = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|[(){}]")


def _closing(text: str, start: int) -> int:
    """The offset behind the bracket that closes the one at *start*; -1 if nothing does."""
    depth = 0
    for match in _BRACKETS.finditer(text, start):
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(match[0], 0)
        if depth == 0:
            return match.end()
    return -1


def _function(code: Code, call: HandWritten, brace: int, end: int) -> str:
    """The call as a plain function, its lines not indented deeper than the function was."""
    line_start = code.text.rindex("\n", 0, brace) + 1
    indent = code.text[line_start:brace]
    block = code.text[brace:end]
    if not indent.strip():
        block = block.replace(f"\n{indent}", "\n")
    return f"{_head(call.name, call.parameters)}\n{block}"


def _helpers(code: Code, body: str) -> dict[str, str]:
    """The functions of the file that *body* leads to, in the order of the file."""
    functions = code.file.functions
    found: dict[str, tuple[int, str]] = {}
    waiting = [body]
    while waiting:
        used = set(re.findall(r"\b([a-z_]\w*)\b", waiting.pop()))
        for name in sorted(used & functions.keys() - found.keys()):
            found[name] = functions[name]
            waiting.append(functions[name][1])
    ordered = sorted(found.items(), key=lambda item: item[1][0])
    return {name: code.text[at : at + len(text)].strip("\n") + "\n" for name, (at, text) in ordered}


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
