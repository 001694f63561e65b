"""What the user-space C emitters share: parameters, casts, the guarded definitions."""

from __future__ import annotations

from syscraft.abi.base import Abi
from syscraft.declaration.scalars import SCALARS
from syscraft.emit.base import fill
from syscraft.emit.kernel import packed_struct
from syscraft.model.call import Argument, Call, Parameter
from syscraft.model.names import IDENTIFIER, KNOWN_STRUCTS
from syscraft.model.types import declare_user


def declared(parameters: tuple[Parameter, ...]) -> list[str]:
    """Declare parameters as user space spells them."""
    return [declare_user(parameter.ctype, parameter.name) for parameter in parameters]


def as_long(parameter: Parameter, expression: str, *, always: bool = False) -> str:
    """Widen what goes into a register; *always* also where the type is as wide."""
    wide = parameter.ctype.is_pointer or (
        parameter.ctype.base in SCALARS and SCALARS[parameter.ctype.base].bits is None
    )
    if wide and not always and IDENTIFIER.match(expression):
        return expression
    if not IDENTIFIER.match(expression) and not expression.isdigit():
        expression = f"({expression})"
    return f"(long){expression}"


def as_field(argument: Argument) -> str:
    """What a packed struct's field is set to."""
    expression = argument.expression
    if argument.parameter.ctype.is_pointer:
        if not IDENTIFIER.match(expression):
            expression = f"({expression})"
        return f"(unsigned long){expression}"
    return expression


def definitions(call: Call, number: int, abis: tuple[Abi, ...]) -> str:
    """Numbers, constants and structs; the same text in every header, guarded against itself."""
    return fill(
        "definitions.h.j2",
        call=call,
        numbers=[(abi.macro, abi.number(number)) for abi in abis],
        packed=packed_struct(call, call.packed) if call.packed else None,
    )


def headers(call: Call) -> list[str]:
    """The uapi headers that the call's types come from."""
    used = {
        KNOWN_STRUCTS[parameter.ctype.base]
        for parameter in _all_parameters(call)
        if parameter.ctype.base in KNOWN_STRUCTS
    }
    return sorted({"linux/types.h", *used, *call.includes})


def libc_type_headers(call: Call) -> list[str]:
    """The libc headers that bring ``pid_t``, ``size_t`` and the like."""
    names = {parameter.ctype.base for parameter in _all_parameters(call)} | {
        wrapper.returns.base for wrapper in call.wrappers
    }
    found = set()
    if any(name.endswith("_t") for name in names):
        found.add("sys/types.h")
    if any(name.startswith(("int", "uint")) and name.endswith("_t") for name in names):
        found.add("stdint.h")
    if "_Bool" in names or "bool" in names:
        found.add("stdbool.h")
    return sorted(found)


def _all_parameters(call: Call) -> list[Parameter]:
    lists = [call.parameters, *(wrapper.parameters for wrapper in call.wrappers)]
    return [parameter for parameters in lists for parameter in parameters]


def errors(call: Call) -> list[tuple[str, str]]:
    """Every error with its meaning, the one of a missing call last."""
    told = [(error.errno, f"{error.when.rstrip('.')}.") for error in call.errors]
    return [*told, (call.missing, "this kernel or this ABI does not have the call.")]
