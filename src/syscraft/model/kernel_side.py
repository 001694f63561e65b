"""Phase 4: parameters fit, structs are laid out, orders are known."""

from __future__ import annotations

from syscraft.declaration.ctext import CDeclarator, CType
from syscraft.errors import Finding
from syscraft.model import clone
from syscraft.model.call import KernelSignature, Parameter
from syscraft.model.draft import Draft
from syscraft.model.packing import pack

MAX_ARGUMENTS = 6  # registers; source: SYSCALL_DEFINE_MAXARGS, include/linux/syscalls.h, 6.12


def shape_kernel_side(draft: Draft) -> list[Finding]:
    declared = tuple(Parameter(p.name, p.ctype) for p in draft.kernel)
    findings = check_unique(draft.kernel)
    if draft.is_clone:
        return findings + _shape_clone(draft, declared)
    draft.parameters = declared
    if draft.data.get("pack"):
        return findings + _shape_packed(draft, declared)
    if len(declared) > MAX_ARGUMENTS:
        findings.append(
            Finding(
                f"a system call has at most {MAX_ARGUMENTS} arguments",
                draft.where("kernel"),
                f"{MAX_ARGUMENTS} parameters or fewer",
                f"{len(declared)} parameters",
                "pack = true passes them in a struct that can grow",
            )
        )
    draft.signatures = (KernelSignature(None, declared),)
    return findings


def check_unique(parameters: tuple[CDeclarator, ...]) -> list[Finding]:
    seen: set[str] = set()
    findings = []
    for parameter in parameters:
        if parameter.name in seen:
            findings.append(
                Finding(f"the parameter '{parameter.name}' is there twice", parameter.where)
            )
        seen.add(parameter.name)
    return findings


def _shape_clone(draft: Draft, extras: tuple[Parameter, ...]) -> list[Finding]:
    findings = []
    taken = {p.name for p in clone.PARAMETERS.values()} | {"fn", "stack", "flags", "arg", "args"}
    taken |= {"ptid", "ctid", "sp", "ret"}
    for declared in draft.kernel:
        if declared.name in taken:
            findings.append(
                Finding(
                    f"clone has a parameter '{declared.name}' already",
                    declared.where,
                    "another name",
                    declared.name,
                )
            )
    room = MAX_ARGUMENTS - 5
    if len(extras) > room:
        findings.append(
            Finding(
                f"clone has 5 parameters, so there is room for {room} more",
                draft.where("add"),
                f"{room} parameter",
                f"{len(extras)} parameters",
                "add one pointer to a struct of fixed-width fields that you declare in 'structs'",
            )
        )
        return findings
    draft.extras = extras
    draft.parameters = (clone.BODY_ARGUMENTS, *extras)
    draft.signatures = clone.signatures(extras)
    return findings


def _shape_packed(draft: Draft, declared: tuple[Parameter, ...]) -> list[Finding]:
    order = tuple(p.name for p in declared)
    versions = tuple(tuple(v) for v in draft.data.get("versions", (order,)))
    findings = []
    if not declared:
        return [Finding("there is nothing to pack", draft.where("kernel"), "parameters")]
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
            findings.append(Finding(f"version {index} has a field twice", where))
        before = versions[index - 1] if index else ()
        if index and (version[: len(before)] != before or len(version) == len(before)):
            findings.append(
                Finding(
                    f"version {index} does not just append to version {index - 1}",
                    where,
                    ", ".join(before) + ", and then the new fields",
                    ", ".join(version),
                    "programs built for the older version would pass their values in wrong places",
                )
            )
    left_out = [name for name in order if name not in versions[-1]]
    if left_out:
        findings.append(
            Finding(
                "the last version does not have every parameter",
                draft.where("versions"),
                "all of " + ", ".join(order),
                "without " + ", ".join(left_out),
            )
        )
    if not findings:
        draft.packed = pack(draft.name, declared, versions)
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
