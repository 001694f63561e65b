"""The definition of a call that a tree has already."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from syscraft.declaration.ctext import CTextError, parse_parameters
from syscraft.declaration.ctype import CType
from syscraft.errors import Where
from syscraft.model.call import Call
from syscraft.tree.source import KernelTree

# Where most calls are defined; everything else is read only if they are not there.
_LIKELY = ("kernel/*.c", "fs/*.c", "mm/*.c", "ipc/*.c", "net/*.c", "**/*.c")
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


@dataclass(frozen=True)
class Found:
    """A ``SYSCALL_DEFINE``, or an ``asmlinkage`` function that goes without.

    Args:
        text: its head in one line.
        parameters: types of its parameters; None for what no list of parameters can be read from.
        is_macro: whether it is a ``SYSCALL_DEFINE``.
    """

    path: str
    line: int
    text: str
    parameters: tuple[CType, ...] | None
    is_macro: bool


def definitions_of(name: str, tree: KernelTree) -> tuple[Found, ...]:
    """All definitions in the first file that has any; a ``SYSCALL_DEFINE`` is preferred."""
    fallback: tuple[Found, ...] = ()
    for path in _files(name, tree):
        data = tree.read_bytes(path)
        if data is None or name.encode() not in data:
            continue
        found = tuple(_in_file(name, path, data.decode("utf-8", "replace")))
        if any(one.is_macro for one in found):
            return tuple(one for one in found if one.is_macro)
        fallback = fallback or found
    return fallback


def has_parameters_of(found: Found, call: Call) -> bool:
    """Whether a definition takes what *call* is declared to take, whatever the names."""
    if found.parameters is None:
        return False
    return any(
        len(found.parameters) == len(signature.parameters)
        and all(map(_is_same, found.parameters, (p.ctype for p in signature.parameters)))
        for signature in call.signatures
    )


def _is_same(one: CType, other: CType) -> bool:
    if one.scalar and other.scalar:
        return (one.scalar.bits, one.scalar.signed) == (other.scalar.bits, other.scalar.signed)
    return one == other


def _files(name: str, tree: KernelTree) -> Iterator[str]:
    seen = {f"kernel/{name}.c"}
    yield from seen
    for pattern in _LIKELY:
        for path in tree.glob(pattern):
            if path not in seen and not path.startswith(("tools/", "Documentation/", "samples/")):
                seen.add(path)
                yield path


def _in_file(name: str, path: str, text: str) -> Iterator[Found]:
    text = _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)
    heads = re.compile(
        rf"^(?:SYSCALL_DEFINE[0-6]\s*\(\s*{name}\b|asmlinkage[^;{{}}()]*\bsys_{name}\s*\()",
        re.MULTILINE,
    )
    for match in heads.finditer(text):
        is_macro = match[0].startswith("SYSCALL")
        start = text.index("(", match.start()) + 1
        end = _closing(text, start)
        if not is_macro and text[end + 1 :].lstrip().startswith(";"):
            continue  # a prototype
        listed = _split(text[start:end])
        parameters = _types(listed[1:] if is_macro else None)
        head = " ".join(text[match.start() : end + 1].split())
        yield Found(path, text.count("\n", 0, match.start()) + 1, head, parameters, is_macro)


def _closing(text: str, start: int) -> int:
    depth, end = 1, start
    while end < len(text):
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        if not depth:
            break
        end += 1
    return end


def _split(text: str) -> list[str]:
    """Split at commas that stand in no brackets."""
    parts, depth = [""], 0
    for char in text:
        depth += {"(": 1, ")": -1}.get(char, 0)
        if char == "," and not depth:
            parts.append("")
        else:
            parts[-1] += char
    return [" ".join(part.split()) for part in parts]


def _types(pairs: list[str] | None) -> tuple[CType, ...] | None:
    if pairs is None or len(pairs) % 2:
        return None
    text = ", ".join(f"{a} {b}" for a, b in zip(pairs[::2], pairs[1::2], strict=True))
    try:
        return tuple(p.ctype for p in parse_parameters(text, lambda row, column: Where("")))
    except CTextError:
        return None
