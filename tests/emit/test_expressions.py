"""Expressions have the value in Python that gcc's program works out, and one tree for both."""

from __future__ import annotations

import subprocess
from functools import partial
from pathlib import Path

import pytest
from conftest import need_tool
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from syscraft.declaration.ctext import CTextError
from syscraft.declaration.ctype import CType
from syscraft.declaration.scalars import SCALARS
from syscraft.emit.base import fill
from syscraft.emit.expression_c import as_macro, c_text
from syscraft.emit.expression_python import python_text
from syscraft.errors import Where
from syscraft.model.c_values import LONG_BITS, CInteger, NoValue, Scope, evaluate, scope_of
from syscraft.model.call import Constant, Parameter
from syscraft.model.expression import (
    Binary,
    Cast,
    Conditional,
    Expression,
    Integer,
    Name,
    SizeOf,
    Unary,
)
from syscraft.model.expression_reader import MAX_DEPTH, read_expression

HERE = Where("sample.toml", 7)
COMPILERS = {64: ["gcc"], 32: ["i686-linux-gnu-gcc", "-static"]}
# What is refused is what compilers warn of, and the printed brackets are those that they want.
WARNINGS = (
    "parentheses", "logical-not-parentheses", "shift-count-overflow", "shift-count-negative",
    "shift-overflow", "shift-negative-value", "div-by-zero",
)  # fmt: skip

ARGUMENTS = tuple(
    Parameter(name, CType(base))
    for name, base in {
        "a": "int", "b": "unsigned int", "c": "long", "d": "unsigned long", "e": "long long",
        "f": "unsigned long long", "g": "signed char", "h": "unsigned short", "t": "bool",
    }.items()
)  # fmt: skip
TARGETS = sorted({p.ctype.base for p in ARGUMENTS})


def read(text: str) -> Expression:
    return read_expression(text, lambda row, column: HERE)


FLAGS = tuple(
    Constant(name, read(value), None, HERE)
    for name, value in (
        ("FLAG_ONE", "1"), ("FLAG_HIGH", "1U << 31"), ("FLAG_SIGN", "1 << 31"),
        ("FLAG_ALL", "~0UL"), ("FLAG_LESS", "-1"), ("FLAG_BOTH", "FLAG_ONE | FLAG_HIGH"),
    )
)  # fmt: skip

numbers = st.one_of(
    st.integers(0, 70),
    st.sampled_from([2**n + d for n in (7, 8, 15, 16, 31, 32, 63) for d in (-1, 0, 1)]),
)


@st.composite
def literals(draw: st.DrawFn) -> Integer:
    value = draw(numbers)
    suffix = draw(st.sampled_from(["", "", "u", "L", "ul", "LL", "ull", "LLU"]))
    if value >= 2**63 and "u" not in suffix.lower():
        suffix += "u"
    spelling = draw(st.sampled_from(["{}", "{:#x}", "0{:o}"])).format(value)
    return Integer(value, spelling + suffix)


leaves = st.one_of(
    literals(),
    st.sampled_from([Name(p.name) for p in ARGUMENTS]),
    st.sampled_from([Name(flag.name) for flag in FLAGS]),
    st.sampled_from([SizeOf(Name("g")), SizeOf(CType("long")), SizeOf(CType("__u64"))]),
)
BINARY = "+ - * / % & | ^ == != < > <= >= && ||".split()


def in_range(count: Expression) -> Expression:
    """A count of bits that C does not leave open: gcc makes of others what is convenient."""
    return Binary("&", count, Integer(31, "31"))


expressions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(Unary, st.sampled_from(list("+-~!")), inner),
        st.builds(Binary, st.sampled_from(BINARY), inner, inner),
        st.builds(Binary, st.sampled_from(["<<", ">>"]), inner, literals() | inner.map(in_range)),
        st.builds(Conditional, inner, inner, inner),
        st.builds(Cast, st.sampled_from([CType(base) for base in TARGETS]), inner),
    ),
    max_leaves=8,
)
values = st.fixed_dictionaries({p.name: numbers | numbers.map(lambda n: -n) for p in ARGUMENTS})


def has_value(expression: Expression) -> bool:
    try:
        for long_bits in LONG_BITS:
            evaluate(expression, scopes(long_bits))
    except NoValue:
        return False
    return True


scopes = partial(scope_of, constants=FLAGS, arguments=ARGUMENTS)


def type_of(base: str, long_bits: int) -> CInteger:
    found = Scope(long_bits).type_of(CType(base))
    assert found is not None
    return found


