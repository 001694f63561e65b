"""Finds what the statements of a C function declare in its outermost block."""

from __future__ import annotations

from collections.abc import Iterator

import tree_sitter

from syscraft.declaration.ctext import CSource, Locate
from syscraft.errors import Where

# What has a scope of its own.
_INNER = frozenset(
    "compound_statement for_statement while_statement do_statement if_statement "
    "switch_statement parameter_list".split()
)
_DECLARED = frozenset(
    "declaration type_definition init_declarator pointer_declarator array_declarator "
    "function_declarator parenthesized_declarator".split()
)


def local_names(text: str, locate: Locate) -> tuple[tuple[str, Where], ...]:
    """The variables, functions, types and enumerators that statements declare, with places."""
    source = CSource(text, locate, "void f(void) {", "\n}")
    body = source.root.named_children[0].child_by_field_name("body")
    if body is None:
        return ()
    return tuple(
        (source.text(name), source.where(name)) for child in body.children for name in _names(child)
    )


def _names(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    waiting = [node]  # a loop, not recursion: no input may exhaust Python's stack
    while waiting:
        found = waiting.pop()
        if found.type in _INNER:
            continue
        if found.type in _DECLARED:
            yield from (
                child
                for child in found.children_by_field_name("declarator")
                if child.type in ("identifier", "type_identifier")
            )
            if found.type == "parenthesized_declarator":
                yield from (child for child in found.children if child.type == "identifier")
        elif found.type == "enumerator" and (name := found.child_by_field_name("name")):
            yield name
        waiting.extend(reversed(found.children))
