"""Draws declarations: a number is a seed, and the same seed gives the same declaration."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from random import Random

from syscraft.declaration.scalars import SCALARS

from .words import draw_name, draw_prose

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
_POINTERS = (
    "*", "*", "*", "*", "*", "*", "*", "**", "**", "*const ", "*const *", "const *", "* restrict ",
    "***", "*const *const *", "*const *", "**", "*const ",
)  # fmt: skip
_POINTED = ("void", "char", "__u32", "int", "unsigned long", "u64", "struct statx", "bool",
            "unsigned char", "size_t", "loff_t", "long long")  # fmt: skip
_VALUES = tuple(name for name in SCALARS if name not in ("char", "off_t", "mode_t"))
_ODD_PARAMETERS = (
    "int (*%s)(void)", "int %s[4]", "void %s", "float %s", "enum color %s", "struct statx %s",
    "register int %s", "int %s : 3", "void (*%s)(int, ...)", "char (*%s)[4]", "int", "...",
    "_Atomic int %s", "int *%s[2]", "const %s", "int __user %s", "void * __user *%s",
    "__user int %s", "unsigned long int %s", "volatile int *%s", "int %s __attribute__((unused))",
    "struct { int a; } *%s", "long double %s", "_Complex int %s", "__int128 %s", "int (%s)",
)  # fmt: skip


# Values of flags: %s is a number, or a flag before it.
_FLAG_VALUES = (
    "1", "%s", "1 << 3", "%s | 2", "(%s)", "~%s", "-%s", "0x80000000", "1ULL << 40", "'a'",
    "%s ? 1 : 2",
    "sizeof(int)", "1 /* one */", "1\n#define X 1", "0), puts(\"x\"", "%s %s", "", "(%s",
    "1; int x",
)  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    """A declaration: the TOML file and the body's C file, made from *seed*."""

    seed: int
    name: str
    toml: str
    body: str

    @property
    def text(self) -> str:
        return f"# seed {self.seed}\n{self.toml}\n{self.body}"

    def write(self, home: Path) -> None:
        """Make *home*, the folder of the declaration."""
        home.mkdir()
        (home / f"{self.name}.toml").write_text(self.toml, encoding="utf-8")
        (home / f"{self.name}.c").write_text(self.body, encoding="utf-8")


def draw(seed: int) -> Drawn:
    """Draw one declaration."""
    random = Random(seed)
    taken: set[str] = set()
    name = f"{draw_name(random, 'call', taken)}_{seed}"
    odd = random.random() < 0.5  # half of them are meant to be right
    sizes: dict[str, int] = {}
    structs = [
        _struct(random, taken, f"_{seed}", sizes, odd=odd and random.random() < 0.5)
        for _ in range(random.choice((0, 1, 1, 2, 3)))
    ]
    names: set[str] = set()
    types = [_parameter(random, names, odd=odd and random.random() < 0.2)
             for _ in range(random.randint(0, 7))]  # fmt: skip
    kernel = [kernel for kernel, _ in types]
    user = [user for _, user in types]
    random.shuffle(user)
    returns = random.choice(("int", "int", "long", "void *", "unsigned int", "ssize_t", "size_t"))
    if odd and random.random() < 0.2:
        returns = random.choice((*SCALARS, "const int", "const char *", "void", "struct statx *"))
    lines = [
        ("name", name),
        ("summary", draw_prose(random)),
        ("author", "A U Thor <author@example.org>"),
        ("kernel", ", ".join(kernel) or "void"),
        ("user", f"{returns} {name}({', '.join(user) or 'void'})"),
    ]
    if structs:
        lines.append(("structs", "\n\n".join(structs)))
    lines += _prose(random)
    toml = "".join(f"{key} = {json.dumps(value)}\n" for key, value in lines)
    if random.random() < 0.3:
        toml += "pack = true\n"
    toml += _tables(random, taken, f"_{seed}")
    arguments = ", ".join(kernel) or "void"
    body = f"static long do_{name}({arguments})\n{{\n\treturn 0;\n}}\n"
    return Drawn(seed, name, toml, body)


def _prose(random: Random) -> list[tuple[str, str]]:
    """Text for people, in a declaration that has some."""
    if random.random() < 0.5:
        return []
    return [("description", "\n\n".join(draw_prose(random) for _ in range(3)))]


def _tables(random: Random, taken: set[str], suffix: str) -> str:
    """Flags whose values use those before them, and errors."""
    text = ""
    names: list[str] = []
    for _ in range(random.choice((0, 0, 1, 3))):
        name = draw_name(random, "flag", taken)
        name += suffix if random.random() < 0.9 else ""
        before = random.choice((*names, "1", "0x10u"))
        value = random.choice(_FLAG_VALUES).replace("%s", before)
        text += f"[[flags]]\nname = {json.dumps(name)}\nvalue = {json.dumps(value)}\n"
        text += f"summary = {json.dumps(draw_prose(random))}\n"
        names.append(name)
    for _ in range(random.choice((0, 0, 2))):
        errno = random.choice(("EINVAL", "EPERM", "E2BIG"))
        text += f'[[errors]]\nerrno = "{errno}"\nwhen = {json.dumps(draw_prose(random))}\n'
    return text


def _struct(
    random: Random, taken: set[str], suffix: str, sizes: dict[str, int], *, odd: bool
) -> str:
    """A struct with all padding said, and slips of the pen in an *odd* one.

    Args:
        sizes: the structs before it, which it may have as fields.
    """
    name = draw_name(random, "struct", taken) + suffix
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
        field = draw_name(random, "field", fields)
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
            _slip(random, lines, draw_name(random, "field", fields))
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


def _parameter(random: Random, names: set[str], *, odd: bool) -> tuple[str, str]:
    """A parameter as the kernel and as a wrapper declare it."""
    name = draw_name(random, "parameter", names)
    if odd:
        text = random.choice(_ODD_PARAMETERS).replace("%s", name)
        return text, text.replace("__user", "")
    if random.random() < 0.05:
        ctype = random.choice(tuple(SCALARS))
        return f"{ctype} {name}", f"{ctype} {name}"
    if random.random() < 0.5:
        ctype = _value(random)
        user = ctype if random.random() < 0.7 else _value(random)
        return f"{ctype} {name}", f"{user} {name}"
    base = f"{random.choice(('', 'const '))}{random.choice(_POINTED)}"
    stars = random.choice(_POINTERS)
    return f"{base} {stars.replace('*', '__user *')}{name}", f"{base} {stars}{name}"


def _value(random: Random) -> str:
    return random.choice(_VALUES)
