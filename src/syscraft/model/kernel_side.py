"""Phase 5: parameters fit, structs are laid out, orders are known."""

from __future__ import annotations

from syscraft.abi.discover import all_abis, register_names
from syscraft.abi.layout import MAX_ARGUMENTS, Pairs, places
from syscraft.declaration.ctype import CDeclarator, CType
from syscraft.errors import Finding
from syscraft.model import clone
from syscraft.model.call import KernelSignature, Parameter
from syscraft.model.draft import Draft
from syscraft.model.packing import pack


def shape_kernel_side(draft: Draft) -> list[Finding]:
    declared = tuple(Parameter(p.name, p.ctype) for p in draft.kernel)
    findings = check_unique(draft.kernel)
    if draft.is_clone:
        return findings + _shape_clone(draft, declared)
    draft.parameters = declared
    if draft.data.get("pack"):
        return findings + _shape_packed(draft, declared)
    if len(declared) <= MAX_ARGUMENTS:
        findings += _check_registers(draft, declared)
        if draft.returns_twice:
            findings += _check_halves(draft)
    else:
        findings.append(
            Finding(
                f"a system call has at most {MAX_ARGUMENTS} arguments",
                draft.kernel_where,
                f"{MAX_ARGUMENTS} parameters or fewer",
                f"{len(declared)} parameters",
                "pack = true passes them in a struct that can grow",
            )
        )
    draft.signatures = (KernelSignature(None, declared),)
    return findings


def _check_registers(draft: Draft, declared: tuple[Parameter, ...]) -> list[Finding]:
    """64-bit values take two registers on 32-bit ABIs, and some want an even first one."""
    for pairs, where in ((Pairs.NEXT, "32-bit ABIs"), (Pairs.EVEN, _even_abis())):
        used = len(places(pairs, [parameter.is_wide for parameter in declared]))
        if used > MAX_ARGUMENTS:
            return [
                Finding(
                    f"the arguments need {used} registers on {where}",
                    draft.kernel_where,
                    f"{MAX_ARGUMENTS} registers or fewer",
                    f"{used}: a 64-bit value takes two"
                    + (", the first of them even" if pairs is Pairs.EVEN else ""),
                    "put 64-bit parameters in odd positions (first, third, fifth), or pack = true",
                )
            ]
    return []


def _check_halves(draft: Draft) -> list[Finding]:
    """The one entry of a call that returns twice cannot put halves together."""
    return [
        Finding(
            "a call that returns twice cannot take a 64-bit value",
            parameter.where,
            "a 32-bit type, or one as wide as long",
            parameter.ctype.base,
            "pack = true passes it in a struct",
        )
        for parameter in draft.kernel
        if parameter.ctype.is_wide
    ]


def _even_abis() -> str:
    return ", ".join(abi.key for abi in all_abis() if abi.pairs is Pairs.EVEN)


def check_unique(parameters: tuple[CDeclarator, ...]) -> list[Finding]:
    seen: set[str] = set()
    findings = []
    for parameter in parameters:
        if parameter.name in seen:
            findings.append(
                Finding(f"the parameter '{parameter.name}' is declared twice", parameter.where)
            )
        seen.add(parameter.name)
    return findings


def _shape_clone(draft: Draft, extras: tuple[Parameter, ...]) -> list[Finding]:
    findings = []
    taken = {p.name for p in (*clone.PARAMETERS.values(), *clone.PACKED.values())}
    taken |= {"fn", "arg", "args", "ptid", "ctid", "sp", "ret"}
    for declared in draft.kernel:
        if declared.name in taken:
            findings.append(
                Finding(
                    f"clone already has a parameter '{declared.name}'",
                    declared.where,
                    "a different name",
                    declared.name,
                )
            )
        elif declared.name in register_names():
            findings.append(
                Finding(
                    f"'{declared.name}' is the name of a register in the wrapper's assembly",
                    declared.where,
                    "a different name",
                    declared.name,
                )
            )
    draft.extras = extras
    draft.parameters = (clone.BODY_ARGUMENTS, *extras)
    if draft.data.get("pack"):
        own = tuple(clone.PACKED.values())
        return findings or _shape_packed(draft, extras, own)
    room = MAX_ARGUMENTS - 5
    if len(extras) > room:
        findings.append(
            Finding(
                f"clone has 5 parameters, so there is room for {room} more",
                draft.where("add"),
                f"{room} parameter",
                f"{len(extras)} parameters",
                "pack = true passes them all in a struct that can grow",
            )
        )
        return findings
    for declared, parameter in zip(draft.kernel, extras, strict=True):
        if parameter.is_wide:
            findings.append(
                Finding(
                    "a 64-bit value does not fit the one register that clone leaves",
                    declared.where,
                    "a 32-bit type, or one as wide as long",
                    declared.ctype.base,
                    "pack = true passes it in a struct",
                )
            )
    draft.signatures = clone.signatures(extras)
    return findings


def _shape_packed(
    draft: Draft, declared: tuple[Parameter, ...], own: tuple[Parameter, ...] = ()
) -> list[Finding]:
    """Lay out the struct: *own* are fields that every version has, before the declared ones."""
    order = tuple(p.name for p in declared)
    versions = tuple(tuple(v) for v in draft.data.get("versions", (order,)))
    findings = []
    if not declared:
        return [Finding("nothing to pack", draft.kernel_where, "parameters")]
    if not versions or not versions[0]:
        return [Finding("a struct needs a first version", draft.where("versions"), "field names")]
    for index, version in enumerate(versions):
        where = draft.where("versions", index)
        for name in version:
            if name not in order:
                findings.append(
                    Finding(
                        f"version {index} has an unknown field",
                        where,
                        "a parameter of 'kernel': " + ", ".join(order),
                        name,
                    )
                )
        if len(set(version)) != len(version):
            findings.append(Finding(f"version {index} has a duplicate field", where))
        before = versions[index - 1] if index else ()
        if index and (version[: len(before)] != before or len(version) == len(before)):
            findings.append(
                Finding(
                    f"version {index} does more than append to version {index - 1}",
                    where,
                    ", ".join(before) + ", and then the new fields",
                    ", ".join(version),
                    "programs built for the older version would pass values at the wrong offsets",
                )
            )
    left_out = [name for name in order if name not in versions[-1]]
    if left_out:
        findings.append(
            Finding(
                "the last version lacks a parameter",
                draft.where("versions"),
                "all of " + ", ".join(order),
                "without " + ", ".join(left_out),
            )
        )
    if not findings:
        first = tuple(parameter.name for parameter in own)
        versions = tuple((*first, *version) for version in versions)
        draft.packed = pack(draft.name, (*own, *declared), versions)
        draft.signatures = (
            KernelSignature(
                None,
                (
                    Parameter("uargs", CType(f"struct {draft.packed.name}", 1, user=True)),
                    Parameter("usize", CType("size_t")),
                ),
            ),
        )
    return findings
