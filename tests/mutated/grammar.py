"""Draws declarations from what the keys say of themselves, mostly good ones."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from syscraft.calls.kernels import shipped
from syscraft.declaration.scalars import SCALARS
from syscraft.declaration.schema import CALL_KEYS, KEYS, Key

from .seeds import Files
from .write import dump

_INTEGERS = (0, 1, -1, 7, 424, 512, 901, 999, 1000, 2**31, 2**32, 2**63 - 1, -(2**63), 2**64, 2**70)
STRINGS = (
    "", " ", "\t", "\n", "x", "a b", "%s %n", "${X}", "{{ x }}", "{% x %}", "a\nb", "a\rb",
    "\u00fc", "\u2028", "\u200b", "'", '"', "\\", "*/", "-->", "'''", '"""', "..", "/", "../x", "~",
    "int", "if", "EINVAL", "clone", "openat2", "true", "0", "1", "sizeof(int)", "x" * 300, "a\0b",
    "\\n", "@x", "#x", "%", "void", "x;", "x)", "A <a@b>", "--- a", "diff --git a/x b/x", "ktap",
)  # fmt: skip

_NAMES = ("a", "b", "value", "flags", "buf", "size", "fd", "sample", "ret", "r", "nr", "arg1")
_FORK_LIKE = ("clone", "clone3", "fork", "vfork", "execve")
_TYPES = (*SCALARS, "struct sample_args", "struct open_how", "void", "struct timespec64", "foo_t")


def parameter(choose: random.Random) -> str:
    """One parameter in C, mostly a good one."""
    kind, name = choose.choice(_TYPES), choose.choice(_NAMES)
    if kind == "void" or kind.startswith("struct") or choose.random() < 0.3:
        const = choose.choice(("", "const "))
        user = choose.choice(("__user ",) * 20 + ("",))
        more = choose.choice(("",) * 20 + ("*", "*const ", "const *", "* __user *"))
        return f"{const}{kind} {user}*{more}{name}"
    return f"{kind} {name}" + choose.choice(("",) * 100 + ("[2]", " : 3", "(int)"))


def parameters(choose: random.Random, most: int) -> list[str]:
    """Some parameters in C, mostly with names of their own."""
    made = [parameter(choose) for _ in range(choose.randrange(most))]
    if choose.random() < 0.9:
        made = list({p.split()[-1].strip("*"): p for p in made}.values())
    return made


def c_text(choose: random.Random) -> str:
    """A list of parameters, a prototype or a struct."""
    listed = ", ".join(parameters(choose, 8)).replace("__user ", "") or "void"
    return choose.choice(
        (
            listed, f"int sample({listed})", f"long x({listed});",
            "struct sample_args { " + "; ".join(parameters(choose, 5)) + "; };",
        )
    )  # fmt: skip


def expression(choose: random.Random, depth: int = 0) -> str:
    """An expression in C, mostly a good one."""
    if depth > 5 or choose.random() < 0.4:
        return choose.choice(
            (
                *_NAMES, "0", "1", "-1", "0x7f", "017", "08", "1ULL", "'a'", "'\\0'", "NULL",
                "true", "sizeof(int)", "sizeof(*buf)", "strlen(buf)", "18446744073709551616",
                '"x"', "getpid()", "SAMPLE_X",
            )
        )  # fmt: skip
    left, right = expression(choose, depth + 1), expression(choose, depth + 1)
    operator = choose.choice("+ - * / % & | ^ << >> == != < > <= >= && || , =".split())
    return choose.choice(
        (
            f"{left} {operator} {right}", f"({left})", f"-{left}", f"!{left}", f"~{left}",
            f"(u64){left}", f"(int)({left})", f"(void *){left}", f"{left} ? {right} : {left}",
        )
    )  # fmt: skip


def anything(choose: random.Random, depth: int = 0) -> Any:
    """A value of any kind, mostly odd."""
    kinds: list[Callable[[], Any]] = [
        lambda: choose.choice(_INTEGERS), lambda: choose.choice(STRINGS),
        lambda: choose.choice(STRINGS), lambda: c_text(choose), lambda: expression(choose),
        lambda: choose.choice((True, False)), lambda: choose.choice((1.5, float("nan"))),
    ]  # fmt: skip
    if depth < 3:
        kinds += [
            lambda: [anything(choose, depth + 1) for _ in range(choose.randrange(3))],
            lambda: {
                key_name(choose): anything(choose, depth + 1) for _ in range(choose.randrange(3))
            },
        ]
    return choose.choice(kinds)()


