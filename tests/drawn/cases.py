"""Draws the table of cases of a call."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from .parameters import Drawn
from .words import draw_name, draw_sentence

# What no case may have: an expression that is none, or that is more than one.
_ODD_EXPRESSIONS = ("", "1, 2", "1); x(", "0 /* zero */", "(\n0)", "x y", "#")
_CHECKS = (
    "1", "%s", "%s == 0", "1 || %s, 1", 'strlen("%%d") == 2', "'\"' == 34", "%s\n\t|| 1",
    "sizeof(struct { int a, b; }) == 8", "(int []){1, 2}[0] == 1", "errno || %s",
)  # fmt: skip
_RETURNS = (0, 1, -1, "0", "-1", "1 + 1", "0x10", "sizeof(int)", "(long)-1", "'a'")
# Names that a setup gives to its variables, beside those of draw_name().
_LOCALS = (
    "ret", "error", "errno", "i", "result", "_metadata", "self", "variant", "strerror", "name",
    "ktap", "ret_", "error_", "fprintf", "stdin", "struct", "new", "test", "size_t", "stack",
)  # fmt: skip
_FUNCTION = "(int (*)(void *))1"


@dataclass(frozen=True)
class Callee:
    """A function that a case may call: ``arguments`` are what is right for each of its own."""

    name: str
    parameters: tuple[Drawn, ...]
    shape: str = "plain"  # or clone, or clone3


def draw_cases(random: Random, callees: Sequence[Callee], key: str, *, odd: bool) -> str:
    """Draw cases for *callees*, as tables of *key*."""
    text = ""
    for _ in range(random.choice((0, 0, 1, 2, 3))):
        callee = random.choice(callees)
        text += f"[[{key}]]\nname = {json.dumps(draw_sentence(random))}\n"
        if callee is not callees[0] or random.random() < 0.2:
            text += f'call = "{callee.name}"\n'
        local = draw_name(random, "parameter", set(), odd=odd)
        if random.random() < 0.2:
            local = random.choice(_LOCALS)
        setup, pointer = _setup(random, local)
        arguments = _arguments(random, callee, local if setup else None, pointer)
        if odd and arguments and random.random() < 0.2:
            arguments[random.randrange(len(arguments))] = random.choice(_ODD_EXPRESSIONS)
        if odd and random.random() < 0.05:
            arguments.append("0")
        if setup:
            text += f"setup = {_quoted(setup)}\n"
        text += f"args = {json.dumps(arguments)}\n"
        if random.random() < 0.5:
            text += f'errno = "{random.choice(("EINVAL", "EFAULT", "ENOSYS"))}"\n'
        else:
            text += f"returns = {json.dumps(random.choice(_RETURNS))}\n"
        if random.random() < 0.4:
            value = f"(sizeof({local}) == 1)" if setup else "1"
            text += f"check = {json.dumps(random.choice(_CHECKS).replace('%s', value))}\n"
    return text


def _setup(random: Random, local: str) -> tuple[str, bool]:
    """Statements that declare and use *local*; whether it is an array."""
    match random.randrange(6):
        case 0:
            return f"int {local} = 0;\n\n(void){local};", False
        case 1:
            return f"static char {local}[4096];\n(void){local};", True
        case 2:
            return f"long {local};\n\n{local} = 1;\nif ({local})\n\t{local}--;", False
        case 3:
            return f"struct {{ int {local}; }} *{local} = NULL; /* none */\n(void){local};", True
        case _:
            return "", False


def _arguments(random: Random, callee: Callee, local: str | None, is_pointer: bool) -> list[str]:
    given = []
    for parameter in callee.parameters:
        if parameter.pointed is None:
            choices = ["0", "1", "-1", "1 ? 0 : 1", "(0)"]
            choices += [local] if local and not is_pointer else []
        else:
            choices = ["NULL", "(void *)8"]
            choices += [f"(void *){local}"] if local and is_pointer else []
        given.append(random.choice(choices))
    if callee.shape == "clone":
        stack = f"(char *){local} + 16" if local and is_pointer else "(void *)4096"
        return [_FUNCTION, stack, "SIGCHLD", "NULL", *given, "NULL", "NULL", "NULL"]
    if callee.shape == "clone3":
        return ["NULL", "0", _FUNCTION, "NULL", *given]
    return given


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
