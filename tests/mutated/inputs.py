"""Makes input N of seed S: bytes, lines, structure or grammar of a declaration, mutated."""

from __future__ import annotations

import json
import random
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syscraft.declaration.scalars import SCALARS
from syscraft.declaration.schema import CALL_KEYS, KEYS, Key

REPOSITORY = Path(__file__).parent.parent.parent

Files = dict[str, bytes]  # what is beside the declaration, by name


@dataclass(frozen=True)
class Input:
    """A declaration's folder.

    Args:
        how: the kind of mutation, for reports.
        toml: the name of the declaration's file, one of *files*.
    """

    how: str
    toml: str
    files: Files


def _sources() -> tuple[Path, ...]:
    places = ("examples/*/*.toml", "tests/bad/*.toml", "tests/toys/*.toml", "tests/kernel/*/*.toml")
    found = {path for place in places for path in REPOSITORY.glob(place)}
    return tuple(sorted(found | set(REPOSITORY.glob("tests/kernel/*/*/*.toml"))))


def _seed(path: Path) -> Input:
    files = {path.name: path.read_bytes()}
    data = tomllib.loads(path.read_text(encoding="utf-8", errors="replace"))
    names = {f"{path.stem}.c", data.get("body"), *(data.get("patches") or ())}
    for test in data.get("tests") or ():
        names |= set(test.get("sources") or ())
    for name in sorted(name for name in names if isinstance(name, str) and "/" not in name):
        if (path.parent / name).is_file():
            files[name] = (path.parent / name).read_bytes()
    return Input("", path.name, files)


def seeds() -> tuple[Input, ...]:
    """The declarations to start from; those that are good come more than once."""
    found = []
    for path in _sources():
        try:
            seed = _seed(path)
        except tomllib.TOMLDecodeError:
            continue
        found += [seed] * (1 if path.parent.name == "bad" else 30)
    return tuple(found)


def make_input(seed: int, index: int, known: tuple[Input, ...]) -> Input:
    """Make input *index* of a seed."""
    choose = random.Random(f"{seed}:{index}")
    how = choose.choice(("bytes", "lines", "structure", "structure", "grammar", "body", "both"))
    start = choose.choice(known)
    if how == "grammar":
        return Input(how, "sample.toml", _grammar(choose))
    files = dict(start.files)
    if how in ("bytes", "lines"):
        change = _bytes if how == "bytes" else _lines
        files[start.toml] = change(choose, files[start.toml], choose.choice(known))
    if how in ("structure", "both"):
        files[start.toml] = _structure(choose, files[start.toml])
    if how in ("body", "both"):
        others = sorted(set(files) - {start.toml})
        if others:
            name = choose.choice(others)
            files[name] = _tokens(choose, files[name])
    return Input(how, start.toml, files)


# -- text ------------------------------------------------------------------------------------

_BYTES = (
    b"\0", b"\xff", b"\r", b"\r\n", b"\t", b"\x1b[2J", b"\x7f", b'"', b'"""', b"'''", b"\\", b"#",
    b"[", b"]", b"[[", b"]]", b"{", b"}", b"=", b".", b",", b"/*", b"*/", b"//", b"--- a\n",
    b"\\u0000", b"\\ud800", b"\\U0001F600", "\u2028".encode(), "\u202e".encode(), b"\xef\xbb\xbf",
    "\u00fc".encode(), b"9" * 30, b"9" * 5000, b"(" * 400, b"1+" * 400, b"a." * 400, b"[" * 400,
)  # fmt: skip


def _bytes(choose: random.Random, data: bytes, other: Input) -> bytes:
    for _ in range(choose.choice((1, 1, 2, 3, 8))):
        place, length = choose.randrange(len(data) + 1), choose.choice((0, 1, 1, 2, 5, 20, 200))
        foreign = other.files[other.toml]
        start = choose.randrange(len(foreign) + 1)
        new = choose.choice(
            (
                b"", bytes([choose.randrange(256)]), choose.choice(_BYTES), choose.choice(_BYTES),
                foreign[start : start + choose.choice((3, 20, 200))],
                data[place : place + length] * choose.choice((2, 3, 50)),
            )
        )  # fmt: skip
        data = data[:place] + new + data[place + length :]
    return data


