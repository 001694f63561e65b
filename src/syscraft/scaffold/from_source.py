"""A declaration's folder from code that somebody has written by hand with SYSCALL_DEFINE."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

from syscraft.calls.census import Definition
from syscraft.declaration import ctext
from syscraft.declaration.ctext import CDeclarator
from syscraft.errors import DeclarationError, Finding, UsageError, Where
from syscraft.files import folder_made_whole, write_atomic
from syscraft.lines import split_lines
from syscraft.model.compile import load
from syscraft.model.names import KNOWN_STRUCTS
from syscraft.model.types import declare_user
from syscraft.rules.kernel_text import AuthorFile, at_margin
from syscraft.scaffold.make import author
from syscraft.scan.definitions import UnreadCall, definitions_in
from syscraft.scan.sources import Source
from syscraft.tree.source import KernelTree

_COMMENT_ABOVE = re.compile(r"/\*(?:(?!\*/).)*\*/\s*\Z", re.DOTALL)
_INCLUDE = re.compile(r"^#include\b.*\n", re.MULTILINE)
_LINE = 80


@dataclass(frozen=True)
class Imported:
    """What was made, what was left behind, and what has to be told before it is valid."""

    files: tuple[Path, ...]
    notes: tuple[str, ...]
    findings: tuple[Finding, ...]


def import_call(path: Path, wanted: str | None, directory: Path) -> Imported:
    """Make the folder *directory*/NAME from a C file.

    Args:
        path: C code with one SYSCALL_DEFINE or more.
        wanted: which call, where the file defines several.

    Raises:
        UsageError: the file cannot be read, defines no such call, or the folder is there already.
        DeclarationError: the call's parameters cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError.of(
            "this file cannot be read", Where(str(path)), found=str(error)
        ) from error
    file = AuthorFile(str(path), text)
    definition, alone = _choose(path, file, wanted)
    name = definition.symbol.removeprefix("sys_")
    folder = directory / name
    if folder.exists():
        raise UsageError.of(
            "already exists",
            Where(str(folder)),
            hint="remove it, or name another folder with -C",
        )
    where = Where(str(path), definition.line)
    parameters = tuple(
        replace(p, ctype=replace(p.ctype, user=p.ctype.is_pointer))
        for p in ctext.parse_parameters(definition.text, lambda row, column: where)
    )
    notes: list[str] = []
    if f"do_{name}" in file.functions:  # the name that the declaration's own function has
        text = re.sub(rf"\bdo_{name}\b", f"__do_{name}", text)
        file = AuthorFile(str(path), text)
        notes.append(f"do_{name}() of the file was renamed to __do_{name}()")
    body = _body(name, text, file, definition, parameters, alone, notes)
    toml = _toml(name, path, text, file, definition, parameters)
    made = {f"{name}.toml": toml, f"{name}.c": body}
    with folder_made_whole(folder) as draft:
        for file_name, content in made.items():
            write_atomic(draft / file_name, content.encode())
    findings: tuple[Finding, ...] = ()
    try:
        load(folder)
    except DeclarationError as error:
        findings = error.findings
    return Imported(tuple(folder / file_name for file_name in made), tuple(notes), findings)


def _choose(path: Path, file: AuthorFile, wanted: str | None) -> tuple[Definition, bool]:
    """The call, and whether the file has no other."""
    tree = KernelTree(path.parent, "", str(path.parent))
    findings: list[Finding] = []
    found = [
        d
        for d in definitions_in(Source(path.name, file.text), tree, findings)
        if d.symbol.startswith("sys_")
    ]
    names = list(dict.fromkeys(d.symbol.removeprefix("sys_") for d in found))
    lost = [
        f
        for f in findings
        if wanted is None or (isinstance(f, UnreadCall) and f.symbol == f"sys_{wanted}")
    ]
    if lost and (wanted is None or wanted not in names):
        raise DeclarationError(*lost)
    if not names:
        raise UsageError.of(
            "this file defines no system call",
            Where(str(path)),
            expected="SYSCALL_DEFINEn(NAME, ...)",
        )
    if (wanted is None and len(names) > 1) or (wanted is not None and wanted not in names):
        raise UsageError.of(
            f"no call '{wanted}' in this file" if wanted else "this file defines several calls",
            Where(str(path)),
            expected="--call with one of " + ", ".join(names),
        )
    chosen = wanted or names[0]
    same = [d for d in found if d.symbol == f"sys_{chosen}"]
    if len(same) > 1:
        raise DeclarationError.of(
            f"'{chosen}' is defined {len(same)} times",
            Where(str(path), same[1].line),
            expected="one SYSCALL_DEFINE",
            found="; ".join(f"({d.text}) in line {d.line}" for d in same),
            hint='keep one of them; for an order per architecture use like = "clone"',
        )
    return same[0], len(names) == 1


