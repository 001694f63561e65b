"""Draws structs for the uapi header."""

from __future__ import annotations

from random import Random

from syscraft.declaration.scalars import SCALARS

from .words import draw_name

_WIDTHS = {"__u8": 1, "__s8": 1, "__u16": 2, "__s16": 2, "__u32": 4, "__s32": 4,
           "__aligned_u64": 8, "unsigned char": 1, "short": 2, "int": 4, "unsigned int": 4,
           "__be16": 2, "__be32": 4}  # fmt: skip
_PADDING = {1: "__u8", 2: "__u16", 4: "__u32", 8: "__aligned_u64"}

# Types that a struct may not have, or that are something else in user space.
_ODD_TYPES = (
    *SCALARS, "void", "float", "enum color", "struct other", "union other", "__u128", "uint",
    "volatile __u32", "const __u32", "_Atomic __u32", "typeof(int)", "struct { __u32 in; }",
    "union { __u32 in; __u32 other; }", "unsigned", "long int", "__le32",
)  # fmt: skip
_LENGTHS = ("1", "2", "3", "4", "8", "16")
_ODD_LENGTHS = ("", "0", "08", "010", "0x8", "8u", "2 * 4", "sizeof(int)", "N", "-1", "1 << 3",
                "8][2", "99999999999", "(4)", "4 /* four */", "'a'")  # fmt: skip
# Text around a field: %s is its name, and what it is declared with stands in front.
_ODD_DECLARATORS = (
    "%s, other", "%s : 3", ": 0", "*%s", "%s __attribute__((aligned(8)))",
    "%s __attribute__((packed))", "%s __aligned(8)", "(%s)", "(*%s)(void)", "%s = 0",
    "%s, *other", "%s[2], other[2]", "const *%s", "%s asm(\"x\")", "",
)  # fmt: skip
_ODD_LINES = (
    "#if 1", "#ifdef __LP64__", "#endif", "#define N 4", "#include <linux/types.h>", ";", "};",
    "struct { __u32 in; };", "union { __u32 in; __u8 bytes[4]; };", "_Static_assert(1, \"\");",
    "__u32 x", "/* a comment */", "// a comment", "int f(void);", "\\", "%:if 1",
    "struct inner { __u32 in; } %s;", "__aligned_u64 a, b;", "enum { A } %s;", "#pragma pack(1)",
    "__DECLARE_FLEX_ARRAY(__u32, %s);", "__struct_group(tag, %s, , __u32 in;);",
    "??=if 1", "typedef int t;", "static int s;", "[[maybe_unused]] __u32 %s;",
)  # fmt: skip
_ODD_TAILS = (
    "} __attribute__((packed));", "} __attribute__((aligned(16)));", "} __packed;", "} x;",
    "} *x;", "}; struct", "};;", "} __attribute__((__packed__, aligned(4)));",
)  # fmt: skip
_ODD_HEADS = (
    "struct __attribute__((packed)) %s {", "struct __packed %s {", "union %s {",
    "typedef struct %s {", "const struct %s {", "static struct %s {",
    "struct %s;\nstruct %s {", "struct {",
    "#pragma pack(1)\nstruct %s {", "struct alignas(16) %s {", "extern struct %s {",
)  # fmt: skip


def draw_struct(
    random: Random, taken: set[str], suffix: str, sizes: dict[str, int], *, odd: bool
) -> str:
    """A struct with all padding said, and slips of the pen in an *odd* one.

    Args:
        sizes: the structs before it, which it may have as fields.
    """
    name = draw_name(random, "struct", taken, odd=odd) + suffix
    head, tail = f"struct {name} {{", "};"
    if odd and random.random() < 0.1:
        head = random.choice(_ODD_HEADS).replace("%s", name)
    if odd and random.random() < 0.1:
        tail = random.choice(_ODD_TAILS)
    fields: set[str] = set()
    lines: list[str] = []
    offset = 0
    for _ in range(random.randint(1, 7)):
        ctype, width = random.choice((*_WIDTHS.items(), *sizes.items()))
        while offset % min(width, 8):
            missing = offset & -offset
            lines.append(f"{_PADDING[missing]} {draw_name(random, 'field', fields)};")
            offset += missing
        field = draw_name(random, "field", fields, odd=odd)
        count = random.choice(_LENGTHS) if random.random() < 0.3 else None
        offset += width * int(count or 1)
        text = f"{field}{f'[{count}]' if count else ''}"
        if random.random() < 0.1:
            text += f", {draw_name(random, 'field', fields)}"
            offset += width
        if width == 1 and count and ", " not in text:
            ctype = "char"
        lines.append(f"{ctype} {text};")
    if offset % 8:
        lines.append(f"__u8 {draw_name(random, 'field', fields)}[{8 - offset % 8}];")
        offset += -offset % 8
    sizes[f"struct {name}"] = offset
    if odd:
        for _ in range(random.randint(1, 2)):
            _slip(random, lines, draw_name(random, "field", fields, odd=odd))
    return "\n".join([head, *(f"\t{line}" for line in lines), tail])


def _slip(random: Random, lines: list[str], field: str) -> None:
    """Make a line odd, put an odd one in, or take one out."""
    place = random.randrange(len(lines) + 1)
    match random.randrange(5):
        case 0:
            lines.insert(place, random.choice(_ODD_LINES).replace("%s", field))
        case 1:
            lines.insert(place, f"{random.choice(_ODD_TYPES)} {field};")
        case 2:
            ctype = random.choice(tuple(_WIDTHS))
            declarator = random.choice(_ODD_DECLARATORS).replace("%s", field)
            lines.insert(place, f"{ctype} {declarator};")
        case 3:
            ctype = random.choice(tuple(_WIDTHS))
            lines.insert(place, f"{ctype} {field}[{random.choice(_ODD_LENGTHS)}];")
        case _ if place < len(lines):
            del lines[place]
