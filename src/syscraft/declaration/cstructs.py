"""Reads struct definitions, all of each: what would be passed over is refused."""

from __future__ import annotations

from dataclasses import dataclass, field

import tree_sitter

from syscraft.declaration.ctext import CSource, Locate, read_declarators
from syscraft.declaration.ctype import CDeclarator
from syscraft.errors import Where

_EXPECTED = "struct definitions such as struct splork_args { __u32 flags; };"

# What may stand between the braces of a struct besides fields, and around its name.
_PASSED_OVER = frozenset(["{", "}", "comment"])
_TAGGED = {"struct_specifier": "struct", "union_specifier": "union", "enum_specifier": "enum"}
_OWN = frozenset(["struct", "type_identifier", "field_declaration_list", "comment"])


@dataclass(frozen=True)
class CStruct:
    """A struct definition; ``text`` is as the author wrote it."""

    name: str
    fields: tuple[CDeclarator, ...]
    text: str
    where: Where = field(compare=False)


def parse_structs(text: str, locate: Locate, *, strict: bool = True) -> tuple[CStruct, ...]:
    """Read struct definitions.

    Args:
        strict: refuse what changes a layout without being a field: attributes, ``#if`` and the
            like. Without, it is passed over: structs of the kernel's own have them.

    Raises:
        CTextError: the text has anything but struct definitions.
    """
    source = CSource(text, locate)
    source.check_syntax(_EXPECTED)
    found = []
    for node in source.root.named_children:
        if node.type == "comment":
            continue
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        if node.type != "struct_specifier" or name is None or body is None:
            raise source.fail("only struct definitions are allowed here", node, _EXPECTED)
        if strict:
            _check_whole(source, node, body)
        fields = [
            declared
            for child in body.named_children
            if child.type == "field_declaration"
            for declared in read_declarators(source, child, what="field", strict=strict)
        ]
        found.append(
            CStruct(source.text(name), tuple(fields), source.text(node) + ";", source.where(name))
        )
    return tuple(found)


def type_names(text: str) -> frozenset[str]:
    """The types that a text sets out to define, whether or not it is accepted."""
    source = CSource(text, lambda row, column: Where(""))
    names = set()
    nodes = [source.root]
    while nodes:
        node = nodes.pop()
        nodes += node.children
        name = node.child_by_field_name("name")
        if name is not None and node.type in _TAGGED:
            names.add(f"{_TAGGED[node.type]} {source.text(name)}")
        elif node.type == "type_definition":
            names |= {source.text(n) for n in node.children_by_field_name("declarator")}
    return frozenset(names)


def _check_whole(source: CSource, struct: tree_sitter.Node, body: tree_sitter.Node) -> None:
    """Refuse whatever in a struct is no plain field."""
    for child in struct.children:
        if child.type not in _OWN:
            raise source.fail(
                "an attribute can change the layout of the struct", child,
                "explicit padding, and fields of fixed width",
            )  # fmt: skip
    for child in body.children:
        if child.type in _PASSED_OVER:
            continue
        if child.type != "field_declaration":
            raise source.fail(
                "only fields are allowed in a struct", child,
                "the same fields for every program, without preprocessor lines",
            )  # fmt: skip
        for part in child.children:
            if part.type == "type_qualifier":
                message = f"'{source.text(part)}' is not supported in a field"
                raise source.fail(message, part, "the field without it")
