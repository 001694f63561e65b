"""The text of an architecture's own entry code for a call that returns in a child too."""

from __future__ import annotations

from syscraft.abi.abi import Abi
from syscraft.abi.clone_order import CloneOrder
from syscraft.abi.fork_entry import Addition, ForkEntry
from syscraft.emit.base import fill_text
from syscraft.model.call import Call, KernelSignature, Parameter


def addition_text(abi: Abi, entry: ForkEntry, addition: Addition, call: Call) -> str:
    """Fill in the template of *addition*.

    Templates know ``name``; ``parameters``, as C declares them, of the generic code's
    function; ``arguments``, what it gets of ``registers``; and ``structs``, their declarations.
    """
    template = abi.template(addition.template)
    assert template is not None, f"{abi.key} lacks {addition.template}"
    called = _signature(call, entry.order or abi.clone_order)
    passed = [p.name for p in _signature(call, abi.clone_order).parameters]
    arguments = [
        _cast(p, entry.registers[passed.index(p.name)]) if entry.registers else p.name
        for p in called.parameters
    ]
    structs = {p.ctype.base for p in called.parameters if p.ctype.base.startswith("struct ")}
    return fill_text(
        template,
        name=call.name,
        parameters=[p.ctype.declare(p.name, kernel=True) for p in called.parameters] or ["void"],
        arguments=arguments,
        structs=[f"{struct};" for struct in sorted(structs)],
    )


def _signature(call: Call, order: CloneOrder) -> KernelSignature:
    """The parameters in the order that a kernel with *order* has them."""
    by_condition = {signature.condition: signature for signature in call.signatures}
    return by_condition.get(order.condition) or by_condition[None]


def _cast(parameter: Parameter, register: str) -> str:
    if parameter.ctype.base == "unsigned long" and not parameter.ctype.is_pointer:
        return register
    return f"({parameter.ctype.spell(kernel=True)}){register}"