def _lines(choose: random.Random, data: bytes, other: Input) -> bytes:
    lines, foreign = data.splitlines(keepends=True), other.files[other.toml].splitlines(True)
    for _ in range(choose.choice((1, 1, 2, 4))):
        place = choose.randrange(len(lines) + 1)
        match choose.randrange(4):
            case 0:
                del lines[place : place + choose.choice((1, 1, 3))]
            case 1:
                lines[place:place] = [choose.choice(foreign or [b"\n"])]
            case 2 if lines:
                lines[place:place] = [choose.choice(lines)] * choose.choice((1, 2, 40))
            case _ if lines:
                lines.insert(place, lines.pop(choose.randrange(len(lines))))
    return b"".join(lines)


_TOKENS = (
    "{", "}", "(", ")", ";", ",", "*", "/*", "*/", "//", '"', "'", "\\\n", "#if 1\n", "#endif\n",
    "#define X ", "static long ", "do_", "SYSCALL_DEFINE1(x, int, a)\n", "__user ", "return ",
    "unsigned ", "\0", "\r", "\u2028", "\u00fc", "}" * 50, "{" * 300, "goto ", "asm(", "\f",
)  # fmt: skip


def _tokens(choose: random.Random, data: bytes) -> bytes:
    for _ in range(choose.choice((1, 2, 4))):
        place, length = choose.randrange(len(data) + 1), choose.choice((0, 0, 1, 4, 30))
        new = choose.choice(_TOKENS).encode()
        data = data[:place] + new + data[place + length :]
    return data


# -- structure -------------------------------------------------------------------------------

_INTEGERS = (0, 1, -1, 7, 424, 512, 901, 999, 1000, 2**31, 2**32, 2**63 - 1, -(2**63), 2**64, 2**70)
_STRINGS = (
    "", " ", "\t", "\n", "x", "a b", "%s %n", "${X}", "{{ x }}", "{% x %}", "a\nb", "a\rb",
    "\u00fc", "\u2028", "\u200b", "'", '"', "\\", "*/", "-->", "'''", '"""', "..", "/", "../x", "~",
    "int", "if", "EINVAL", "clone", "openat2", "true", "0", "1", "sizeof(int)", "x" * 300, "a\0b",
    "\\n", "@x", "#x", "%", "void", "x;", "x)", "A <a@b>", "--- a", "diff --git a/x b/x", "ktap",
)  # fmt: skip


def _value(choose: random.Random, depth: int = 0) -> Any:
    kinds: list[Callable[[], Any]] = [
        lambda: choose.choice(_INTEGERS), lambda: choose.choice(_STRINGS),
        lambda: choose.choice(_STRINGS), lambda: c_text(choose), lambda: expression(choose),
        lambda: choose.choice((True, False)), lambda: choose.choice((1.5, float("nan"))),
    ]  # fmt: skip
    if depth < 3:
        kinds += [
            lambda: [_value(choose, depth + 1) for _ in range(choose.randrange(3))],
            lambda: {_key(choose): _value(choose, depth + 1) for _ in range(choose.randrange(3))},
        ]
    return choose.choice(kinds)()


def _key(choose: random.Random) -> str:
    return choose.choice([key.name for key in KEYS] + ["", "x", "a.b", "\u00fc", 'q"', "A1", "R4"])


def _places(value: Any) -> Iterable[tuple[Any, Any]]:
    """Every container and key, so that what is there can be replaced."""
    listed = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(listed):
        yield value, key
        if isinstance(inner, (dict, list)):
            yield from _places(inner)


def _structure(choose: random.Random, data: bytes) -> bytes:
    try:
        table = tomllib.loads(data.decode())
    except ValueError:
        return data
    for _ in range(choose.choice((1, 1, 2, 3))):
        places = list(_places(table))
        if not places:
            break
        holder, key = choose.choice(places)
        old = holder[key]
        match choose.randrange(7):
            case 0:
                del holder[key]
            case 1 | 2:
                like = [v for v in (_value(choose) for _ in range(20)) if isinstance(v, type(old))]
                holder[key] = like[0] if like and choose.random() < 0.8 else _value(choose)
            case 3 if isinstance(old, str) and old:
                place = choose.randrange(len(old) + 1)
                holder[key] = old[:place] + choose.choice(_STRINGS) + old[place:]
            case 4 if isinstance(holder, list):
                holder.insert(choose.randrange(len(holder) + 1), old)
            case 5 if isinstance(old, list):
                holder[key] = old * choose.choice((0, 2, 3, 40))
            case 6 if isinstance(holder, dict):
                holder[_key(choose)] = old if choose.random() < 0.5 else _value(choose)
    return dump(table).encode("utf-8", "surrogatepass")


