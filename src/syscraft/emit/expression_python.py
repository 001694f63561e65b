"""An expression as Python that has the value which C gives it, on every ABI.

Python's integers have no width, so what C cuts off is cut off by ``_wrap()``, and only where
a value may leave its type. Constants that C changes, such as ``-1`` for an unsigned parameter,
become the number that they are in C.
"""

from __future__ import annotations

from collections.abc import Callable

from syscraft.declaration.ctype import CType
from syscraft.model.c_values import (
    LONG_BITS,
    CInteger,
    OnlyInC,
    Scope,
    Value,
    convert,
    evaluate,
)
from syscraft.model.expression import Expression

# Python's own order: the higher, the tighter.
_CONDITION, _OR, _AND, _NOT, _COMPARE, _ATOM = 0, 1, 2, 3, 4, 12
_BINARY = {"|": 5, "^": 6, "&": 7, "<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10}
_UNARY = 11
_COMPARISONS = frozenset("== != < > <= >=".split())
_TRUTHS = _COMPARISONS | frozenset("! && ||".split())


def python_text(
    expression: Expression,
    scopes: Callable[[int], Scope],
    target: CType | None = None,
) -> str | None:
    """Write an expression whose names are Python's variables, checked to fit their types.

    Args:
        scopes: what names mean where ``long`` has so many bits.
        target: the C type that the value is converted to.

    Returns: None if only C can work it out.
    """
    values = []
    for long_bits in LONG_BITS:
        scope = scopes(long_bits)
        try:
            value = evaluate(expression, scope)
        except OnlyInC:
            return None
        wanted = scope.type_of(target) if target else None
        values.append(convert(value, wanted) if wanted else value)
    printer = _Printer()
    narrow, wide = (printer.text(value) for value in values)
    if narrow == wide:
        return wide
    narrow, wide = (printer.text(value, _OR) for value in values)
    return f"{wide} if _LONG_BITS == 64 else {narrow}"


class _Printer:
    def text(self, value: Value, tight: int = _CONDITION) -> str:
        """Write a value, in brackets if it binds less than *tight*."""
        text, binds = self._print(value)
        return text if binds >= tight else f"({text})"

    def _print(self, value: Value) -> tuple[str, int]:
        match value.kind:
            case "name":
                return value.text, _ATOM
            case "number":
                return _literal(value), _ATOM
            case "convert":
                return self._convert(value)
            case "?:":
                condition, then, otherwise = value.operands
                text = (
                    f"{self.text(then, _OR)} if {self.truth(condition, _OR)} "
                    f"else {self.text(otherwise, _OR)}"
                )
                return text, _CONDITION
            case "&&" | "||":
                return f"1 if {self.truth(value)} else 0", _CONDITION
            case "!" | "==" | "!=" | "<" | ">" | "<=" | ">=":
                return f"int({self.truth(value)})", _ATOM
            case "-" | "~" if len(value.operands) == 1:
                return f"{value.kind}{self.text(value.operands[0], _ATOM)}", _UNARY
            case "/" | "%":
                return self._divide(value)
        binds = _BINARY[value.kind]
        left, right = value.operands
        return f"{self.text(left, binds)} {value.kind} {self.text(right, binds + 1)}", binds

    def truth(self, value: Value, tight: int = _CONDITION) -> str:
        """Write a value of which only matters whether it is zero."""
        while value.kind == "convert" and value.operands[0].kind in (
            *_COMPARISONS,
            "!",
            "&&",
            "||",
        ):
            value = value.operands[0]
        if value.kind in _COMPARISONS:
            left, right = (self.text(v, _COMPARE + 1) for v in value.operands)
            text, binds = f"{left} {value.kind} {right}", _COMPARE
        elif value.kind == "!":
            text, binds = f"not {self.truth(value.operands[0], _COMPARE)}", _NOT
        elif value.kind == "&&":
            left, right = (self.truth(v, _AND + 1) for v in value.operands)
            text, binds = f"{left} and {right}", _AND
        elif value.kind == "||":
            left, right = (self.truth(v, _OR + 1) for v in value.operands)
            text, binds = f"{left} or {right}", _OR
        else:
            text, binds = self._print(value)
        return text if binds >= tight else f"({text})"

    def _convert(self, value: Value) -> tuple[str, int]:
        (operand,) = value.operands
        ctype = value.ctype
        if ctype.low <= operand.low and operand.high <= ctype.high:
            return self._print(operand)
        if value.constant is not None:
            return _number(value.constant), _ATOM if value.constant >= 0 else _UNARY
        if ctype.is_bool:
            return f"int({self.text(operand, _COMPARE + 1)} != 0)", _ATOM
        return f"_wrap({self.text(operand)}, {_bits(ctype)}, {ctype.signed})", _ATOM

    def _divide(self, value: Value) -> tuple[str, int]:
        left, right = value.operands
        if left.low >= 0 and right.low >= 0:  # both languages round alike
            operator = {"/": "//"}.get(value.kind, "%")
            return f"{self.text(left, 10)} {operator} {self.text(right, 11)}", 10
        function = "_quotient" if value.kind == "/" else "_remainder"
        return f"{function}({self.text(left)}, {self.text(right)})", _ATOM


def _bits(ctype: CInteger) -> str:
    return "_LONG_BITS" if ctype.is_long else str(ctype.bits)


def _literal(value: Value) -> str:
    """The author's base, without C's suffix."""
    spelling = value.text.lower()
    if spelling.startswith("0x"):
        return spelling.rstrip("ul")
    return str(value.low)


def _number(value: int) -> str:
    return hex(value) if value > 0xFFFF else str(value)