def key_name(choose: random.Random) -> str:
    """The name of a key, or of none."""
    return choose.choice([key.name for key in KEYS] + ["", "x", "a.b", "\u00fc", 'q"', "A1", "R4"])


def of_kind(choose: random.Random, key: Key) -> Any:
    """A value for a key, mostly of its kind."""
    if choose.random() < 0.005:
        return anything(choose)
    text = choose.choice
    good: dict[str, Callable[[], Any]] = {
        "kernel": lambda: ", ".join(parameters(choose, 8)) or "void",
        "user": lambda: c_text(choose),
        "like": lambda: text(text((_FORK_LIKE, shipped().newest.names, ("nope",)))),
        "add": lambda: parameters(choose, 3),
        "structs": lambda: c_text(choose),
        "author": lambda: "A U Thor <author@example.org>",
        "errno": lambda: text(("EINVAL", "EPERM", "ENOSYS") * 9 + ("EFOO",)),
        "number": lambda: text(("private", "next", 950, 463, 999)),
        "missing": lambda: text(("ENOSYS", "ENOTSUP")),
        "name": lambda: text(("sample", "SAMPLE_X", "SAMPLE_Y", "x1")),
        "call": lambda: text(("sample", "x")),
        "setup": lambda: text(("int x = 0;", "struct sample_args r = {0};", "char buf[9];")),
        "symbol": lambda: text(("SAMPLE", "SAMPLE_SYSCALL", "x")),
        "args": lambda: [expression(choose) for _ in range(choose.randrange(4))],
        "value": lambda: text(("1", "0x10", "SAMPLE_X << 1", expression(choose))),
        "includes": lambda: [text(("linux/openat2.h", "linux/types.h", "x"))],
        "types": lambda: [text(("struct open_how", "foo_t"))],
        "versions": lambda: [[text(_NAMES)] for _ in range(choose.randrange(3))],
        "body": lambda: "sample.c",
    }
    if key.name in good and not (key.name == "args" and key.kind != "strings"):
        return good[key.name]()
    kinds: dict[str, Callable[[], Any]] = {
        "boolean": lambda: text((True, False)),
        "strings": lambda: [text(STRINGS) for _ in range(choose.randrange(3))],
        "table of strings": lambda: {text((*_NAMES, "R4", "R2")): expression(choose)},
        "table": lambda: _table(choose, key.keys),
        "tables": lambda: [_table(choose, key.keys) for _ in range(choose.choice((0, 1, 1, 2, 5)))],
        "integer or string": lambda: text((0, -1, 5, expression(choose))),
    }
    words = lambda: text(("do a thing", "it does what it does") * 4 + (text(STRINGS),))  # noqa: E731
    return kinds.get(key.kind, words)()


def _table(choose: random.Random, keys: tuple[Key, ...]) -> dict[str, Any]:
    share = choose.choice((0.05, 0.15, 0.3))
    made = {
        key.name: of_kind(choose, key)
        for key in keys
        if choose.random() < (0.99 if key.required else share) and key.name != "tests"
    }
    if any(key.name == "author" for key in keys):
        made["name"] = choose.choice(("sample", "sample", "other", "x1"))
    return made


def declaration(choose: random.Random) -> Files:
    """A declaration of all that the keys allow, and its body."""
    table = _table(choose, tuple(key for key in KEYS if key.name != "calls"))
    table.pop("patches", None)
    if not table.get("pack"):
        table.pop("versions", None)
    if "like" not in table:
        table.pop("add", None)
    listed = parameters(choose, 7)
    if "like" not in table:
        plain = [p.replace("__user ", "") for p in listed]
        choose.shuffle(plain)
        table |= {"kernel": ", ".join(listed), "user": f"int sample({', '.join(plain)})"}
    if choose.random() < 0.1:
        table["calls"] = [_table(choose, CALL_KEYS) for _ in range(choose.randrange(1, 4))]
        for key in CALL_KEYS:
            if key.place.name == "CALL":
                table.pop(key.name, None)
    name = table.get("name", "sample")
    body = f"static long do_{name}({', '.join(listed) or 'void'})\n{{\n\treturn 0;\n}}\n"
    return {
        "sample.toml": dump(table).encode("utf-8", "surrogatepass"),
        "sample.c": body.encode("utf-8", "surrogatepass"),
        f"{name}.c" if isinstance(name, str) and name.isidentifier() else "x.c": body.encode(
            "utf-8", "surrogatepass"
        ),
    }
