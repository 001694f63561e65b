"""NAME.py: typed functions by the C core or ctypes, in the user's order, OSError on failure."""

from __future__ import annotations

import ast
import keyword
import re
import textwrap

from syscraft.abi.abi import Abi, ElfIdentity
from syscraft.abi.layout import Pairs
from syscraft.declaration.ctext import parse_structs
from syscraft.declaration.scalars import SCALARS
from syscraft.emit import user_c
from syscraft.emit.base import Emitter, Files, fill
from syscraft.errors import Where
from syscraft.model.call import Call, Parameter, Shared, Wrapper, types_module
from syscraft.model.types import declare_user

_WIDTH = 96

# A C integer literal that Python reads the same way, once its suffix is gone.
_LITERAL = re.compile(r"\b(0[xX][0-9a-fA-F]+|0|[1-9][0-9]*)[uUlL]*\b")
_SAME_IN_BOTH = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.Constant, ast.Name, ast.Load, ast.Add, ast.Sub,
    ast.Mult, ast.BitOr, ast.BitAnd, ast.BitXor, ast.LShift, ast.RShift, ast.USub, ast.Invert,
)  # fmt: skip

# Class, name in C, fields with the types of ctypes.
_Struct = tuple[str, str, list[tuple[str, str]]]


def _emit(call: Call, number: int, abis: tuple[Abi, ...]) -> Files:
    constants = _constants(call.shared)
    functions = [_function(call, wrapper, set(constants)) for wrapper in call.wrappers]
    structs = [_struct(struct.name, struct.text) for struct in call.shared.structs]
    files: Files = {}
    shared_names: list[str] = []
    if len(call.shared.call_names) > 1 and (constants or structs):
        files = _types_module(call.shared, constants, structs)
        shared_names = sorted([*constants, *(name for name, _, _ in structs)])
        constants, structs = {}, []
    if call.packed:
        fields = [
            (field.name, _ctype(field.type_name, str(field.array) if field.array else None))
            for field in call.packed.fields
        ]
        structs.append((_class_name(call.packed.name), call.packed.name, fields))
    extras = [_parameter(extra, packed=call.packed is not None) for extra in call.clone_extras]
    names = [call.name] if call.is_clone else [wrapper.name for wrapper in call.wrappers]
    text = fill(
        "clone_module.py.j2" if call.is_clone else "module.py.j2",
        call=call,
        numbers=[
            (_identity(elf), abi.number(number), abi.key) for abi in abis for elf in abi.elf
        ],
        flags_masks=sorted(
            {(elf.machine, elf.flags_mask) for abi in abis for elf in abi.elf if elf.flags_mask}
        ),
        constants=constants,
        functions=functions,
        structs=structs,
        shared_import=_import(types_module(call.shared.name), shared_names),
        exported=sorted([*names, *shared_names, *constants, *(name for name, _, _ in structs)]),
        orders=[
            (_identity(elf),
             abi.clone_order.parameters(tuple(extra.name for extra in call.clone_extras)))
            for abi in abis
            for elf in abi.elf
        ],
        signature=[
            *(f"{p['name']}: {p['annotation']}" for p in extras),
            "flags: int = signal.SIGCHLD",
        ],
        extras=extras,
        pointers=any(
            p.ctype.is_pointer for w in call.wrappers for p in w.parameters
        ) or any(extra.ctype.is_pointer for extra in call.clone_extras),
        wide=call.has_wide_arguments,
        pairs=[
            (_identity(elf), abi.pairs.name, abi.key)
            for abi in abis
            for elf in abi.elf
            if abi.pairs is not Pairs.WHOLE
        ],
        doc=_doc_line,
        define=_define,
        raises=_raises(call),
    )  # fmt: skip
    return {**files, f"{call.name}.py": text}


def _constants(shared: Shared) -> dict[str, tuple[str, str | None]]:
    """The flags whose values Python can work out: name -> value, summary."""
    constants: dict[str, tuple[str, str | None]] = {}
    for flag in shared.flags:
        value = _python_expression(flag.value, set(constants))
        if value is not None:
            constants[flag.name] = (value, flag.summary)
    return constants


def _types_module(
    shared: Shared, constants: dict[str, tuple[str, str | None]], structs: list[_Struct]
) -> Files:
    """The module that makes a struct of several calls one class."""
    *most, last = shared.call_names
    text = fill(
        "types_module.py.j2",
        shared=shared,
        users=f"{', '.join(most)} and {last}",
        constants=constants,
        structs=structs,
        exported=sorted([*constants, *(name for name, _, _ in structs)]),
        doc=_doc_line,
    )
    return {f"{types_module(shared.name)}.py": text}


def _import(module: str, names: list[str]) -> str:
    if not names:
        return ""
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= _WIDTH:
        return line
    return "\n".join([f"from {module} import (", *(f"    {name}," for name in names), ")"])


