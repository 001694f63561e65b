"""NAME.py: typed functions by the C core or ctypes, in the user's order, OSError on failure."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from functools import partial
from typing import Any

from syscraft.abi.abi import Abi, ElfIdentity
from syscraft.abi.layout import Pairs
from syscraft.declaration.ctype import CType
from syscraft.declaration.scalars import SCALARS
from syscraft.emit import user_c
from syscraft.emit.base import Emitter, Files, fill
from syscraft.emit.expression_python import python_text
from syscraft.model.c_values import scope_of
from syscraft.model.call import Argument, Call, Parameter, Shared, Struct, Wrapper, types_module
from syscraft.model.expression import Cast, Expression, Name, names_in
from syscraft.model.names import class_name
from syscraft.model.types import declare_user

_WIDTH = 96

# Class, name in C, fields with the types of ctypes.
_Struct = tuple[str, str, list[tuple[str, str]]]


def _emit(call: Call, number: int, abis: tuple[Abi, ...]) -> Files:
    constants = _constants(call.shared)
    functions = [_function(call, wrapper) for wrapper in call.wrappers]
    code = " ".join(value for function in functions for _, value in function["passed"])
    structs = [_struct(struct) for struct in call.shared.structs]
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
        structs.append((class_name(call.packed.name), call.packed.name, fields))
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
        arithmetic=[name for name in ("_wrap(", "_quotient(", "_remainder(") if name in code],
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
            parameter.ctype.is_pointer
            for w in call.wrappers
            for parameter in (*w.parameters, *(argument.parameter for argument in w.arguments))
        ) or any(extra.ctype.is_pointer for extra in call.clone_extras),
        written=any("written=True" in text for text in (code, *(p["convert"] for p in extras))),
        writable=any(
            "Writable" in text
            for text in (*(p["annotation"] for p in extras),
                         *(text for function in functions for text in function["signature"]))
        ),
        second_result=sorted(
            {elf.machine for abi in abis if _has_second_result(abi) for elf in abi.elf}
        ),
        flags_checked=call.is_clone or "_checked(" in code,
        clone_args="_clone_args(" in code,
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


def _has_second_result(abi: Abi) -> bool:
    """Whether the result of a fork-like call does not tell the child."""
    return "HAVE_FORK_SYSCALLS" in (abi.template("bare_syscalls.c.j2") or "")


def _constants(shared: Shared) -> dict[str, tuple[str, str | None]]:
    """The flags whose values Python can work out: name -> value, summary."""
    constants: dict[str, tuple[str, str | None]] = {}
    for index, flag in enumerate(shared.flags):
        value = python_text(flag.value, partial(scope_of, constants=shared.flags[:index]))
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
        long_bits=any("_LONG_BITS" in value for value, _ in constants.values()),
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


def _parameter(parameter: Parameter, *, packed: bool) -> dict[str, str]:
    return {
        "name": parameter.name,
        "annotation": _annotation(parameter.ctype),
        "convert": _convert(parameter, packed=packed),
        "c": declare_user(parameter.ctype, parameter.name),
    }


def _annotation(ctype: CType) -> str:
    if not ctype.is_pointer:
        return "int"
    return "Writable" if _is_written(ctype) else "Pointer"


def _is_written(ctype: CType) -> bool:
    # kernel/fork.c, copy_clone_args_from_user(), Linux 6.12: it is only read.
    return ctype.is_written and ctype.base != "struct clone_args"


def _pointer(value: str, ctype: CType, *, packed: bool) -> str:
    """Write what makes an address of *value*."""
    written = ", written=True" if _is_written(ctype) else ""
    if packed:
        return f'_address("{value}", {value}, _keep{written})'
    return f'_pointer("{value}", {value}{written})'


def _convert(parameter: Parameter, *, packed: bool) -> str:
    """Write what checks an argument, and makes a register's value of it or a struct's."""
    name = parameter.name
    if parameter.ctype.is_pointer:
        return _pointer(name, parameter.ctype, packed=packed)
    scalar = SCALARS[parameter.ctype.base]
    bits = str(scalar.bits or "_LONG_BITS")
    if parameter.ctype.base == "bool":
        bits = "1"
    return f'_integer("{name}", {name}, {bits}, {scalar.signed})'


def _function(call: Call, wrapper: Wrapper) -> dict[str, Any]:
    packed = call.packed is not None
    given = {parameter.name: parameter for parameter in wrapper.parameters}
    explicit: list[dict[str, str]] = []
    passed: list[tuple[str, str]] = []
    checked: dict[str, str] = {}
    for argument in wrapper.arguments:
        parameter = argument.parameter
        derived = None if argument.is_plain else _derived(call, wrapper, argument)
        if derived is not None:
            # What arithmetic is done with is checked as C does when the function is called.
            for name in sorted(names_in(argument.expression) & given.keys()):
                if not given[name].ctype.is_pointer:
                    checked[name] = _convert(given[name], packed=packed)
            passed.append((parameter.name, derived))
            continue
        mine = _parameter(_promised(parameter, given.get(parameter.name)), packed=packed)
        if parameter.name not in given:
            # Only C can work this out (a string's length): Python callers say it themselves.
            explicit.append(mine)
        passed.append((parameter.name, mine["convert"]))
    described = [_parameter(parameter, packed=packed) for parameter in wrapper.parameters]
    signature = [f"{p['name']}: {p['annotation']}" for p in described]
    if explicit:
        signature += ["*", *(f"{p['name']}: {p['annotation']}" for p in explicit)]
    if call.returns_twice:
        passed = [
            (argument.parameter.name, _for_a_child(call, argument.parameter, value))
            for argument, (_, value) in zip(wrapper.arguments, passed, strict=True)
        ]
    return {
        "name": wrapper.name,
        "signature": signature,
        "checked": checked,
        "passed": passed,
        "c": _c_line(declare_user(wrapper.returns, wrapper.name), [p["c"] for p in described]),
        "wide": {a.parameter.name for a in wrapper.arguments if a.parameter.is_wide},
        "unsigned": _unsigned(wrapper.returns),
        "keeps": any(", _keep" in convert for _, convert in passed),
        "size": call.packed.versions[wrapper.struct_version].size_bytes
        if call.packed and wrapper.struct_version is not None
        else None,
    }


def _unsigned(ctype: CType) -> str:
    """What makes an unsigned result, or an address, of the kernel's long; empty for others."""
    if ctype.scalar and ctype.scalar.signed:
        return ""
    bits = ctype.scalar.bits if ctype.scalar else None
    return f" & ((1 << {bits or '_LONG_BITS'}) - 1)"


