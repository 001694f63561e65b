"""NAME_raw.h: the call without libc, in the kernel's order, -errno as it comes."""

from __future__ import annotations

from syscraft.abi.base import Abi, CloneOrder
from syscraft.emit import user_c
from syscraft.emit.base import Emitter, Files, fill, fill_text
from syscraft.emit.ctext_layout import argument_list
from syscraft.model.call import Call

# Canonical clone argument -> its C expression in the fork-like wrapper.
_FORK_LIKE = {
    "flags": "(long)flags",
    "stack": "(long)stack",
    "stack_size": "0",
    "ptid": "(long)ptid",
    "ctid": "(long)ctid",
    "tls": "(long)tls",
}


def _emit(call: Call, number: int, abis: tuple[Abi, ...]) -> Files:
    shared = user_c.definitions(call, number, abis)
    headers = user_c.headers(call)
    libc_headers = user_c.libc_type_headers(call)
    body = _clone(call, abis) if call.is_clone else _plain(call)
    text = fill(
        "raw_header.h.j2",
        call=call,
        definitions=shared,
        headers=sorted({*headers, "asm/errno.h"}),
        libc_headers=libc_headers,
        body=body,
    )
    return {f"{call.name}_raw.h": text}


def _plain(call: Call) -> str:
    if call.packed:
        parameters = [f"struct {call.packed.name} *uargs", "unsigned long usize"]
        names = ["uargs", "usize"]
    else:
        parameters = user_c.declared(call.parameters)
        names = [parameter.name for parameter in call.parameters]
    passed = [f"__NR_{call.name}", *(f"(long){name}" for name in names)]
    return fill(
        "raw_plain.h.j2",
        call=call,
        names=names,
        prototype=argument_list(
            f"static inline long {call.name}_raw(", parameters or ["void"], ")"
        ),
        trap=argument_list(f"\treturn syscall{len(names)}(", passed, ");"),
    )


def _clone(call: Call, abis: tuple[Abi, ...]) -> str:
    extras = tuple(extra.name for extra in call.clone_extras)
    extra_declarations = user_c.declared(call.clone_extras)
    known = {**_FORK_LIKE, **{name: f"(long){name}" for name in extras}}
    orders: dict[CloneOrder, list[str]] = {}
    for abi in abis:
        orders.setdefault(abi.clone_order, []).append(abi.macro)
    traps = []
    for order, conditions in orders.items():
        passed = [known[name] for name in order.parameters(extras)]
        head = f"\treturn syscall{len(passed)}("
        traps.append(
            (
                " || ".join(f"({c})" if len(conditions) > 1 else c for c in conditions),
                argument_list(head, [f"__NR_{call.name}", *passed], ");"),
            )
        )
    prototype = argument_list(
        f"static inline long {call.name}_call_raw(",
        ["int (*fn)(void *)", "void *stack", "int flags", "void *arg", *extra_declarations,
         "int *ptid", "void *tls", "int *ctid"],
        ")",
    )  # fmt: skip
    switches = [
        (
            abi.macro,
            fill_text(
                abi.template("clone.c.j2"),
                name=call.name,
                NAME=call.name.upper(),
                call_prototype=prototype,
                arguments=abi.clone_order.parameters(extras),
            ),
        )
        for abi in abis
    ]
    return fill(
        "raw_clone.h.j2",
        call=call,
        prototype=argument_list(
            f"long {call.name}_raw(",
            ["unsigned long flags", "void *stack", "int *ptid", "int *ctid", "unsigned long tls",
             *extra_declarations],
            ")",
        ),
        traps=traps,
        names=["flags", "stack", "ptid", "ctid", "tls", *extras],
        call_prototype=prototype,
        call_names=["fn", "stack", "flags", "arg", *extras, "ptid", "tls", "ctid"],
        switches=switches,
    )  # fmt: skip


EMITTER = Emitter("raw-header", "C header without libc: the kernel's order, -errno", _emit)
