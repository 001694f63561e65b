"""clone(2) as a starting point: its parameters and the orders they come in.

Source: SYSCALL_DEFINE(clone) in kernel/fork.c, Linux 6.12.
"""

from __future__ import annotations

from syscraft.abi.clone_order import CloneOrder
from syscraft.declaration.ctype import CType
from syscraft.model.call import KernelSignature, Parameter

_UNSIGNED_LONG = CType("unsigned long")
_TID_POINTER = CType("int", 1, user=True)

PARAMETERS = {
    "flags": Parameter("clone_flags", _UNSIGNED_LONG),
    "stack": Parameter("newsp", _UNSIGNED_LONG),
    "stack_size": Parameter("stack_size", CType("int")),
    "ptid": Parameter("parent_tidptr", _TID_POINTER),
    "ctid": Parameter("child_tidptr", _TID_POINTER),
    "tls": Parameter("tls", _UNSIGNED_LONG),
}

# What a variant with a struct has in it, in front of the extras. The kernel's own struct
# clone_args wants the stack's lowest address and its size; here, as with clone(2), it is where
# the child starts. Source: struct clone_args, include/uapi/linux/sched.h, Linux 6.12
PACKED = {
    "flags": Parameter("flags", CType("u64")),
    "stack": Parameter("stack", _UNSIGNED_LONG),
    "ptid": Parameter("parent_tid", _TID_POINTER),
    "ctid": Parameter("child_tid", _TID_POINTER),
    "tls": Parameter("tls", _UNSIGNED_LONG),
}

# What do_NAME takes in front of the extras.
BODY_ARGUMENTS = Parameter("args", CType("struct kernel_clone_args", 1))


def signatures(extras: tuple[Parameter, ...]) -> tuple[KernelSignature, ...]:
    """The parameter lists of a clone variant, one per order."""
    known = {**PARAMETERS, **{extra.name: extra for extra in extras}}
    names = tuple(extra.name for extra in extras)
    return tuple(
        KernelSignature(order.condition, tuple(known[name] for name in order.parameters(names)))
        for order in CloneOrder
    )
