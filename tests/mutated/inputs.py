"""Makes input N of seed S: bytes, lines, keys, structure or grammar of a declaration, mutated."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterable
from typing import Any

from syscraft.declaration.schema import KEYS

from . import grammar, hand_written
from .grammar import STRINGS, anything, key_name
from .seeds import Input
from .write import dump

_KINDS = (
    "bytes", "lines", "structure", "structure", "keys", "keys", "grammar", "grammar", "body",
    "both", "import",
)  # fmt: skip


def make_input(seed: int, index: int, known: tuple[Input, ...]) -> Input:
    """Make input *index* of a seed."""
    choose = random.Random(f"{seed}:{index}")
    how = choose.choice(_KINDS)
    start = choose.choice(known)
    if how == "grammar":
        return Input(how, "sample.toml", grammar.declaration(choose))
    if how == "import":
        data = hand_written.code(choose)
        if choose.random() < 0.6:
            data = _tokens(choose, data)
        return Input(how, "code.c", {"code.c": data})
    files = dict(start.files)
    if how in ("bytes", "lines"):
        change = _bytes if how == "bytes" else _lines
        files[start.toml] = change(choose, files[start.toml], choose.choice(known))
    if how == "keys":
        files[start.toml] = _keys(choose, files[start.toml])
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
                like = [
                    v for v in (anything(choose) for _ in range(20)) if isinstance(v, type(old))
                ]
                holder[key] = like[0] if like and choose.random() < 0.8 else anything(choose)
            case 3 if isinstance(old, str) and old:
                place = choose.randrange(len(old) + 1)
                holder[key] = old[:place] + choose.choice(STRINGS) + old[place:]
            case 4 if isinstance(holder, list):
                holder.insert(choose.randrange(len(holder) + 1), old)
            case 5 if isinstance(old, list):
                holder[key] = old * choose.choice((0, 2, 3, 40))
            case 6 if isinstance(holder, dict):
                holder[key_name(choose)] = old if choose.random() < 0.5 else anything(choose)
    return dump(table).encode("utf-8", "surrogatepass")


def _keys(choose: random.Random, data: bytes) -> bytes:
    """Give some keys other values of their kind: much of it is still a declaration."""
    try:
        table = tomllib.loads(data.decode())
    except ValueError:
        return data
    calls = [call for call in table.get("calls") or () if isinstance(call, dict)]
    for _ in range(choose.choice((1, 1, 2, 3))):
        holder = choose.choice([table, *calls])
        known = [key for key in KEYS if key.name != "calls"]
        there = [key for key in known if key.name in holder]
        key = choose.choice(there if there and choose.random() < 0.6 else known)
        if key.name in ("name", "body") and choose.random() < 0.8:
            continue  # these fit files beside it
        holder[key.name] = grammar.of_kind(choose, key)
    return dump(table).encode("utf-8", "surrogatepass")