def _promised(parameter: Parameter, given: Parameter | None) -> Parameter:
    """The kernel's parameter; what the user's prototype calls const is not written to either."""
    if given is None or given.ctype.is_written or not parameter.ctype.is_pointer:
        return parameter
    return replace(parameter, ctype=given.ctype)


def _for_a_child(call: Call, parameter: Parameter, value: str) -> str:
    """Look at what a call that returns twice is given, where that is clone(2)'s or clone3(2)'s."""
    if parameter.ctype.is_pointer:
        is_args = parameter.ctype.base == "struct clone_args" and not call.packed
        return value.replace("_pointer(", "_clone_args(") if is_args else value
    # A declaration that has flags of its own means those.
    if parameter.name in ("flags", "clone_flags") and not call.shared.flags:
        return f"_checked({value})"
    return value


def _derived(call: Call, wrapper: Wrapper, argument: Argument) -> str | None:
    """What a parameter gets that is not just the user's argument; None if only C knows."""
    target = argument.parameter.ctype
    pointers = {p.name for p in wrapper.parameters if p.ctype.is_pointer}
    named = _pointer_name(argument.expression)
    if named in pointers or (named == "NULL" and target.is_pointer):
        value = "None" if named == "NULL" else named
        known = next((p for p in wrapper.parameters if p.name == named), argument.parameter)
        if not target.is_pointer and not (argument.parameter.is_long or argument.parameter.is_wide):
            return None  # an address that is cut off
        return _pointer(value, known.ctype, packed=call.packed is not None)
    return python_text(
        argument.expression,
        partial(scope_of, constants=call.shared.flags, arguments=wrapper.parameters),
        CType("unsigned long") if target.is_pointer else target,
    )


def _pointer_name(expression: Expression) -> str:
    """The name that an expression is, whatever pointer or number it is cast to."""
    while isinstance(expression, Cast):
        base = expression.ctype.base
        if not expression.ctype.is_pointer and SCALARS[base].bits is not None:
            return ""
        expression = expression.operand
    return expression.name if isinstance(expression, Name) else ""


def _ctype(type_name: str, array: str | None = None) -> str:
    scalar = SCALARS.get(type_name)
    if scalar is None:
        base = class_name(type_name.removeprefix("struct "))
    elif type_name == "char":
        base = "ctypes.c_char"  # text, whatever sign its characters have
    else:
        base = f"ctypes.c_{'' if scalar.signed else 'u'}int{scalar.bits}"
    return f"{base} * {array}" if array else base


def _struct(struct: Struct) -> _Struct:
    fields = [(f.name, _ctype(f.ctype.base, f.ctype.array)) for f in struct.fields]
    return class_name(struct.name), struct.name, fields


EMITTER = Emitter("python", "Python module by the C core or ctypes: typed, OSError", _emit)