def by_python(expression: Expression, target: str, long_bits: int, given: dict[str, int]) -> str:
    """The value that the generated module computes; ``-`` where C's program is killed."""
    code = fill("arithmetic.py.j2", arithmetic=["_wrap(", "_quotient(", "_remainder("])
    names: dict[str, object] = {"_LONG_BITS": long_bits}
    exec(code, names)
    for index, flag in enumerate(FLAGS):
        names[flag.name] = eval(
            python_text(flag.value, partial(scope_of, constants=FLAGS[:index])) or "", names
        )
    for p in ARGUMENTS:
        names[p.name] = type_of(p.ctype.base, long_bits).wrap(given[p.name])
    text = python_text(expression, scopes, CType(target))
    assert text is not None
    try:
        value = eval(text, names)
    except ZeroDivisionError:
        return "-"
    assert type(value) is int, text
    ctype = type_of(target, long_bits)
    assert ctype.low <= value <= ctype.high, text
    return str(value)


HEAD = """
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
typedef unsigned long long u64;
typedef unsigned long long __u64;
static sigjmp_buf back;
static void leave(int number) { (void)number; siglongjmp(back, 1); }
"""


def by_gcc(
    folder: Path, cases: list[tuple[Expression, str]], long_bits: int, given: dict[str, int]
) -> list[str]:
    parameters = ", ".join(f"{p.ctype.base} {p.name}" for p in ARGUMENTS)
    passed = ", ".join(f"({p.ctype.base}){given[p.name] % 2**64}ull" for p in ARGUMENTS)
    lines = [HEAD, *(f"#define {flag.name} {as_macro(flag.value)}" for flag in FLAGS)]
    for index, (expression, target) in enumerate(cases):
        lines.append(
            f"static {target} f{index}({parameters}) {{ return ({target})({c_text(expression)}); }}"
        )
    lines.append("int main(void)\n{\n\tsignal(SIGFPE, leave);")
    for index, (_, target) in enumerate(cases):
        kind, wide = ("%lld", "long long") if SCALARS[target].signed else ("%llu", "u64")
        lines.append(
            f'\tif (sigsetjmp(back, 1)) puts("-");\n'
            f'\telse printf("{kind}\\n", ({wide})f{index}({passed}));'
        )
    lines.append("\treturn 0;\n}\n")
    source, program = folder / f"{long_bits}.c", folder / f"{long_bits}"
    source.write_text("\n".join(lines))
    errors = [f"-Werror={name}" for name in WARNINGS]
    made = subprocess.run(
        [*COMPILERS[long_bits], "-std=gnu11", "-O0", "-fwrapv", *errors,
         "-o", program, source],
        capture_output=True, text=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    done = subprocess.run([program], check=True, capture_output=True, text=True)
    return done.stdout.split()


@pytest.mark.parametrize("long_bits", LONG_BITS)
# The failing message has all that a smaller example would say, and each costs a compiler.
@settings(
    max_examples=12,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@given(
    st.lists(
        st.tuples(expressions.filter(has_value), st.sampled_from(TARGETS)), min_size=20, max_size=40
    ),
    values,
)
def test_python_computes_what_gcc_does(
    tmp_path_factory: pytest.TempPathFactory,
    long_bits: int,
    cases: list[tuple[Expression, str]],
    given: dict[str, int],
) -> None:
    need_tool(COMPILERS[long_bits][0])
    folder = tmp_path_factory.mktemp("expression")
    found = by_gcc(folder, cases, long_bits, given)
    for (expression, target), by_c in zip(cases, found, strict=True):
        mine = by_python(expression, target, long_bits, given)
        # C leaves a division by zero open, and that of the least number by -1: gcc's program is
        # killed, or the division is not in it.
        assert mine == by_c or "-" in (mine, by_c), (c_text(expression), target, given)


@pytest.mark.parametrize(
    ("text", "target", "expected"),
    [
        # As it was: what C and Python say alike stays as the author wrote it.
        ("a | 4", "int", "a | 4"),
        ("1 << 3", "unsigned int", "1 << 3"),
        ("FLAG_ONE | 0x20u", "unsigned int", "FLAG_ONE | 0x20"),
        ("017", "int", "15"),
        # What only C's widths explain.
        ("-1", "unsigned int", "0xffffffff"),
        ("~0", "unsigned long", "0xffffffffffffffff if _LONG_BITS == 64 else 0xffffffff"),
        ("~0u", "long long", "0xffffffff"),
        ("b + 1", "unsigned int", "_wrap(b + 1, 32, False)"),
        ("d * 2", "unsigned long", "_wrap(d * 2, _LONG_BITS, False)"),
        ("b + 1ULL", "unsigned long long", "b + 1"),
        ("b / 2", "unsigned int", "b // 2"),
        ("a / 2", "int", "_quotient(a, 2)"),
        ("!(a && b)", "int", "int(not (a and b))"),
        ("a < b", "int", "int(_wrap(a, 32, False) < b)"),
        ("a", "bool", "int(a != 0)"),
        ("a ? b : 7", "unsigned int", "b if a else 7"),
        ("sizeof(a)", "unsigned long", "4"),
        ("sizeof(long) * 2", "int", "8 * 2 if _LONG_BITS == 64 else 4 * 2"),
        ("'a'", "int", "97"),
    ],
)
def test_python(text: str, target: str, expected: str) -> None:
    assert python_text(read(text), scopes, CType(target)) == expected


@pytest.mark.parametrize("text", ["strlen(s)", "O_CLOEXEC", "sizeof(*s)", "s != 0", "a + NULL"])
def test_what_only_c_works_out(text: str) -> None:
    arguments = (*ARGUMENTS, Parameter("s", CType("struct statx", 1)))
    known = partial(scope_of, constants=FLAGS, arguments=arguments)
    assert python_text(read(text), known, CType("long")) is None


@given(expressions)
def test_the_tree_of_the_printed_text_is_the_tree(expression: Expression) -> None:
    assert read(c_text(expression)) == expression


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("( a|b )&7", "(a | b) & 7"),
        ("a-(b-c)", "a - (b - c)"),
        ("((a))-b-c", "a - b - c"),
        ("-(-a)", "-(-a)"),
        ("a<b&&b<c", "a < b && b < c"),
        ("!a&1", "(!a) & 1"),
        ("a?b:c?d:a", "a ? b : (c ? d : a)"),
        ("(u64)(a)+1", "(__u64)a + 1"),
        ("(uint64_t)(a+1)", "(__u64)(a + 1)"),
        ("( const char*)s", "(const char *)s"),
        ("sizeof * s", "sizeof(*s)"),
        ("a /* why */ + b", "a + b"),
    ],
)
def test_c(text: str, expected: str) -> None:
    assert c_text(read(text)) == expected


