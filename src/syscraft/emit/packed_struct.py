"""The struct of a packed call: the same text in the uapi header and in those for programs."""

from __future__ import annotations

from syscraft.emit.ctext_layout import comment
from syscraft.model.call import PackedStruct


def packed_struct(packed: PackedStruct) -> str:
    """Write the struct of a packed call and the sizes of its versions."""
    ends = {version.size_bytes: index for index, version in enumerate(packed.versions)}
    note = (
        f"Arguments of {packed.call_name}(). Fields are only ever appended; zero in a newer field "
        "selects what older kernels do. Padding must be zero."
    )
    lines = [comment([note])]
    lines.append(f"struct {packed.name} {{")
    for field in packed.fields:
        array = f"[{field.array}]" if field.array else ""
        lines.append(f"\t{field.type_name} {field.name}{array};")
    lines += ["};", ""]
    for size, index in ends.items():
        which = "first" if index == 0 else f"{_ordinal(index + 1)}"
        lines.append(
            f"#define {packed.size_constant(index)}\t{size}\t/* sizeof {which} published struct */"
        )
    return "\n".join(lines)


def _ordinal(number: int) -> str:
    words = {2: "second", 3: "third"}
    return words.get(number, f"{number}th")
