"""Which structs a uapi header may define, and how they are laid out: the same on every ABI."""

from __future__ import annotations

import re
from collections.abc import Mapping

from syscraft.declaration.cstructs import CStruct
from syscraft.declaration.ctype import CDeclarator
from syscraft.declaration.scalars import SCALARS
from syscraft.errors import Finding
from syscraft.model.call import Struct, StructField
from syscraft.model.types import plain_char, unknown_type

# C's own words of fixed width; with them, what <linux/types.h> defines for programs as well.
_C_WORDS = frozenset(
    ["char", "signed char", "unsigned char", "short", "unsigned short", "int", "unsigned int"]
)
_LENGTH = re.compile(r"[1-9][0-9]*", re.ASCII)
# What an object may have where addresses have 32 bits.
_LARGEST = 2**31 - 1


def lay_out(struct: CStruct, sizes: Mapping[str, int]) -> tuple[Struct, list[Finding]]:
    """Judge a uapi struct: fixed-width fields, no holes, a size that is a multiple of 8.

    Args:
        sizes: the bytes of the structs before it.

    Source: Documentation/process/botching-up-ioctls.rst, Linux 6.12.
    """
    findings = []
    offset, known = 0, True
    fields = []
    for field in struct.fields:
        size, finding = _field_size(field, sizes)
        if finding:
            findings.append(finding)
            known = False  # nor is where the next one starts
            continue
        alignment = min(size, 8) if field.ctype.base in SCALARS else 8
        if known and (missing := -offset % alignment):
            findings.append(
                Finding(
                    f"implicit padding before '{field.name}'",
                    field.where,
                    f"an explicit padding field of {missing} bytes",
                    f"offset {offset} for a field aligned to {alignment}",
                    "compilers disagree about implicit padding, and it leaks kernel memory",
                )
            )
            offset += missing
        count, array_finding = _array_length(field)
        if array_finding:
            findings.append(array_finding)
        fields.append(StructField(field.name, field.ctype, offset, field.where))
        offset += size * count
    if not findings:
        findings += _check_size(struct, offset)
    return Struct(struct.name, tuple(fields), offset, struct.text, struct.where), findings


def _check_size(struct: CStruct, size: int) -> list[Finding]:
    name = f"'struct {struct.name}'"
    if not size:
        return [Finding(f"{name} has no fields", struct.where, "a field")]
    if size > _LARGEST:
        expected = f"at most {_LARGEST} bytes"
        return [Finding(f"{name} is too large", struct.where, expected, f"{size} bytes")]
    if size % 8:
        return [
            Finding(
                f"the size of {name} is not a multiple of 8",
                struct.where,
                f"{8 - size % 8} bytes of explicit padding at the end",
                f"{size} bytes",
            )
        ]
    return []


def _array_length(field: CDeclarator) -> tuple[int, Finding | None]:
    if field.ctype.array is None:
        return 1, None
    if _LENGTH.fullmatch(field.ctype.array) and len(field.ctype.array) < 20:
        return int(field.ctype.array), None
    return 1, Finding(
        f"the length of the array '{field.name}' is not a number",
        field.where,
        "a positive decimal number, without a 0 in front",
        field.ctype.array or "nothing",
    )


def _field_size(field: CDeclarator, sizes: Mapping[str, int]) -> tuple[int, Finding | None]:
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
        return 0, unknown_type(ctype.base, field.where, set(sizes))
    if scalar.bits is None:
        return 0, Finding(
            f"the width of '{field.name}' varies between ABIs",
            field.where,
            scalar.field_type,
            ctype.base,
        )
    if scalar.bits == 64 and not ctype.base.startswith("__aligned_"):
        aligned = f"__aligned_{ctype.base.strip('_')}"
        return 0, Finding(
            f"'{field.name}' is aligned differently on i386, m68k and sh",
            field.where,
            aligned if aligned in SCALARS else scalar.field_type,
            ctype.base,
        )
    if ctype.base not in _C_WORDS and not ctype.base.startswith("__"):
        return 0, Finding(
            f"<linux/types.h> does not define '{ctype.base}' for programs",
            field.where,
            scalar.field_type,
            ctype.base,
        )
    if ctype.base == "char" and ctype.array is None:
        return 0, plain_char(field.where)
    return scalar.bits // 8, None
