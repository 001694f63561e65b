"""NAME.h: the wrappers over libc, in the user's order, with errno."""

from __future__ import annotations

from syscraft.abi.abi import Abi
from syscraft.declaration.ctype import CType
from syscraft.emit import user_c
from syscraft.emit.base import Emitter, Files, fill
from syscraft.emit.children import returns_twice, what_the_child_may_do
from syscraft.emit.ctext_layout import argument_list
from syscraft.emit.expression_c import c_text
from syscraft.model.call import Argument, Call, Wrapper
from syscraft.model.expression import Cast, Integer, Name, explicit, names_in
from syscraft.model.types import declare_user, spell_user


def _emit(call: Call, number: int, abis: tuple[Abi, ...]) -> Files:
    if call.starts_function:
        declared, names = user_c.function_shape(call)
        text = fill(
            "clone_header.h.j2",
            call=call,
            about=what_the_child_may_do(call),
            prototype=argument_list(f"static inline int {call.name}(", declared, ")"),
            forward=argument_list(f"\tlong ret = {call.name}_call_raw(", names, ");"),
            errors=user_c.errors(call),
        )
        return {f"{call.name}.h": text}
    text = fill(
        "header.h.j2",
        call=call,
        libc_headers=["string.h"] if call.packed else [],
        wrappers=[_wrapper(call, wrapper) for wrapper in call.wrappers],
        about_child=[returns_twice(call), what_the_child_may_do(call)]
        if call.returns_twice
        else [],
        errors=user_c.errors(call),
    )
    return {f"{call.name}.h": text}


def _wrapper(call: Call, wrapper: Wrapper) -> dict[str, object]:
    head = declare_user(wrapper.returns, wrapper.name)
    parameters = user_c.declared(wrapper.parameters) or ["void"]
    args, ret = (user_c.free_name(name, wrapper) for name in ("args", "ret"))
    if call.packed:
        assert wrapper.struct_version is not None
        passed = [f"&{args}", call.packed.size_constant(wrapper.struct_version)]
    else:
        pointers = frozenset(("NULL", *(p.name for p in wrapper.parameters if p.ctype.is_pointer)))
        passed = [_as_kernel_type(argument, pointers) for argument in wrapper.arguments]
    returns = spell_user(wrapper.returns)
    return {
        "args": args,
        "ret": ret,
        "name": wrapper.name,
        "prototype": argument_list(f"static inline {head}(", parameters, ")"),
        "enter_prototype": argument_list(f"long {wrapper.name}_enter(", parameters, ")"),
        "return_prototype": declare_user(wrapper.returns, f"{wrapper.name}_return(long ret)"),
        "fields": [(a.parameter.name, user_c.as_field(a)) for a in wrapper.arguments],
        "call": argument_list(
            f"\t{'' if call.packed else 'long '}{ret} = {call.name}_raw(", passed, ");"
        ),
        "enter": argument_list(f"\treturn {call.name}_raw(", passed, ");"),
        "cast": "" if returns == "long" else f"({returns})",
        "minus_one": f"({returns})-1" if wrapper.returns.is_pointer else "-1",
    }


def _as_kernel_type(argument: Argument, pointers: frozenset[str]) -> str:
    """What the raw function is given: cast where the user's type is another one.

    Args:
        pointers: the user's arguments that are pointers, and the macro that is one.
    """
    expression, ctype = argument.expression, argument.parameter.ctype
    is_number = isinstance(expression, Integer) and expression.spelling.isdigit()
    if argument.is_plain or (is_number and not ctype.is_pointer):
        return c_text(expression)
    is_pointer = isinstance(expression, Name) and expression.name in pointers
    if ctype.is_pointer and names_in(expression) and not is_pointer:
        # Compilers warn of a pointer that is made of a narrower number.
        expression = Cast(CType("unsigned long"), expression)
    return c_text(explicit(Cast(ctype, expression)))


EMITTER = Emitter("header", "C header over libc: the user's order, errno", _emit)