def _identity(elf: ElfIdentity) -> str:
    """What the generated module's ``_abi()`` returns in a program of this kind."""
    return repr((elf.machine, elf.bits // 32, 1 if elf.little_endian else 2, elf.flags))


def _define(name: str, parameters: list[str]) -> str:
    """Write the head of a function that returns an integer."""
    line = f"def {name}({', '.join(parameters)}) -> int:"
    if len(line) <= _WIDTH:
        return line
    inner = "    " + ", ".join(parameters)
    if len(inner) <= _WIDTH:
        return f"def {name}(\n{inner}\n) -> int:"
    return "\n".join([f"def {name}(", *(f"    {text}," for text in parameters), ") -> int:"])


def _c_line(head: str, parameters: list[str]) -> str:
    """Show the C prototype in a docstring; lines break between parameters only."""
    words = f"C: {head}({', '.join(parameters) or 'void'})"
    for parameter in parameters:
        words = words.replace(parameter, parameter.replace(" ", "\0"))
    filled = textwrap.fill(
        words, _WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 8, break_long_words=False
    )
    return filled.replace("\0", " ")


def _raises(call: Call) -> list[str]:
    """The errors, each wrapped, for the docstring of a function."""
    return [
        textwrap.fill(
            _doc_line(f"OSError: {errno}: {meaning}"),
            _WIDTH,
            initial_indent=" " * 8,
            subsequent_indent=" " * 12,
        )
        for errno, meaning in user_c.errors(call)
    ]


def _doc_line(text: str) -> str:
    """Make *text* safe inside a docstring."""
    return text.replace("\\", "\\\\").replace('"', "'")


def _python_expression(text: str, names: set[str]) -> str | None:
    """Translate a C expression that means the same in Python, else None."""
    translated = _LITERAL.sub(lambda match: match[1], text.strip())
    try:
        tree = ast.parse(translated, mode="eval")
    except (SyntaxError, ValueError):
        return None
    for node in ast.walk(tree):
        if not isinstance(node, _SAME_IN_BOTH):
            return None
        if isinstance(node, ast.Name) and node.id not in names:
            return None
        if isinstance(node, ast.Constant) and type(node.value) is not int:
            return None
    return ast.unparse(tree)


def _parameter(parameter: Parameter, *, packed: bool) -> dict[str, str]:
    name = _safe(parameter.name)
    return {
        "name": name,
        "field": parameter.name,
        "annotation": "Pointer" if parameter.ctype.is_pointer else "int",
        "convert": _convert(parameter, name, packed=packed),
        "c": declare_user(parameter.ctype, parameter.name),
    }


def _convert(parameter: Parameter, expression: str, *, packed: bool) -> str:
    """Write what checks *expression*, and makes a register's value of it or a struct's."""
    if parameter.ctype.is_pointer:
        name = _safe(parameter.name)
        if packed:
            return f'_address("{name}", {expression}, keep)'
        return f'_pointer("{name}", {expression})'
    scalar = SCALARS[parameter.ctype.base]
    bits = str(scalar.bits or "_LONG_BITS")
    return f'_integer("{_safe(parameter.name)}", {expression}, {bits}, {scalar.signed})'


# What the templates' own functions use.
_TAKEN = frozenset(
    "args arguments ctypes dict errno flag flags int keep len list memoryview name os parent "
    "reason ret signal values".split()
)


def _safe(name: str) -> str:
    """Python has words that C lacks, and the templates have names of their own."""
    return f"{name}_" if keyword.iskeyword(name) or name in _TAKEN else name


def _function(call: Call, wrapper: Wrapper, constants: set[str]) -> dict[str, object]:
    packed = call.packed is not None
    given = {parameter.name for parameter in wrapper.parameters}
    scalars = {p.name for p in wrapper.parameters if not p.ctype.is_pointer}
    explicit: list[dict[str, str]] = []
    passed: list[tuple[str, str]] = []
    for argument in wrapper.arguments:
        mine = _parameter(argument.parameter, packed=packed)
        if argument.expression == argument.parameter.name and argument.expression in given:
            passed.append((argument.parameter.name, mine["convert"]))
            continue
        expression = _python_expression(argument.expression, scalars | constants)
        if expression is None:
            # Only C can work this out (strlen, sizeof): Python callers say it themselves.
            if argument.parameter.name not in given:
                explicit.append(mine)
            expression = mine["name"]
        passed.append(
            (argument.parameter.name, _convert(argument.parameter, expression, packed=packed))
        )
    described = [_parameter(parameter, packed=packed) for parameter in wrapper.parameters]
    signature = [f"{p['name']}: {p['annotation']}" for p in described]
    if explicit:
        signature += ["*", *(f"{p['name']}: {p['annotation']}" for p in explicit)]
    return {
        "name": wrapper.name,
        "signature": signature,
        "passed": passed,
        "c": _c_line(declare_user(wrapper.returns, wrapper.name), [p["c"] for p in described]),
        "wide": {a.parameter.name for a in wrapper.arguments if a.parameter.is_wide},
        "keeps": any("keep" in convert for _, convert in passed),
        "size": call.packed.versions[wrapper.struct_version].size_bytes
        if call.packed and wrapper.struct_version is not None
        else None,
    }


def _ctype(type_name: str, array: str | None = None) -> str:
    scalar = SCALARS.get(type_name)
    if scalar is None:
        base = _class_name(type_name.removeprefix("struct "))
    else:
        base = f"ctypes.c_{'' if scalar.signed else 'u'}int{scalar.bits}"
    return f"{base} * {array}" if array else base


def _struct(name: str, text: str) -> _Struct:
    (struct,) = parse_structs(text, lambda line, column: Where(name, line + 1, column + 1))
    fields = [(f.name, _ctype(f.ctype.base, f.ctype.array)) for f in struct.fields]
    return _class_name(name), name, fields


def _class_name(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_") if word)


EMITTER = Emitter("python", "Python module by the C core or ctypes: typed, OSError", _emit)