def _body(
    name: str,
    text: str,
    file: AuthorFile,
    definition: Definition,
    parameters: tuple[CDeclarator, ...],
    alone: bool,
    notes: list[str],
) -> str:
    """The kernel function and what it needs of the file; *notes* gets what is to be told."""
    start = file.offset(definition.line)
    block = file.block_behind(start)
    if block is None:
        raise DeclarationError.of(
            f"body of {name} not found",
            Where(file.path, definition.line),
            expected="a block in braces after SYSCALL_DEFINE",
            found="no block, or one without an end",
        )
    brace, end = block
    function = _head(name, parameters) + "\n" + at_margin(text[brace:end], file.margin(end))
    if alone:
        if definition.conditions:
            notes.append(
                f"the function stands under '{definition.conditions[-1]}': take the #if out, for "
                "the call has an option of its own"
            )
        return _instead(name, text, file, {(start, end): function}, notes)
    helpers = _helpers(text, file, file.text[brace:end])
    if helpers:
        notes.append("functions that the call uses were copied: " + ", ".join(helpers))
    notes.append("macros, structs and variables of the file were not copied; add what is missing")
    includes = "".join(_INCLUDE.findall(text))
    return "\n".join((*([includes] if includes else []), *helpers.values(), function)) + "\n"


def _instead(
    name: str, text: str, file: AuthorFile, changes: dict[tuple[int, int], str], notes: list[str]
) -> str:
    """The whole file with *changes*, and without what is generated."""
    compat = re.compile(rf"^[ \t]*COMPAT_SYSCALL_DEFINE\d\s*\(\s*{name}\b", re.MULTILINE)
    for match in compat.finditer(file.text):
        if block := file.block_behind(match.start()):
            changes[match.start(), block[1]] = ""
            notes.append("COMPAT_SYSCALL_DEFINE is dropped: the compat entry is generated")
    for (start, end), new in sorted(changes.items(), reverse=True):
        text = text[:start] + new + text[end:]
    return re.sub(r"\n{3,}", "\n\n", text).rstrip("\n") + "\n"


def _helpers(text: str, file: AuthorFile, body: str) -> dict[str, str]:
    """The functions of the file that *body* leads to, in the order of the file."""
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
        f.prototype.name: at_margin(text[f.start : f.end], file.margin(f.end)) + "\n"
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


def _toml(
    name: str,
    path: Path,
    text: str,
    file: AuthorFile,
    definition: Definition,
    parameters: tuple[CDeclarator, ...],
) -> str:
    kernel = ", ".join(p.ctype.declare(p.name, kernel=True) for p in parameters)
    user = ", ".join(declare_user(p.ctype, p.name) for p in parameters) or "void"
    above = _COMMENT_ABOVE.search(text[: file.offset(definition.line)])
    lines = [
        f"name = {json.dumps(name)}",
        f"summary = {json.dumps(_summary(above[0] if above else '', name, path))}",
        f"author = {json.dumps(author())}",
        "",
        f"# As in {path.name}, line {definition.line}.",
        f"kernel = {json.dumps(kernel)}",
        "",
        "# The user's function: any order, any names that appear above.",
        f"user = {json.dumps(f'long {name}({user})')}",
    ]
    structs = dict.fromkeys(p.ctype.base for p in parameters if p.ctype.base.startswith("struct "))
    if unknown := [struct for struct in structs if struct not in KNOWN_STRUCTS]:
        lines += [
            "",
            "# Name the uapi headers that define them, such as linux/openat2.h, in 'includes'.",
            f"types = {json.dumps(unknown)}",
            "includes = []",
        ]
    return "\n".join(lines) + "\n"


def _summary(comment: str, name: str, path: Path) -> str:
    """The first sentence of the comment above, if it is one that can stand alone."""
    words = " ".join(re.sub(r"^[\s/*]+", "", line) for line in split_lines(comment))
    words = re.sub(r"\*/", "", words).strip()
    words = re.sub(rf"^(?:sys_)?{name}(?:\(2?\))?\s*[-:]+\s*", "", words)
    sentence = re.split(r"(?<=[a-z)])\.(?:\s|$)|@", words)[0].strip(" .-")
    if 5 < len(sentence) <= 100 and sentence.isprintable():
        return sentence
    return f"do what {name} in {path.name} does"
