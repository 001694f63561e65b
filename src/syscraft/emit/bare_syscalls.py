"""bare_syscalls.h: syscall0 to syscall6 as inline assembly, without libc."""

from __future__ import annotations

from functools import partial

from syscraft.abi.abi import Abi
from syscraft.abi.trap import Trap
from syscraft.emit.base import Emitter, Files, fill, fill_text
from syscraft.emit.ctext_layout import argument_list
from syscraft.emit.operands import Bound, bind, statement
from syscraft.model.call import Call

_ARITIES = range(7)
_TEMPLATE = "traps.c.j2"


def _emit(call: Call, number: int, abis: tuple[Abi, ...]) -> Files:
    blocks = [(abi.macro, abi_traps(abi)) for abi in abis]
    return {"bare_syscalls.h": fill("bare_syscalls.h.j2", blocks=blocks, arities=_ARITIES)}


def abi_traps(abi: Abi) -> str:
    """Write the functions of one ABI."""

    def signature(prefix: str, arity: int) -> str:
        names = ["number", *(f"arg{n}" for n in range(1, arity + 1))]
        # A child that shares the caller's memory must not return from a frame of ours.
        head = f"long {prefix}{arity}("
        inline = "static inline __attribute__((__always_inline__))\n"
        return inline + argument_list(head, [f"{abi.register_type} {name}" for name in names], ")")

    def bound(trap: Trap, arity: int) -> Bound:
        return bind(abi, trap, "number", [f"arg{n}" for n in range(1, arity + 1)])

    own = abi.template("bare_syscalls.c.j2")
    render = partial(fill, _TEMPLATE) if own is None else partial(fill_text, own)
    return render(
        abi=abi,
        arities=_ARITIES,
        number=partial(_number, abi),
        signature=signature,
        bind=bound,
        statement=statement,
    )


def _number(abi: Abi, common: str) -> str:
    """A C expression for the number that programs pass."""
    offset = abi.number(0)
    if not offset:
        return common
    return f"({hex(offset) if offset > 0xFFFF else offset} + {common})"


EMITTER = Emitter("bare-syscalls", "C header with syscall0..6 in inline assembly, no libc", _emit)
