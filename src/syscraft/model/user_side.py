"""Phase 6: every argument goes somewhere, every parameter has a source."""

from __future__ import annotations

from syscraft.declaration.ctype import CDeclarator, CPrototype
from syscraft.declaration.scalars import SCALARS
from syscraft.errors import Finding
from syscraft.model import types
from syscraft.model.call import Argument, Parameter, Wrapper
from syscraft.model.draft import Draft
from syscraft.model.expression import Name, names_in
from syscraft.model.expression_check import check_constants, check_derived
from syscraft.model.kernel_side import check_unique


def shape_user_side(draft: Draft) -> list[Finding]:
    findings = []
    kernel_names = {p.name for p in draft.parameters}
    for name in draft.derive:
        if name not in kernel_names:
            findings.append(
                Finding(
                    f"'{name}' is not a kernel parameter, so it cannot be derived",
                    draft.where("derive", name),
                    "one of " + ", ".join(sorted(kernel_names)),
                    name,
                )
            )
    findings += check_constants(draft.flags)
    seen: set[str] = set()
    wrappers = []
    for prototype in draft.prototypes:
        findings += check_unique(prototype.parameters)
        if prototype.name in seen:
            findings.append(
                Finding(f"the wrapper '{prototype.name}' is declared twice", prototype.where)
            )
        seen.add(prototype.name)
        wrapper, problems = _shape_wrapper(draft, prototype)
        findings += problems
        wrappers.append(wrapper)
    draft.wrappers = tuple(wrappers)
    return findings


def _shape_wrapper(draft: Draft, prototype: CPrototype) -> tuple[Wrapper, list[Finding]]:
    findings = []
    given = {p.name: p for p in prototype.parameters}
    used: set[str] = set()
    arguments = []
    version = 0
    for parameter in draft.parameters:
        introduced = draft.packed.version_of(parameter.name) if draft.packed else 0
        if parameter.name in draft.derive:
            expression = draft.derive[parameter.name]
            used |= names_in(expression)
            arguments.append(Argument(parameter, expression, False))
        elif parameter.name in given:
            used.add(parameter.name)
            mine = given[parameter.name].ctype
            findings += _check_pointee(given[parameter.name], parameter)
            same = types.spell_user(mine) == types.spell_user(parameter.ctype)
            arguments.append(Argument(parameter, Name(parameter.name), same))
        elif introduced > 0:
            continue  # a newer field that this wrapper does not know: zero, as ever
        else:
            findings.append(
                Finding(
                    f"nothing gives the kernel parameter '{parameter.name}' a value",
                    prototype.where,
                    f"a user's argument '{parameter.name}', or derive.{parameter.name}",
                    hint=f'[derive] {parameter.name} = "0" makes it a constant',
                )
            )
            continue
        version = max(version, introduced)
    given_parameters = tuple(Parameter(p.name, p.ctype) for p in prototype.parameters)
    findings += check_derived(draft, prototype.name, given_parameters)
    for name, declared in given.items():
        if name not in used:
            findings.append(
                Finding(
                    f"the argument '{name}' is unused",
                    declared.where,
                    "the name of a kernel parameter, or a use in [derive]",
                    name,
                    "the kernel has " + ", ".join(p.name for p in draft.parameters),
                )
            )
    return (
        Wrapper(
            prototype.name,
            prototype.returns,
            given_parameters,
            tuple(arguments),
            version if draft.packed else None,
        ),
        findings,
    )


def _check_pointee(mine: CDeclarator, kernels: Parameter) -> list[Finding]:
    """Numbers behind a pointer have one width for both sides; void and bytes may be anything."""
    one, other = mine.ctype, kernels.ctype
    if one.pointers != 1 or other.pointers != 1:
        return []
    scalars = (SCALARS.get(one.base), SCALARS.get(other.base))
    if None in scalars or 8 in (bits := {scalar.bits for scalar in scalars if scalar}):
        return []
    if len(bits) == 1:
        return []
    return [
        Finding(
            f"'{mine.name}' points to '{one.base}', and to '{other.base}' in the kernel",
            mine.where,
            types.spell_user(other),
            types.spell_user(one),
            "the two have different widths, so one side would read or write too much",
        )
    ]
