"""NAME_raw.h: the call without libc, in the kernel's order, -errno as it comes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from syscraft.abi.abi import Abi
from syscraft.emit import user_c
from syscraft.emit.base import Emitter, Files, fill, fill_text
from syscraft.emit.children import SMALLEST_STACK, returns_twice, what_the_child_may_do
from syscraft.emit.ctext_layout import argument_list
from syscraft.emit.operands import bind, statement
from syscraft.model import clone
from syscraft.model.call import Call, PackedStruct

_FORK_NOTE = (
    "Like fork(2): returns in the parent and in the child. With a stack of its own the child "
    "must not return from the function that called this one; with CLONE_VM it must not even "
    "touch the caller's variables. "
)
_ORDER_NOTE = "stack and tls are addresses; the order of the arguments is the same on every ABI."
_STRUCT_NOTE = (
    "The struct's stack is where the child's stack pointer starts; 0 is the caller's own."
)
_CLONE3_NOTE = "A child with a stack of its own finds nothing on it: see {name}_call_raw()."
_TWICE_NOTE = (
    "In C, {name}() is what a child that shares memory can be made with: the compiler does not "
    "know that this one returns twice."
)

_PACKED = ("SYSCALL_UNSIGNED(uargs)", "SYSCALL_UNSIGNED(usize)")

# Canonical clone argument -> its C expression; on a new stack, its aligned start is sp.
_ON_NEW_STACK = {"flags": "(unsigned int)flags", "stack": "sp"}
_PLACES = {"ptid": "ptid", "ctid": "ctid", "tls": "tls"}


def _emit(call: Call, number: int, abis: tuple[Abi, ...]) -> Files:
    shared = user_c.definitions(call, number)
    headers = user_c.headers(call)
    libc_headers = user_c.libc_type_headers(call)
    body = _function_shaped(call, abis) if call.starts_function else _plain(call, abis)
    text = fill(
        "raw_header.h.j2",
        call=call,
        definitions=shared,
        headers=sorted({*headers, "asm/errno.h"}),
        libc_headers=libc_headers,
        body=body,
    )
    return {f"{call.name}_raw.h": text}


def _plain(call: Call, abis: tuple[Abi, ...]) -> str:
    if call.packed:
        declared, names = _packed_parameters(call.packed)
    else:
        declared = user_c.declared(call.parameters)
        names = [parameter.name for parameter in call.parameters]
    trap = "fork_syscall" if call.returns_twice else "syscall"
    # A child must not return from a frame of ours, which it may share with the parent.
    head = "" if call.returns_twice else "static inline "
    statements: dict[str, list[str]] = {}
    for abi in abis:
        values = _PACKED if call.packed else user_c.register_values(call.parameters, abi)
        statements.setdefault(_return(trap, call, values), []).append(abi.macro)
    return fill(
        "raw_plain.h.j2",
        call=call,
        names=names,
        fork_note=_plain_note(call),
        prototype=argument_list(f"{head}long {call.name}_raw(", declared or ["void"], ")"),
        traps=user_c.choices(statements),
    )


def _plain_note(call: Call) -> list[str]:
    """The paragraphs of a comment on a function that returns twice."""
    if not call.returns_twice:
        return []
    notes = [returns_twice(call), what_the_child_may_do(call)]
    return [*notes, _TWICE_NOTE.format(name=call.name)] if call.may_share_memory else notes


def _function_shaped(call: Call, abis: tuple[Abi, ...]) -> str:
    call_declared, call_names = user_c.function_shape(call)
    prototype = argument_list(f"static inline long {call.name}_call_raw(", call_declared, ")")
    extras = tuple(extra.name for extra in call.clone_extras)
    note = _FORK_NOTE + (_STRUCT_NOTE if call.packed else _ORDER_NOTE)
    if call.is_clone3:
        declared = user_c.declared(call.parameters)
        names = [parameter.name for parameter in call.parameters]
        note = _FORK_NOTE + _CLONE3_NOTE.format(name=call.name)
    elif call.packed:
        declared, names = _packed_parameters(call.packed)
    else:
        declared = ["unsigned long flags", "void *stack", "int *ptid", "int *ctid",
                    "unsigned long tls", *user_c.declared(call.clone_extras)]  # fmt: skip
        names = ["flags", "stack", "ptid", "ctid", "tls", *extras]
    return fill(
        "raw_clone.h.j2",
        call=call,
        NAME=call.name.upper(),
        fork_note=note,
        smallest_stack=SMALLEST_STACK,
        prototype=argument_list(f"long {call.name}_raw(", declared, ")"),
        traps=_fork_like(call, abis),
        names=names,
        call_prototype=prototype,
        call_names=call_names,
        switches=[(abi.macro, stack_switch(call, abi, prototype)) for abi in abis],
    )  # fmt: skip


def _packed_parameters(packed: PackedStruct) -> tuple[list[str], list[str]]:
    """The parameters of a raw function that takes a struct: declared, and their names."""
    return [f"struct {packed.name} *uargs", "unsigned long usize"], ["uargs", "usize"]


def _fork_like(call: Call, abis: tuple[Abi, ...]) -> list[tuple[str, str]]:
    """The call that returns twice: a condition and the statement, one for each order."""
    statements: dict[str, list[str]] = {}
    for abi in abis:
        values: Sequence[str] = _PACKED
        if call.is_clone3:
            values = user_c.register_values(call.parameters, abi)
        elif not call.packed:
            values = _clone_values(
                call, abi, stack=_childs_stack(abi), flags="SYSCALL_UNSIGNED(flags)"
            )
        statements.setdefault(_return("fork_syscall", call, values), []).append(abi.macro)
    return user_c.choices(statements)


def _childs_stack(abi: Abi) -> str:
    """Where a child's stack starts, when the trap gives some of it back behind itself."""
    stack = "SYSCALL_UNSIGNED(stack)"
    given_back = abi.traps[-1][1].stack_bytes
    return f"{stack} - (stack ? {given_back} : 0)" if given_back else stack


