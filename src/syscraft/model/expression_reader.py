"""Reads the text of an expression into its tree; says of what it refuses what to write instead."""

from __future__ import annotations

import re

import tree_sitter

from syscraft.declaration.ctext import CSource, CTextError, Locate, open_expression, read_type
from syscraft.declaration.ctype import CType
from syscraft.declaration.scalars import SCALARS
from syscraft.errors import Finding
from syscraft.model.expression import (
    Binary,
    Cast,
    Conditional,
    Expression,
    Integer,
    Name,
    SizeOf,
    StringLength,
    Unary,
)
from syscraft.model.types import plain_char

# Brackets in brackets: more than anybody can read, and every compiler takes as many.
# Source: ISO/IEC 9899:2018 section 5.2.4.1, 63 levels
MAX_DEPTH = 32

_BINARY = frozenset("+ - * / % & | ^ << >> == != < > <= >= && ||".split())
_UNARY = frozenset("+ - ~ !".split())
_LENGTHS = frozenset(("strlen", "__builtin_strlen"))
_INTEGER = re.compile(
    r"(?P<digits>0[xX][0-9a-fA-F]+|[0-9]+)(?P<suffix>[uU](?:ll|LL|[lL])?|(?:ll|LL|[lL])[uU]?)?\Z"
)
_ESCAPES = {"n": 10, "t": 9, "r": 13, "0": 0, "\\": 92, "'": 39, '"': 34}

# What C has and not every language can say: kind of node -> what it is, what to write instead.
_REFUSED = {
    "call_expression": ("calls a function", "strlen() of an argument, or an argument of its own"),
    "field_expression": ("reads memory", "an argument of its own, which the caller reads"),
    "subscript_expression": ("reads memory", "an argument of its own, which the caller reads"),
    "pointer_expression": ("reads memory", "an argument of its own, which the caller reads"),
    "assignment_expression": ("changes a variable", "the value alone"),
    "update_expression": ("changes a variable", "the value alone, for example a + 1"),
    "string_literal": ("is a string", "an argument of its own"),
    "concatenated_string": ("is a string", "an argument of its own"),
    "compound_literal_expression": ("makes an object", "an argument of its own"),
    "comma_expression": ("has a comma", "one value"),
}


def read_expression(text: str, locate: Locate) -> Expression:
    """Read one C expression over arguments and constants.

    Raises:
        CTextError: the text is no C expression, or one that only C can say.
    """
    source, node = open_expression(text, locate)
    return _read(source, node, 0)


def _refuse(source: CSource, node: tree_sitter.Node, message: str, expected: str) -> CTextError:
    found = " ".join(source.text(node).split())
    return CTextError(Finding(message, source.where(node), expected, found[:60]))


def _read(source: CSource, node: tree_sitter.Node, depth: int) -> Expression:
    if depth > MAX_DEPTH:
        raise _refuse(
            source, node, "this expression is nested too deeply", f"at most {MAX_DEPTH} levels"
        )
    text = source.text(node)
    parts = [child for child in node.named_children if child.type != "comment"]
    match node.type:
        case "identifier" | "null":
            return Name(text)
        case "number_literal" | "true" | "false" | "char_literal":
            return _literal(source, node)
        case "parenthesized_expression" if len(parts) == 1:
            # Brackets add nothing to the tree; printers set those that are needed.
            return _read(source, parts[0], depth + 1)
        case "unary_expression":
            operator = _operator(source, node, _UNARY)
            return Unary(operator, _read(source, parts[0], depth + 1))
        case "binary_expression":
            operator = _operator(source, node, _BINARY)
            return _chain(source, node, operator, depth)
        case "conditional_expression" if len(parts) == 3:
            condition, then, otherwise = (_read(source, part, depth + 1) for part in parts)
            return Conditional(condition, then, otherwise)
        case "cast_expression":
            return _cast(source, node, depth)
        case "sizeof_expression":
            return _size_of(source, node)
        case "call_expression":
            return _call(source, node)
    what, instead = _REFUSED.get(
        node.type, ("is more than arithmetic", "arguments, constants and operators")
    )
    raise _refuse(source, node, f"this expression {what}", instead)


def _chain(source: CSource, node: tree_sitter.Node, operator: str, depth: int) -> Expression:
    """Read ``a | b | c``: a long sum is not a deep one, so the left side is a loop."""
    waiting: list[tuple[str, tree_sitter.Node]] = []
    left: tree_sitter.Node | None = node
    while left is not None and left.type == "binary_expression":
        right = left.child_by_field_name("right")
        assert right is not None
        waiting.append((_operator(source, left, _BINARY), right))
        left = left.child_by_field_name("left")
    assert left is not None
    if len(waiting) > MAX_DEPTH:
        raise _refuse(
            source, node, "this expression is too long", f"at most {MAX_DEPTH} operators in a row"
        )
    made = _read(source, left, depth + 1)
    for operator, right in reversed(waiting):
        made = Binary(operator, made, _read(source, right, depth + 1))
    return made


