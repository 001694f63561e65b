"""An expression as C and C++, with the brackets that a reader and gcc -Wall want."""

from __future__ import annotations

from syscraft.declaration.ctype import CType
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
from syscraft.model.types import spell_uapi

_PRIMARY = (Name, Integer, SizeOf, StringLength)
_PRODUCTS = frozenset("* / %".split())
_SUMS = frozenset("+ -".split())
_COMPARISONS = frozenset("== != < > <= >=".split())
_LOGIC = frozenset("&& ||".split())


def c_text(expression: Expression) -> str:
    """Write an expression for user space."""
    match expression:
        case Name(name):
            return name
        case Integer(_, spelling):
            return spelling
        case Unary(operator, operand):
            # A sign behind the same sign would be another operator.
            return f"{operator}{_inside(operand, (*_PRIMARY, Cast))}"
        case Cast(ctype, operand):
            return f"({_type(ctype)}){as_operand(operand)}"
        case Binary(operator, left, right):
            return f"{_side(left, operator)} {operator} {_side(right, operator, last=True)}"
        case Conditional(condition, then, otherwise):
            parts = [
                f"({c_text(part)})" if isinstance(part, Conditional) else c_text(part)
                for part in (condition, then, otherwise)
            ]
            return f"{parts[0]} ? {parts[1]} : {parts[2]}"
        case SizeOf(of, pointed):
            inner = of.name if isinstance(of, Name) else _type(of)
            return f"sizeof({'*' if pointed else ''}{inner})"
        case StringLength(function, argument):
            return f"{function}({argument.name})"


def as_operand(expression: Expression) -> str:
    """Write an expression so that a cast or a sign may stand before it."""
    return _inside(expression, (*_PRIMARY, Unary, Cast))


def as_macro(expression: Expression) -> str:
    """Write an expression so that it is one wherever a macro of this value is used."""
    return _inside(expression, _PRIMARY)


def _inside(expression: Expression, bare: tuple[type[Expression], ...]) -> str:
    text = c_text(expression)
    return text if isinstance(expression, bare) else f"({text})"


def _type(ctype: CType) -> str:
    return spell_uapi(ctype)


def _side(expression: Expression, outer: str, *, last: bool = False) -> str:
    """One side of an operator; ``last`` is the right one."""
    text = c_text(expression)
    not_of_it_all = isinstance(expression, Unary) and expression.operator == "!"
    if isinstance(expression, Conditional) or (not_of_it_all and outer not in _LOGIC):
        return f"({text})"
    if not isinstance(expression, Binary):
        return text
    inner = expression.operator
    if (
        (inner == outer and inner not in _COMPARISONS and not last)
        or (inner in _PRODUCTS and outer in _SUMS)
        or (inner in _SUMS and outer in _SUMS and not last)
        or (outer in _LOGIC and inner in _COMPARISONS)
        or (outer in _COMPARISONS and inner in _PRODUCTS | _SUMS)
    ):
        return text
    return f"({text})"
