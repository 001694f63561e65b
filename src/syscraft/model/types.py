"""Which C types a call and a wrapper may use, and how user space spells them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from syscraft.declaration.ctype import CType
from syscraft.declaration.scalars import SCALARS
from syscraft.errors import Finding, Where
from syscraft.hints import near
from syscraft.model.names import KNOWN_STRUCTS

_STDINT = re.compile(r"u?int\d+_t")

# Types that programs or kernels disagree about: (type, in the kernel) -> why, what to write.
# Source: bits/typesizes.h of glibc 2.36; __kernel_mode_t in arch/*/include/uapi/asm/posix_types.h,
# Linux 6.12
_VARYING = {
    ("off_t", False): (
        "the width of 'off_t' depends on -D_FILE_OFFSET_BITS",
        "loff_t, for 64 bits everywhere; or long, as the kernel's off_t",
    ),
    ("mode_t", True): ("'mode_t' has 16 bits in some kernels and 32 in others", "umode_t"),
}


def user_base(ctype: CType) -> str:
    """The spelling of a type's base in user space: ``u32`` is ``__u32`` there."""
    # <stdint.h> has its own idea of what 64 bits are, and pointers to the two do not mix.
    return ctype.base if _STDINT.fullmatch(ctype.base) else _uapi_base(ctype)


def _uapi_base(ctype: CType) -> str:
    scalar = SCALARS.get(ctype.base)
    return (scalar.user_spelling if scalar else None) or ctype.base


def declare_user(ctype: CType, name: str) -> str:
    """Declare *name* as user space does: no ``__user``, exported type names."""
    return ctype.declare(name, kernel=False, base=user_base(ctype))


def spell_uapi(ctype: CType) -> str:
    """Write a type so that a uapi header can use it."""
    return ctype.spell(kernel=False, base=_uapi_base(ctype))


def spell_user(ctype: CType) -> str:
    return ctype.spell(kernel=False, base=user_base(ctype))


def check_value_type(
    ctype: CType, where: Where, known_types: Iterable[str], *, kernel: bool
) -> Finding | None:
    """Judge the type of a parameter or a result."""
    known = set(known_types)
    if varies := _VARYING.get((ctype.base, kernel)):
        message, instead = varies
        return Finding(message, where, instead, ctype.spell(kernel=kernel))
    if ctype.base == "char" and not ctype.is_pointer:
        return plain_char(where)
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
        return unknown_type(ctype.base, where, known)
    if kernel and not ctype.is_all_user:
        return Finding(
            "a pointer to user memory is not marked __user",
            where,
            ctype.marked(user=True).spell(kernel=True),
            ctype.spell(kernel=True),
            "mark it __user so that sparse can flag unchecked uses",
        )
    if ctype.base in SCALARS or ctype.base == "void":
        return None
    if ctype.base in known or ctype.base in KNOWN_STRUCTS:
        return None
    return unknown_type(ctype.base, where, known)


def check_result_type(ctype: CType, where: Where) -> Finding | None:
    """Judge what a wrapper makes of the kernel's ``long``; its type is known by now."""
    scalar = ctype.scalar
    if scalar is None or scalar.is_long or scalar.bits == 32:
        return None
    if scalar.is_wide:
        return Finding(
            "a result of 64 bits loses its upper half on 32-bit ABIs",
            where,
            "long; or a pointer, for the kernel to write the value to",
            ctype.base,
        )
    return Finding(f"'{ctype.base}' cuts a result off", where, "int or long", ctype.base)


def plain_char(where: Where) -> Finding:
    """A number of type char is below zero on one ABI and above 127 on another."""
    return Finding(
        "'char' is signed on some ABIs and unsigned on others",
        where,
        "signed char or unsigned char",
        "char",
    )


def unknown_type(name: str, where: Where, known: set[str]) -> Finding:
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