def _return(trap: str, call: Call, values: Sequence[str]) -> str:
    head = f"\treturn {trap}{len(values)}("
    return argument_list(head, [f"__NR_{call.name}", *values], ");")


def _clone_values(call: Call, abi: Abi, *, stack: str, flags: str) -> list[str]:
    """C expressions of a clone variant's arguments, in the kernel's order."""
    known = {
        "flags": flags,
        "stack": stack,
        "stack_size": "0",
        **{name: f"SYSCALL_UNSIGNED({text})" for name, text in _PLACES.items()},
        **{extra.name: user_c.as_register(extra) for extra in call.clone_extras},
    }
    extras = tuple(extra.name for extra in call.clone_extras)
    return [known[name] for name in abi.clone_order.parameters(extras)]


def _clone_fields(call: Call) -> list[tuple[str, str]]:
    """What goes into the struct of a clone variant that has one: field, C expression."""
    addresses = {"stack": _ON_NEW_STACK["stack"], **_PLACES}
    known = {
        "flags": _ON_NEW_STACK["flags"],
        **{name: f"(unsigned long){text}" for name, text in addresses.items()},
    }
    own = [(clone.PACKED[name].name, value) for name, value in known.items()]
    return own + [(extra.name, user_c.field_value(extra)) for extra in call.clone_extras]


def stack_switch(call: Call, abi: Abi, prototype: str) -> str:
    """Write the clone family's function that starts the child on a stack of its own."""
    template = abi.template("clone.c.j2")
    assert template is not None, f"{abi.key} has no stack switch"
    fields: list[tuple[str, str]] = []
    if call.packed:
        values = ["SYSCALL_UNSIGNED(&args)", "SYSCALL_UNSIGNED(sizeof(args))"]
        fields = _clone_fields(call)
    elif call.is_clone3:
        values = ["SYSCALL_UNSIGNED(&args)", "SYSCALL_UNSIGNED(known)"]
        values += [user_c.as_register(extra) for extra in call.added]
    else:
        on_stack = {name: f"SYSCALL_UNSIGNED({text})" for name, text in _ON_NEW_STACK.items()}
        values = _clone_values(call, abi, **on_stack)
    return fill_text(
        template,
        abi=abi,
        name=call.name,
        NAME=call.name.upper(),
        call_prototype=prototype,
        traps=[
            (condition, bind(abi, trap, f"__NR_{call.name}", values))
            for condition, trap in abi.traps
        ],
        values=values,
        fields=fields,
        rebind=partial(bind, abi, abi.traps[-1][1]),
        packed=call.packed,
        clone3=call.is_clone3,
        uargs=call.parameters[0].name,
        size=call.parameters[1].name if call.is_clone3 else "",
        statement=statement,
    )


EMITTER = Emitter("raw-header", "C header without libc: the kernel's order, -errno", _emit)