def _operator(source: CSource, node: tree_sitter.Node, known: frozenset[str]) -> str:
    child = node.child_by_field_name("operator")
    operator = source.text(child) if child is not None else ""
    if operator not in known:
        raise _refuse(source, node, f"'{operator}' is not allowed here", " ".join(sorted(known)))
    return operator


def _literal(source: CSource, node: tree_sitter.Node) -> Expression:
    text = source.text(node)
    if text in ("true", "false"):
        raise _refuse(source, node, f"'{text}' is C++, or a macro", "1 or 0")
    if text[0] in "+-":  # the parser takes the sign of a first number for a part of it
        return Unary(text[0], _integer(source, node, text[1:].strip()))
    if text[0] == "'":
        return _character(source, node, text)
    return _integer(source, node, text)


def _integer(source: CSource, node: tree_sitter.Node, text: str) -> Integer:
    match = _INTEGER.match(text)
    if match is None:
        raise _refuse(
            source, node, "not a valid C integer", "digits, or 0x and digits; u, l, ul, ull"
        )
    digits = match["digits"]
    octal = digits[0] == "0" and digits.isdigit()
    if octal and digits.strip("01234567"):
        raise _refuse(source, node, "octal number with an 8 or a 9", "a number without the 0")
    value = int(digits, 8 if octal else 0)
    decimal = digits.isdigit() and not octal
    signed = "u" not in (match["suffix"] or "").lower()
    if value >> (63 if decimal and signed else 64):
        raise _refuse(
            source,
            node,
            "this number is too large for any type",
            "at most 64 bits, with a ULL suffix",
        )
    return Integer(value, text)


def _character(source: CSource, node: tree_sitter.Node, text: str) -> Integer:
    inner = text[1:-1]
    if len(inner) == 1 and 32 <= ord(inner) < 127:
        return Integer(ord(inner), text)
    if len(inner) == 2 and inner[0] == "\\" and inner[1] in _ESCAPES:
        return Integer(_ESCAPES[inner[1]], text)
    raise _refuse(source, node, "not a single ASCII character", "its number, for example 0x7f")


def _cast(source: CSource, node: tree_sitter.Node, depth: int) -> Expression:
    kind, value = node.child_by_field_name("type"), node.child_by_field_name("value")
    assert kind is not None and value is not None
    name = source.text(kind)
    named = kind.child_by_field_name("type")
    if named is not None and named.type == "type_identifier" and name.isidentifier():
        # (a) - b: without knowing a, the parser may take it for a type. So may a reader.
        raise _refuse(
            source, node, f"'({name})' reads like a cast to an unknown type",
            f"{name} without brackets, or an integer type",
        )  # fmt: skip
    return Cast(_type(source, kind), _read(source, value, depth + 1))


def _type(source: CSource, node: tree_sitter.Node) -> CType:
    ctype = read_type(source, node)
    if ctype.array is not None or not (ctype.is_pointer or ctype.base in SCALARS):
        raise _refuse(source, node, "only an integer or a pointer is allowed here", "such a type")
    if ctype.base == "char" and not ctype.is_pointer:
        raise CTextError(plain_char(source.where(node)))
    return ctype


def _size_of(source: CSource, node: tree_sitter.Node) -> SizeOf:
    kind, value = node.child_by_field_name("type"), node.child_by_field_name("value")
    if kind is not None:
        ctype = read_type(source, kind)
        if ctype.array is None:
            return SizeOf(ctype)
    while value is not None and value.type == "parenthesized_expression":
        value = value.named_children[0]
    pointed = value is not None and value.type == "pointer_expression"
    if pointed and value is not None and source.text(value).startswith("*"):
        value = value.child_by_field_name("argument")
    if value is not None and value.type == "identifier":
        name = source.text(value)
        return SizeOf(CType(name) if name in SCALARS else Name(name), pointed)
    raise _refuse(
        source,
        node,
        "the size of this cannot be determined",
        "sizeof(TYPE), sizeof(arg) or sizeof(*arg)",
    )


def _call(source: CSource, node: tree_sitter.Node) -> Expression:
    function = node.child_by_field_name("function")
    arguments = node.child_by_field_name("arguments")
    if function is not None and arguments is not None and len(arguments.named_children) == 1:
        name = source.text(function)
        argument = arguments.named_children[0]
        if name in _LENGTHS and argument.type == "identifier":
            return StringLength(name, Name(source.text(argument)))
    what, instead = _REFUSED[node.type]
    raise _refuse(source, node, f"this expression {what}", instead)
