"""What C makes of an expression: types, conversions, and between which values a result lies.

The tree of an expression says what stands there; here every conversion that C makes on its own
becomes visible, so a printer for another language needs no rules of C. As the width of ``long``
differs, there is one such tree for ABIs of 32 and one for ABIs of 64 bits.

Arithmetic that overflows wraps, also where C leaves it open; constants that do are refused.

Source: ISO/IEC 9899:2018, sections 6.3.1.1 (promotion), 6.3.1.8 (usual arithmetic conversions),
6.4.4.1 (types of literals), 6.5.7 (shifts)
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from syscraft.declaration.ctype import CType
from syscraft.declaration.scalars import SCALARS
from syscraft.model.call import Constant, Parameter
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

LONG_BITS = (32, 64)


@dataclass(frozen=True)
class CInteger:
    """An integer type; ``is_long`` marks those that are as wide as the ABI's ``long``."""

    bits: int
    signed: bool
    is_long: bool = False
    is_bool: bool = False

    @property
    def low(self) -> int:
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        return 1 if self.is_bool else (1 << (self.bits - self.signed)) - 1

    def wrap(self, value: int) -> int:
        """What this type keeps of a value."""
        if self.is_bool:
            return int(value != 0)
        value &= (1 << self.bits) - 1
        return value - (1 << self.bits) if value > self.high else value

    def describe(self) -> str:
        return f"{'a signed' if self.signed else 'an unsigned'} integer of {self.bits} bits"


INT = CInteger(32, True)


@dataclass(frozen=True)
class Value:
    """A node with its conversions made: ``kind`` is

    * ``number``, or ``name``, whose text is ``text``;
    * ``convert``: the operand as ``ctype`` keeps it;
    * ``?:``, or an operator of C, over operands that need no conversion any more.

    ``low`` and ``high`` are exact: an operator's result may lie outside of ``ctype``, and is
    then the operand of a ``convert``.
    """

    kind: str
    ctype: CInteger
    low: int
    high: int
    operands: tuple[Value, ...] = ()
    text: str = ""

    @property
    def constant(self) -> int | None:
        return self.low if self.low == self.high else None

    @property
    def fits(self) -> bool:
        return self.ctype.low <= self.low and self.high <= self.ctype.high


class OnlyInC(Exception):
    """Another language cannot work this out: a string's length, a header's macro, an address."""


class NoValue(Exception):
    """C gives the expression no value, or a compiler warns: what is wrong, and what to write."""

    def __init__(self, message: str, instead: str) -> None:
        super().__init__(message)
        self.message = message
        self.instead = instead


@dataclass(frozen=True)
class Scope:
    """What names mean on ABIs whose ``long`` has ``long_bits``."""

    long_bits: int
    constants: Mapping[str, Value] = field(default_factory=dict)
    arguments: Mapping[str, CType] = field(default_factory=dict)

    def type_of(self, ctype: CType) -> CInteger | None:
        """The integer type that a C type is; None for pointers and structs."""
        scalar = None if ctype.is_pointer else SCALARS.get(ctype.base)
        if scalar is None:
            return None
        is_bool = ctype.base == "bool"
        return CInteger(
            scalar.bits or self.long_bits, scalar.signed, is_long=not scalar.bits, is_bool=is_bool
        )

    @property
    def size_type(self) -> CInteger:
        return CInteger(self.long_bits, False, is_long=True)


def scope_of(
    long_bits: int, constants: Iterable[Constant], arguments: Iterable[Parameter] = ()
) -> Scope:
    """Make the scope of a wrapper's expressions; constants that only C knows are left out."""
    known: dict[str, Value] = {}
    scope = Scope(long_bits, known, {p.name: p.ctype for p in arguments})
    for constant in constants:
        try:
            known[constant.name] = evaluate(constant.value, Scope(long_bits, known))
        except (OnlyInC, NoValue):
            continue
    return scope


