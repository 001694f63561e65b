"""What the user-space C emitters share: parameters, casts, the guarded definitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from syscraft.abi.abi import Abi
from syscraft.abi.layout import Part, places
from syscraft.declaration.ctype import CType
from syscraft.emit.base import fill
from syscraft.emit.expression_c import as_macro, as_operand, c_text
from syscraft.emit.layouts import layout_assertions
from syscraft.emit.packed_struct import packed_struct
from syscraft.model.call import Argument, Call, Parameter, Wrapper
from syscraft.model.expression import Cast, Integer, Name, explicit, types_in
from syscraft.model.names import KNOWN_STRUCTS
from syscraft.model.types import declare_user


def declared(parameters: tuple[Parameter, ...]) -> list[str]:
    """Declare parameters as user space spells them."""
    return [declare_user(parameter.ctype, parameter.name) for parameter in parameters]


def free_name(name: str, wrapper: Wrapper) -> str:
    """A name for a local variable that no parameter has."""
    taken = {parameter.name for parameter in wrapper.parameters}
    while name in taken:
        name += "_"
    return name


def function_shape(call: Call) -> tuple[list[str], list[str]]:
    """What starts a function in a child takes, in libc's order: declared, and the names.

    Source: clone(2); __clone3() in include/clone_internal.h, glibc 2.36
    """
    extras = call.added
    added, names = declared(extras), [extra.name for extra in extras]
    if call.is_clone3:
        uargs, size = call.parameters[:2]
        return (
            [f"const struct clone_args *{uargs.name}", f"size_t {size.name}",
             "int (*fn)(void *)", "void *arg", *added],
            [uargs.name, size.name, "fn", "arg", *names],
        )  # fmt: skip
    return (
        ["int (*fn)(void *)", "void *stack", "int flags", "void *arg", *added, "int *ptid",
         "void *tls", "int *ctid"],
        ["fn", "stack", "flags", "arg", *names, "ptid", "tls", "ctid"],
    )  # fmt: skip


def as_register(parameter: Parameter) -> str:
    """Widen a parameter to what goes into a register, as the kernel widens it back.

    SYSCALL_UNSIGNED() keeps addresses whole where registers are wider than ``long``.
    """
    if parameter.is_wide:
        return f"(long long){parameter.name}"
    scalar = parameter.ctype.scalar
    if scalar and scalar.signed:
        return f"(long){parameter.name}" if scalar.bits else parameter.name
    return f"SYSCALL_UNSIGNED({parameter.name})"


def register_values(parameters: tuple[Parameter, ...], abi: Abi) -> list[str]:
    """C expressions for the argument registers, in order; 64-bit values in halves where needed."""
    laid_out = places(abi.pairs, [parameter.is_wide for parameter in parameters])
    return [
        in_register(
            place.part, parameters[place.argument].name, as_register(parameters[place.argument])
        )
        for place in laid_out
    ]


def in_register(part: Part, expression: str, whole: str) -> str:
    """What one register gets of an argument: *whole*, or a half of *expression*."""
    match part:
        case Part.WHOLE:
            return whole
        case Part.UNUSED:
            return "0"
        case Part.FIRST | Part.SECOND:
            return f"SYSCALL_{part.name}({expression})"


def cast(argument: Argument, ctype: str) -> str:
    """Cast what a wrapper passes for a parameter."""
    if ctype == "bool":
        return c_text(explicit(Cast(CType(ctype), argument.expression)))
    return f"({ctype}){as_operand(argument.expression)}"


def choices(statements: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """Order alternatives for ``#if``: a condition and a statement each, the commonest one last.

    Args:
        statements: a statement -> the macros of the ABIs that it is for.
    """
    ordered = sorted(statements.items(), key=lambda item: len(item[1]))
    return [(_any_of(macros), statement) for statement, macros in ordered]


def _any_of(macros: Sequence[str]) -> str:
    """A preprocessor condition that is true for any of *macros*."""
    if len(macros) == 1:
        return macros[0]
    return " || \\\n\t".join(f"({macro})" for macro in macros)


def as_field(argument: Argument) -> str:
    """What a packed struct's field is set to."""
    expression, ctype = argument.expression, argument.parameter.ctype
    if ctype.is_pointer:
        return cast(argument, "unsigned long")
    if isinstance(expression, Integer):
        return c_text(expression)
    if not argument.is_plain:
        # A field of a long is wider than it, which cuts a value off first on ABIs of 32 bits.
        expression = explicit(Cast(ctype, expression))
    scalar = ctype.scalar
    is_signed = scalar and (scalar.signed or (scalar.is_long and not argument.is_plain))
    if scalar and is_signed and scalar.field_type == "__aligned_u64":
        # For -Wsign-conversion: gcc looks at what is behind a cast to an unsigned long, too.
        expression = Cast(CType("__u64"), expression)
    return c_text(expression)


def field_value(parameter: Parameter) -> str:
    """What a packed struct's field is set to from the parameter of this name."""
    return as_field(Argument(parameter, Name(parameter.name), is_plain=True))


def definitions(call: Call, number: int) -> str:
    """The number, constants and structs; the same text in every header, guarded against itself."""
    return fill(
        "definitions.h.j2",
        call=call,
        shared=call.shared,
        number=number,
        as_macro=as_macro,
        packed=[packed_struct(packed) for packed in call.shared.packed],
        layouts=layout_assertions(
            call.shared.structs, f"{call.shared.name.upper()}_ASSERT", "__builtin_offsetof"
        ),
    )


def headers(call: Call) -> list[str]:
    """The uapi headers that the call's types come from."""
    used = {
        KNOWN_STRUCTS[parameter.ctype.base]
        for parameter in _all_parameters(call)
        if parameter.ctype.base in KNOWN_STRUCTS
    }
    return sorted({"linux/types.h", *used, *call.shared.includes})


def libc_type_headers(call: Call) -> list[str]:
    """The libc headers that bring ``pid_t``, ``size_t`` and the like."""
    names = {parameter.ctype.base for parameter in _all_parameters(call)} | {
        wrapper.returns.base for wrapper in call.wrappers
    }
    for wrapper in call.wrappers:
        names = names.union(*(types_in(argument.expression) for argument in wrapper.arguments))
    names = names.union(*(types_in(flag.value) for flag in call.shared.flags))
    found = set()
    fixed = {name for name in names if name.startswith(("int", "uint")) and name.endswith("_t")}
    if fixed:
        found.add("stdint.h")
    if "size_t" in names:  # compilers bring it where there is no libc
        found.add("stddef.h")
    if any(name.endswith("_t") for name in names - fixed - {"size_t"}):
        found.add("sys/types.h")
    if "bool" in names:
        found.add("stdbool.h")
    return sorted(found)


def _all_parameters(call: Call) -> list[Parameter]:
    lists = [call.parameters, *(wrapper.parameters for wrapper in call.wrappers)]
    return [parameter for parameters in lists for parameter in parameters]


def errors(call: Call) -> list[tuple[str, str]]:
    """Every error with its meaning, the one of a missing call last."""
    told = [(error.errno, f"{error.when.rstrip('.')}.") for error in call.errors]
    return [*told, (call.missing, "this kernel or this ABI does not have the call.")]
