"""An expression of a declaration as a tree: what [derive] and the values of flags may say.

It is read once, by :mod:`syscraft.model.expression_reader`, and printed for each language by a
module of its own. What C makes of it, type by type, is in :mod:`syscraft.model.c_values`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from syscraft.declaration.ctype import CType


class _Node:
    def __str__(self) -> str:
        """Refuse: text put into a file must come from a language's printer."""
        raise TypeError(f"{self!r} has no text of its own")


@dataclass(frozen=True)
class Name(_Node):
    """An argument of the user's function, a constant of the declaration, or a header's macro."""

    name: str


@dataclass(frozen=True)
class Integer(_Node):
    """A literal: its value, and the author's spelling with its suffix, such as ``0x10UL``."""

    value: int
    spelling: str


@dataclass(frozen=True)
class Unary(_Node):
    """``operator`` is one of ``+ - ~ !``."""

    operator: str
    operand: Expression


@dataclass(frozen=True)
class Binary(_Node):
    """``operator`` is one of C's for arithmetic, bits, shifts, comparison and logic."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Conditional(_Node):
    condition: Expression
    then: Expression
    otherwise: Expression


@dataclass(frozen=True)
class Cast(_Node):
    ctype: CType
    operand: Expression


@dataclass(frozen=True)
class SizeOf(_Node):
    """``of`` is a type, or the name of an argument; ``pointed`` of what that points to."""

    of: CType | Name
    pointed: bool = False


@dataclass(frozen=True)
class StringLength(_Node):
    """The length of a string of the user's; ``function`` is strlen or the compiler's own."""

    function: str
    argument: Name


Expression = Name | Integer | Unary | Binary | Conditional | Cast | SizeOf | StringLength


def explicit(expression: Expression) -> Expression:
    """Write ``!= 0`` where C only asks whether a number is zero, and gcc suspects a slip.

    Source: -Wint-in-bool-context, gcc 12
    """
    match expression:
        case Unary("!", operand):
            return Unary("!", _truth(explicit(operand)))
        case Unary(operator, operand):
            return Unary(operator, explicit(operand))
        case Cast(ctype, operand):
            is_bool = ctype.base == "bool" and not ctype.is_pointer
            return Cast(ctype, _truth(explicit(operand)) if is_bool else explicit(operand))
        case Binary("&&" | "||" as operator, left, right):
            return Binary(operator, _truth(explicit(left)), _truth(explicit(right)))
        case Binary(operator, left, right):
            return Binary(operator, explicit(left), explicit(right))
        case Conditional(condition, then, otherwise):
            return Conditional(_truth(explicit(condition)), explicit(then), explicit(otherwise))
    return expression


def _truth(expression: Expression) -> Expression:
    suspect = isinstance(expression, Conditional) or (
        isinstance(expression, Binary) and expression.operator in ("*", "<<")
    )
    return Binary("!=", expression, Integer(0, "0")) if suspect else expression


def names_in(expression: Expression) -> frozenset[str]:
    """The names that an expression uses."""
    return frozenset(node.name for node in _nodes(expression) if isinstance(node, Name))


def types_in(expression: Expression) -> frozenset[str]:
    """The names of the types that an expression casts to or takes the size of."""
    found = set()
    for node in _nodes(expression):
        if isinstance(node, Cast):
            found.add(node.ctype.base)
        elif isinstance(node, SizeOf) and isinstance(node.of, CType):
            found.add(node.of.base)
    return frozenset(found)


def _nodes(expression: Expression) -> Iterator[Expression]:
    yield expression
    match expression:
        case Unary(_, operand) | Cast(_, operand):
            yield from _nodes(operand)
        case Binary(_, left, right):
            yield from _nodes(left)
            yield from _nodes(right)
        case Conditional(condition, then, otherwise):
            for part in (condition, then, otherwise):
                yield from _nodes(part)
        case SizeOf(Name() as name) | StringLength(_, name):
            yield name