def evaluate(expression: Expression, scope: Scope) -> Value:
    """Make every conversion of an expression visible.

    Raises:
        OnlyInC: a part of it is not an integer that is known outside of C.
        NoValue: C leaves a constant part of it open.
    """
    match expression:
        case Integer():
            return _number(expression.value, _literal_type(expression, scope), expression.spelling)
        case Name(name):
            return _name(name, scope)
        case Unary("!", operand):
            return _node("!", INT, (evaluate(operand, scope),), (0, 1))
        case Unary(sign, operand):
            return _unary(sign, _promote(evaluate(operand, scope)))
        case Binary("<<" | ">>" as sign, left, right):
            return _shift(sign, _promote(evaluate(left, scope)), _promote(evaluate(right, scope)))
        case Binary("&&" | "||" as sign, left, right):
            return _node(sign, INT, (evaluate(left, scope), evaluate(right, scope)), (0, 1))
        case Binary(sign, left, right):
            return _binary(sign, *_balance(evaluate(left, scope), evaluate(right, scope)))
        case Conditional(condition, then, otherwise):
            test = evaluate(condition, scope)
            branches = _balance(evaluate(then, scope), evaluate(otherwise, scope))
            return _choose(test, *branches)
        case Cast(ctype, operand):
            target = scope.type_of(ctype)
            if target is None:
                raise OnlyInC
            return convert(evaluate(operand, scope), target)
        case SizeOf(of, pointed):
            return _number(_size(of, pointed, scope), scope.size_type)
        case StringLength():
            raise OnlyInC


def convert(value: Value, target: CInteger) -> Value:
    """A value as another type keeps it, as assignment and casts do."""
    if value.ctype == target and value.fits:
        return value
    if target.low <= value.low and value.high <= target.high:
        low, high = value.low, value.high
    elif value.constant is not None:
        low = high = target.wrap(value.constant)
    else:
        low, high = target.low, target.high
    return Value("convert", target, low, high, (value,))


def _number(value: int, ctype: CInteger, text: str = "") -> Value:
    return Value("number", ctype, value, value, text=text or str(value))


def _name(name: str, scope: Scope) -> Value:
    if name in scope.arguments:
        ctype = scope.type_of(scope.arguments[name])
        if ctype is None:
            raise OnlyInC
        return Value("name", ctype, ctype.low, ctype.high, text=name)
    if name in scope.constants:
        value = scope.constants[name]
        return replace(value, kind="name", operands=(), text=name)
    raise OnlyInC


def _literal_type(literal: Integer, scope: Scope) -> CInteger:
    """The first type of the standard's list that holds the literal."""
    suffix = literal.spelling.lower().lstrip("0123456789abcdefx'\\")
    if literal.spelling[0] == "'":
        return INT
    decimal = literal.spelling[0] != "0"
    signs = (False,) if "u" in suffix else (True,) if decimal else (True, False)
    widths: list[tuple[int, bool]] = [(32, False)] if "l" not in suffix else []
    widths += [(scope.long_bits, True)] if "ll" not in suffix else []
    for bits, is_long in [*widths, (64, False)]:
        for signed in signs:
            ctype = CInteger(bits, signed, is_long)
            if literal.value <= ctype.high:
                return ctype
    raise NoValue("this number is too large for any type", "a u suffix")


def _promote(value: Value) -> Value:
    return convert(value, INT) if value.ctype.bits < INT.bits else value


def _balance(left: Value, right: Value) -> tuple[Value, Value]:
    """Bring two operands to their common type: the wider one; of equal ones the unsigned."""
    left, right = _promote(left), _promote(right)
    wide = max((left.ctype, right.ctype), key=lambda t: (t.bits, not t.signed, t.is_long))
    return convert(left, wide), convert(right, wide)


def _node(
    kind: str, ctype: CInteger, operands: tuple[Value, ...], limits: tuple[int, int]
) -> Value:
    """An operator's result, wrapped if it leaves its type; constants are worked out."""
    low, high = limits
    known = [operand.constant for operand in operands]
    if None not in known:
        low = high = _EXACT[kind](*known)
    made = Value(kind, ctype, low, high, operands)
    return made if made.fits else convert(made, ctype)


def _divide(a: int, b: int) -> int:
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


_EXACT: dict[str, Callable[..., int]] = {
    "+": operator.add, "*": operator.mul, "&": operator.and_, "|": operator.or_,
    "^": operator.xor, "<<": operator.lshift, ">>": operator.rshift, "~": operator.invert,
    "-": lambda a, b=None: -a if b is None else a - b,
    "/": _divide, "%": lambda a, b: a - b * _divide(a, b),
    "==": lambda a, b: int(a == b), "!=": lambda a, b: int(a != b),
    "<": lambda a, b: int(a < b), ">": lambda a, b: int(a > b),
    "<=": lambda a, b: int(a <= b), ">=": lambda a, b: int(a >= b),
    "&&": lambda a, b: int(bool(a and b)), "||": lambda a, b: int(bool(a or b)),
    "!": lambda a: int(not a),
}  # fmt: skip


