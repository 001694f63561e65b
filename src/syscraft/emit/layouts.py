"""Assertions that a compiler lays an author's structs out as the model does."""

from __future__ import annotations

from collections.abc import Iterable

from syscraft.emit.ctext_layout import argument_list
from syscraft.model.call import Struct


def layout_assertions(structs: Iterable[Struct], assertion: str, offset: str) -> list[str]:
    """Write a statement for each offset but the first, and for each size.

    Args:
        assertion: the macro that fails to compile unless its argument is true.
        offset: the macro or built-in that tells a field's offset.
    """
    lines = []
    for struct in structs:
        name = f"struct {struct.name}"
        lines += [
            argument_list(
                f"{assertion}({offset}(", [name, field.name], f") == {field.offset_bytes});"
            )
            for field in struct.fields[1:]
        ]
        lines.append(f"{assertion}(sizeof({name}) == {struct.size_bytes});")
    return lines
