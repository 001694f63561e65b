"""Part of phase 6: the names of expressions are known, and constants in them have a value."""

from __future__ import annotations

from collections.abc import Iterable

from syscraft.errors import Finding, Where
from syscraft.hints import near
from syscraft.model import names
from syscraft.model.c_values import LONG_BITS, NoValue, OnlyInC, evaluate, scope_of
from syscraft.model.call import Constant, Parameter
from syscraft.model.draft import Draft
from syscraft.model.expression import Expression, names_in


def check_constants(flags: tuple[Constant, ...]) -> list[Finding]:
    """Judge the values of flags: each may use those above it, and macros of headers."""
    findings: list[Finding] = []
    own = {flag.name for flag in flags}
    for index, flag in enumerate(flags):
        before = flags[:index]
        known = [other.name for other in before]
        later = sorted(names_in(flag.value) & (own - set(known)))
        if later:
            findings.append(
                Finding(
                    f"'{later[0]}' has no value here",
                    flag.where,
                    "constants defined above" if later[0] != flag.name else "a different constant",
                    later[0],
                )
            )
        elif flag.name in known:
            findings.append(Finding(f"duplicate constant '{flag.name}'", flag.where))
        else:
            findings += _check(flag.value, flag.where, known, before, ())
    return findings


def check_derived(draft: Draft, wrapper: str, parameters: tuple[Parameter, ...]) -> list[Finding]:
    """Judge every expression of [derive] as the wrapper *wrapper* uses it."""
    findings: list[Finding] = []
    known = [*(p.name for p in parameters), *(flag.name for flag in draft.flags)]
    for name, expression in draft.derive.items():
        where = draft.where("derive", name)
        found = _check(expression, where, known, draft.flags, parameters)
        if len(draft.prototypes) > 1:
            found = [
                Finding(f"{f.message}, in {wrapper}()", f.where, f.expected, f.found, f.hint)
                for f in found
            ]
        findings += found
    return findings


def _check(
    expression: Expression,
    where: Where,
    known: Iterable[str],
    flags: tuple[Constant, ...],
    parameters: tuple[Parameter, ...],
) -> list[Finding]:
    known = list(known)
    # A header's macro is in capitals; what it stands for only the compiler knows.
    unknown = sorted(
        name for name in names_in(expression) - set(known) if not names.CONSTANT_NAME.match(name)
    )
    if unknown:
        expected = "one of " + ", ".join(known) if known else "a number"
        return [
            Finding(
                f"unknown name '{name}' in this expression",
                where,
                expected,
                name,
                near(name, known),
            )
            for name in unknown
        ]
    for long_bits in LONG_BITS:
        try:
            evaluate(expression, scope_of(long_bits, flags, parameters))
        except OnlyInC:
            continue
        except NoValue as error:
            return [
                Finding(
                    error.message, where, error.instead,
                    hint=f"where long has {long_bits} bits" if long_bits == 32 else None,
                )
            ]  # fmt: skip
    return []
