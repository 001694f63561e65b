"""Draws C code as people write calls by hand, for ``import``."""

from __future__ import annotations

import random

from .grammar import parameters

_ABOVE = (
    "", "#include <linux/syscalls.h>\n", "/* {name} - do a thing. */\n", "// do a thing\n",
    "/**\n * sys_{name} - do a thing\n * @a: what\n */\n", "#ifdef CONFIG_{name}\n",
    "static int count;\n\nstatic int help(int a)\n{{\n\treturn a + count;\n}}\n\n",
    "#define SIZE 7\n", "struct {name}_args {{\n\tint a;\n}};\n\n",
)  # fmt: skip
_HEADS = (
    "SYSCALL_DEFINE{count}({comma_name}{pairs})",
    "SYSCALL_DEFINE{count}({comma_name}{pairs})",
    "SYSCALL_DEFINE{count}(\n\t{comma_name}\n\t{pairs})",
    "COMPAT_SYSCALL_DEFINE{count}({comma_name}{pairs})",
    "SYSCALL_DEFINE{wrong}({comma_name}{pairs})",
    "asmlinkage long sys_{name}({listed})",
    "SYSCALL_DEFINE{count} ( {comma_name}{pairs} )",
)
_BRACES = (
    "\n{",
    "\n{",
    " {",
    "{",
    "\n\n\t{",
    " /* why */\n{",
    " /* why */ {",
    "\n#if 1\n{\n#endif",
)
_BODIES = (
    "return 0;", "if (1) {{\n\t\treturn -EINVAL;\n\t}}\n\treturn help(1);", "return ksys_{name}();",
    "char *s = \"}}\"; /* }} */\n\treturn s[0];", "#if 0\n}}\n#endif\n\treturn 0;", "",
)  # fmt: skip


def _call(choose: random.Random) -> str:
    listed = parameters(choose, 8)
    name = choose.choice(("sample", "sample", "other", "x1", "read", "clone", "int", "A"))
    # "struct x __user *p" -> "struct x __user *, p"
    split = [(p.rstrip("_abcdefghijklmnopqrstuvwxyz0123456789"), p) for p in listed]
    pairs = ", ".join(f"{kind.rstrip()}, {whole[len(kind) :]}" for kind, whole in split)
    words = {
        "name": name,
        "count": len(listed),
        "wrong": choose.randrange(9),
        "comma_name": name + (", " if listed else ""),
        "pairs": pairs,
        "listed": ", ".join(listed) or "void",
    }
    above = "".join(choose.choice(_ABOVE) for _ in range(choose.randrange(3)))
    head = (above + choose.choice(_HEADS)).format(**words)
    body = choose.choice(_BODIES).format(**words)
    return f"{head}{choose.choice(_BRACES)}\n\t{body}\n}}\n"


def code(choose: random.Random) -> bytes:
    """A C file with one call or more, mostly good ones."""
    text = "\n".join(_call(choose) for _ in range(choose.choice((1, 1, 1, 2, 3))))
    if "#ifdef" in text and choose.random() < 0.8:
        text += "#endif\n"
    if choose.random() < 0.2:
        text = "".join(f"    {line}\n" for line in text.splitlines())
    if choose.random() < 0.1:
        text = text.replace("\n", "\r\n")
    comment = choose.choice((b"", b"", b"", b"// \xb0\xa1\n", "// ü\n".encode(), b"\xef\xbb\xbf"))
    return comment + text.encode()