def _unary(sign: str, value: Value) -> Value:
    if sign == "+":
        return value
    change = operator.neg if sign == "-" else operator.invert
    made = _node(sign, value.ctype, (value,), (change(value.high), change(value.low)))
    if sign == "-":
        _refuse_overflow(made, value.ctype)
    return made


def _shift(sign: str, value: Value, count: Value) -> Value:
    bits = value.ctype.bits
    if count.constant is not None and not 0 <= count.constant < bits:
        raise NoValue(
            f"a shift by {count.constant} leaves {value.ctype.describe()}",
            f"a count of 0 to {bits - 1}, or a wider type, such as 1ULL",
        )
    if count.low < 0 or count.high >= bits:  # C leaves it open; processors take the low bits
        mask = _number(bits - 1, count.ctype)
        count = Value("&", count.ctype, 0, bits - 1, (count, mask))
    if sign == ">>":
        corners = [v >> c for v in (value.low, value.high) for c in (count.low, count.high)]
        return _node(sign, value.ctype, (value, count), (min(corners), max(corners)))
    if value.constant is not None and value.constant < 0:
        raise NoValue("left shift of a negative number", "a multiplication, or an unsigned one")
    corners = [v << c for v in (value.low, value.high) for c in (count.low, count.high)]
    made = _node(sign, value.ctype, (value, count), (min(corners), max(corners)))
    # 1 << 31 is how everybody writes the highest bit.
    exact = made.operands[0] if made.kind == "convert" else made
    if value.ctype.signed and exact.constant is not None and exact.constant >> bits:
        raise _overflow(value.ctype)
    return made


def _binary(sign: str, left: Value, right: Value) -> Value:
    ctype = left.ctype
    if sign in ("==", "!=", "<", ">", "<=", ">="):
        return _node(sign, INT, (left, right), (0, 1))
    if sign in ("/", "%") and right.constant == 0:
        raise NoValue("division by zero", "a nonzero divisor")
    made = _node(sign, ctype, (left, right), _limits(sign, left, right))
    _refuse_overflow(made, ctype)
    return made


def _limits(sign: str, left: Value, right: Value) -> tuple[int, int]:
    """Between which values an operator's result lies."""
    if sign in ("+", "-", "*"):
        work = _EXACT[sign]
        corners = [work(a, b) for a in (left.low, left.high) for b in (right.low, right.high)]
        return min(corners), max(corners)
    natural = left.low >= 0 and right.low >= 0
    size = max(abs(left.low), abs(left.high))
    if sign == "/" and right.low > 0:
        corners = [_divide(a, b) for a in (left.low, left.high) for b in (right.low, right.high)]
        return min(corners), max(corners)
    if sign == "/":
        return (0, left.high) if natural else (-size, size)
    if sign == "%":
        size = min(size, max(abs(right.low), abs(right.high)) - 1)
        return (-size if left.low < 0 else 0), size
    if sign == "&" and (left.low >= 0 or right.low >= 0):
        return 0, min(v.high for v in (left, right) if v.low >= 0)
    limits = (left.low, left.high, right.low, right.high)
    bits = max((v if v >= 0 else ~v).bit_length() for v in limits)
    return (0 if natural else -(1 << bits)), (1 << bits) - 1


def _choose(test: Value, then: Value, otherwise: Value) -> Value:
    branches: tuple[Value, ...] = (then, otherwise)
    if test.constant is not None:
        branches = (then,) if test.constant else (otherwise,)
    low, high = min(b.low for b in branches), max(b.high for b in branches)
    return Value("?:", then.ctype, low, high, (test, then, otherwise))


def _refuse_overflow(made: Value, ctype: CInteger) -> None:
    """Compilers warn of a constant that overflows."""
    if ctype.signed and made.kind == "convert" and made.operands[0].constant is not None:
        raise _overflow(ctype)


def _overflow(ctype: CInteger) -> NoValue:
    return NoValue(
        f"the result does not fit {ctype.describe()}", "a wider or an unsigned type, such as 1ULL"
    )


def _size(of: CType | Name, pointed: bool, scope: Scope) -> int:
    """The bytes of a type, or of an argument's."""
    if isinstance(of, Name):
        if of.name not in scope.arguments:
            if of.name in scope.constants and not pointed:
                return scope.constants[of.name].ctype.bits // 8
            raise OnlyInC
        of = scope.arguments[of.name]
    pointers = of.pointers - pointed
    if pointers > 0:
        return scope.long_bits // 8
    ctype = scope.type_of(replace(of, pointers=0)) if pointers == 0 else None
    if ctype is None:
        raise OnlyInC
    return ctype.bits // 8