@pytest.mark.parametrize(
    ("text", "message", "instead"),
    [
        ("getpid()", "calls a function", "an argument of its own"),
        ("strlen(a + 1)", "calls a function", "strlen() of an argument"),
        ("how->flags", "reads memory", "an argument of its own"),
        ("*p", "reads memory", "an argument of its own"),
        ("p[1]", "reads memory", "an argument of its own"),
        ("a = 1", "changes a variable", "the value alone"),
        ("a++", "changes a variable", "the value alone"),
        ('"text"', "is a string", "an argument of its own"),
        ("({ 1; })", "more than arithmetic", "operators"),
        ("true", "C++, or a macro", "1 or 0"),
        ("1.5", "not a valid C integer", "digits"),
        ("089", "octal", "without the 0"),
        ("1uu", "not a valid C integer", "ul"),
        ("0x1ffffffffffffffff", "too large for any type", "64 bits"),
        ("9223372036854775808", "too large for any type", "64 bits"),
        ("'ab'", "not a single ASCII character", "its number"),
        ("(a) + b * c", "reads like a cast", "without brackets"),
        ("(struct foo)a", "only an integer or a pointer", "such a type"),
        ("(double)a", "only an integer or a pointer", "such a type"),
        ("sizeof(a + b)", "size of this", "sizeof(TYPE)"),
        ("a) + (b", "C syntax error", "one C expression"),
        ("(" * 40 + "a" + ")" * 40, "nested too deeply", str(MAX_DEPTH)),
        ("a" + "+a" * 40, "too long", "in a row"),
        ("+ " * 40 + "a", "nested too deeply", str(MAX_DEPTH)),
        ("1 + " * 1_000_000 + "1", "too long", "4096 characters"),
    ],
    ids=lambda text: text[:20],
)
def test_what_is_refused(text: str, message: str, instead: str) -> None:
    with pytest.raises(CTextError) as caught:
        read(text)
    finding = caught.value.finding
    assert message in finding.message and instead in (finding.expected or "")
    assert finding.where == HERE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 << 32", "a shift by 32"), ("1UL << 40", "a shift by 40"), ("1 >> -1", "a shift by -1"),
        ("-1 << 2", "negative"), ("3 << 31", "does not fit"), ("2147483647 + 1", "does not fit"),
        ("-(1 << 31)", "does not fit"), ("1 / (2 - 2)", "division by zero"), ("a % 0", "by zero"),
    ],
)  # fmt: skip
def test_constants_without_a_value(text: str, message: str) -> None:
    assert not has_value(read(text))
    with pytest.raises(NoValue, match=message):
        for long_bits in LONG_BITS:
            evaluate(read(text), scopes(long_bits))
