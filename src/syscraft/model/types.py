"""Which C types a call, a wrapper and a uapi struct may use, and how user space spells them."""

from __future__ import annotations

from collections.abc import Iterable

from syscraft.declaration.ctext import CDeclarator, CStruct, CType
from syscraft.declaration.scalars import SCALARS
from syscraft.errors import Finding, Where
from syscraft.hints import near
from syscraft.model.names import KNOWN_STRUCTS


def user_base(ctype: CType) -> str:
    """The spelling of a type's base in user space: ``u32`` is ``__u32`` there."""
    scalar = SCALARS.get(ctype.base)
    return (scalar.user_spelling if scalar else None) or ctype.base


def declare_user(ctype: CType, name: str) -> str:
    """Declare *name* as user space does: no ``__user``, exported type names."""
    return ctype.declare(name, kernel=False, base=user_base(ctype))


def spell_user(ctype: CType) -> str:
    return ctype.spell(kernel=False, base=user_base(ctype))


def check_value_type(
    ctype: CType, where: Where, known_types: Iterable[str], *, kernel: bool
) -> Finding | None:
    """Judge the type of a parameter or a result."""
    known = set(known_types)
    if ctype.base.startswith("enum "):
        return Finding(
            f"'{ctype.base}' has no fixed width",
            where,
            "an integer type",
            ctype.base,
            "use int, and define the values under [[flags]]",
        )
    if not ctype.is_pointer:
        if ctype.base in SCALARS:
            return None
        if ctype.base == "void":
            return Finding("a value cannot be void", where, "an integer or a pointer", "void")
        if ctype.base in known or ctype.base in KNOWN_STRUCTS:
            return Finding(
                "a struct cannot be passed by value", where, f"{ctype.base} *", ctype.base
            )
        return _unknown_type(ctype.base, where, known)
    if kernel and not ctype.user:
        return Finding(
            "a pointer to user memory is not marked __user",
            where,
            f"{ctype.base} __user *",
            ctype.spell(kernel=True),
            "mark it __user so that sparse can flag unchecked uses",
        )
    if ctype.base in SCALARS or ctype.base == "void":
        return None
    if ctype.base in known or ctype.base in KNOWN_STRUCTS:
        return None
    return _unknown_type(ctype.base, where, known)


def _unknown_type(name: str, where: Where, known: set[str]) -> Finding:
    candidates = [*SCALARS, *known, *KNOWN_STRUCTS]
    return Finding(
        f"unknown C type '{name}'",
        where,
        "an integer type of C or of the kernel, or a struct that is declared",
        name,
        # "struct " alone makes any two structs look a little alike.
        near(name, candidates, cutoff=0.7)
        or "define it under 'structs', or name it in 'types' and its header in 'includes'",
    )


def check_struct(struct: CStruct, sizes: dict[str, int]) -> list[Finding]:
    """Judge a uapi struct: fixed-width fields, no holes, a size that is a multiple of 8.

    *sizes* maps the structs judged before to their bytes; this one is added to it.

    Source: Documentation/process/botching-up-ioctls.rst, Linux 6.12.
    """
    findings = []
    offset = 0
    for field in struct.fields:
        size, finding = _field_size(field, sizes)
        if finding:
            findings.append(finding)
            continue
        alignment = min(size, 8) if field.ctype.base in SCALARS else 8
        if offset % alignment:
            findings.append(
                Finding(
                    f"implicit padding before '{field.name}'",
                    field.where,
                    f"an explicit padding field of {alignment - offset % alignment} bytes",
                    f"offset {offset} for a field aligned to {alignment}",
                    "compilers disagree about implicit padding, and it leaks kernel memory",
                )
            )
        count, array_finding = _array_length(field)
        if array_finding:
            findings.append(array_finding)
        offset += size * count
    if not findings and offset % 8:
        findings.append(
            Finding(
                f"the size of 'struct {struct.name}' is not a multiple of 8",
                struct.where,
                f"{8 - offset % 8} bytes of explicit padding at the end",
                f"{offset} bytes",
            )
        )
    sizes[f"struct {struct.name}"] = offset
    return findings


def _array_length(field: CDeclarator) -> tuple[int, Finding | None]:
    if field.ctype.array is None:
        return 1, None
    if field.ctype.array.isdigit() and int(field.ctype.array) > 0:
        return int(field.ctype.array), None
    return 1, Finding(
        f"the length of the array '{field.name}' is not a number",
        field.where,
        "a positive decimal number",
        field.ctype.array or "nothing",
    )


def _field_size(field: CDeclarator, sizes: dict[str, int]) -> tuple[int, Finding | None]:
    ctype = field.ctype
    scalar = SCALARS.get(ctype.base)
    if ctype.is_pointer:
        return 0, Finding(
            f"the width of the pointer '{field.name}' varies between ABIs",
            field.where,
            "__aligned_u64, and u64_to_user_ptr() in the kernel",
            ctype.spell(kernel=False),
        )
    if ctype.base in sizes:
        return sizes[ctype.base], None
    if scalar is None:
        if ctype.base.startswith("enum "):
            return 0, Finding(
                f"the width of the enum '{field.name}' varies between ABIs",
                field.where,
                "__u32",
                ctype.base,
            )
        return 0, _unknown_type(ctype.base, field.where, set(sizes))
    if scalar.bits is None:
        return 0, Finding(
            f"the width of '{field.name}' varies between ABIs",
            field.where,
            scalar.field_type,
            ctype.base,
        )
    if scalar.bits == 64 and ctype.base != "__aligned_u64":
        return 0, Finding(
            f"'{field.name}' is aligned differently on i386, m68k and sh",
            field.where,
            "__aligned_u64",
            ctype.base,
        )
    return scalar.bits // 8, None
