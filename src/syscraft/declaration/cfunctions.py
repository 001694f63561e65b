"""Finds the functions of a C file, wherever their braces stand and under whatever #if."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import tree_sitter

from syscraft.declaration.ctext import CSource, CTextError, Locate, read_function
from syscraft.declaration.ctype import CPrototype
from syscraft.errors import Where


@dataclass(frozen=True)
class CFunction:
    """A function's definition; ``start``, ``brace`` and ``end`` are offsets in the file's text."""

    prototype: CPrototype
    start: int
    brace: int
    end: int


def find_functions(text: str, locate: Locate) -> tuple[CFunction, ...]:
    """List the functions that a C file defines; one whose head cannot be read is left out."""
    source = CSource(text, locate)
    found = []
    for node in _definitions(source.root):
        body = node.child_by_field_name("body")
        if body is None or not _is_closed(source, body):
            continue
        try:
            prototype = read_function(source, node, "a function", strict=False)
        except CTextError:
            continue
        places = (node.start_byte, body.start_byte, node.end_byte)
        if len(source.data) != len(text):  # not ASCII alone: places count characters
            start, brace, end = (len(source.data[:at].decode()) for at in places)
        else:
            start, brace, end = places
        found.append(CFunction(prototype, start, brace, end))
    return tuple(found)


def end_of_block(text: str, brace: int) -> int | None:
    """Where the block that starts at *brace* ends; None if there is no block.

    A macro's, such as SYSCALL_DEFINE's, is no function to the parser.
    """
    source = CSource(text, lambda row, column: Where(""))
    at = len(text[:brace].encode())
    node = source.root.descendant_for_byte_range(at, at + 1)
    while node is not None and node.type != "compound_statement":
        node = node.parent
    if node is None or node.start_byte != at or not _is_closed(source, node):
        return None
    return len(source.data[: node.end_byte].decode())


def _definitions(root: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    """The definitions of functions, also inside of #if, in the order of the file."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.type == "function_definition":
            yield node
        else:
            waiting.extend(reversed(node.children))


def _is_closed(source: CSource, block: tree_sitter.Node) -> bool:
    """Whether the block ends with its brace: the parser supplies one that is missing."""
    last = block.children[-1] if block.children else None
    return last is not None and last.type == "}" and not last.is_missing