def dump(table: dict[str, Any]) -> str:
    """Write a table as TOML, all of it inline."""
    return "".join(f"{json.dumps(key)} = {_dumped(value)}\n" for key, value in table.items())


def _dumped(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(_dumped, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {_dumped(v)}" for k, v in value.items()) + "}"
    return str(value)


# -- grammar ---------------------------------------------------------------------------------

_NAMES = ("a", "b", "value", "flags", "buf", "size", "fd", "sample", "ret", "r", "nr", "arg1")
_TYPES = (*SCALARS, "struct sample_args", "struct open_how", "void", "struct timespec64", "foo_t")


def parameter(choose: random.Random) -> str:
    """One parameter in C, mostly a good one."""
    kind, name = choose.choice(_TYPES), choose.choice(_NAMES)
    if kind == "void" or kind.startswith("struct") or choose.random() < 0.3:
        const = choose.choice(("", "const "))
        return f"{const}{kind} {choose.choice(('__user ',) * 20 + ('',))}*{name}"
    return f"{kind} {name}" + choose.choice(("",) * 100 + ("[2]", " : 3", "(int)"))


def _parameters(choose: random.Random, most: int) -> list[str]:
    made = [parameter(choose) for _ in range(choose.randrange(most))]
    if choose.random() < 0.9:
        made = list({p.split()[-1].strip("*"): p for p in made}.values())
    return made


def c_text(choose: random.Random) -> str:
    """A list of parameters, a prototype or a struct."""
    listed = ", ".join(_parameters(choose, 8)).replace("__user ", "") or "void"
    return choose.choice(
        (
            listed, f"int sample({listed})", f"long x({listed});",
            "struct sample_args { " + "; ".join(_parameters(choose, 5)) + "; };",
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


def _of_kind(choose: random.Random, key: Key) -> Any:
    """A value for a key, mostly of its kind."""
    if choose.random() < 0.005:
        return _value(choose)
    text = choose.choice
    good: dict[str, Callable[[], Any]] = {
        "kernel": lambda: ", ".join(_parameters(choose, 8)) or "void",
        "user": lambda: c_text(choose),
        "like": lambda: text(("clone", "openat2", "read", "mmap", "clone3", "futex", "nope")),
        "add": lambda: _parameters(choose, 3),
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
        "strings": lambda: [text(_STRINGS) for _ in range(choose.randrange(3))],
        "table of strings": lambda: {text((*_NAMES, "R4", "R2")): expression(choose)},
        "table": lambda: _table(choose, key.keys),
        "tables": lambda: [_table(choose, key.keys) for _ in range(choose.choice((0, 1, 1, 2, 5)))],
        "integer or string": lambda: text((0, -1, 5, expression(choose))),
    }
    words = lambda: text(("do a thing", "it does what it does") * 4 + (text(_STRINGS),))  # noqa: E731
    return kinds.get(key.kind, words)()


def _table(choose: random.Random, keys: tuple[Key, ...]) -> dict[str, Any]:
    share = choose.choice((0.05, 0.15, 0.3))
    made = {
        key.name: _of_kind(choose, key)
        for key in keys
        if choose.random() < (0.99 if key.required else share) and key.name != "tests"
    }
    if any(key.name == "author" for key in keys):
        made["name"] = choose.choice(("sample", "sample", "other", "x1"))
    return made


def _grammar(choose: random.Random) -> Files:
    table = _table(choose, tuple(key for key in KEYS if key.name != "calls"))
    table.pop("patches", None)
    if not table.get("pack"):
        table.pop("versions", None)
    if "like" not in table:
        table.pop("add", None)
    listed = _parameters(choose, 7)
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
