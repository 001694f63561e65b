"""Lays out the struct of a packed call: fixed width, explicit padding, versions that grow."""

from __future__ import annotations

from syscraft.declaration.scalars import SCALARS
from syscraft.model.call import Field, PackedStruct, Parameter, StructVersion

_PADDING_TYPES = {1: "__u8", 2: "__u16", 4: "__u32"}


def pack(
    call_name: str, parameters: tuple[Parameter, ...], versions: tuple[tuple[str, ...], ...]
) -> PackedStruct:
    """Lay *parameters* out in the order of the last of *versions*.

    Every version ends at a multiple of 8 bytes, so that a newer field never moves
    into padding that older kernels did not check.
    """
    by_name = {parameter.name: parameter for parameter in parameters}
    fields: list[Field] = []
    ends: list[StructVersion] = []
    offset = 0

    def pad_to(alignment: int) -> None:
        nonlocal offset
        missing = -offset % alignment
        if not missing:
            return
        number = sum(field.parameter is None for field in fields)
        type_name = _PADDING_TYPES.get(missing, "__u8")
        array = None if missing in _PADDING_TYPES else missing
        fields.append(Field(f"__pad{number}", type_name, missing, offset, None, array))
        offset += missing

    done = 0
    for version in versions:
        for name in version[done:]:
            parameter = by_name[name]
            type_name, size = field_type(parameter)
            pad_to(size)
            fields.append(Field(name, type_name, size, offset, parameter))
            offset += size
        done = len(version)
        pad_to(8)
        ends.append(StructVersion(offset, fields[-1].name))
    return PackedStruct(struct_name(call_name), call_name, tuple(fields), tuple(ends))


def struct_name(call_name: str) -> str:
    """The struct that the arguments of a packed call go in."""
    return f"{call_name}_args"


def field_type(parameter: Parameter) -> tuple[str, int]:
    """The uapi type of a parameter inside a struct, and its size in bytes."""
    if parameter.ctype.is_pointer:
        return "__aligned_u64", 8
    scalar = SCALARS[parameter.ctype.base]
    return scalar.field_type, scalar.field_bytes
