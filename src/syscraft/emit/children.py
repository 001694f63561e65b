"""What headers and manual pages say of calls that return in a child too."""

from __future__ import annotations

from syscraft.model.call import Call

# A smaller stack would not hold what the wrappers of all ABIs put on it before fn runs.
SMALLEST_STACK = 4096

_ENDS = "The child ends by exit(2) with what fn returns; an exception that leaves fn aborts it."
_ON_STACK = f"that runs on stack, which points behind the memory set aside for it. {_ENDS}"
_ON_STRUCTS_STACK = (
    "that runs on the stack of {uargs}, which has to have one, of "
    f"{SMALLEST_STACK} bytes or more. {_ENDS} A child that goes on with a copy of the parent's "
    "stack is made by {name}_raw()."
)

_TWICE = "Returns twice, like {like}(2): the child's ID in the parent, 0 in the child."
_COPY = (
    "The child has a copy of the parent's memory, and of its threads only the one that called: "
    "if there were more, it may call nothing but async-signal-safe functions before execve(2)."
)
_SHARED = (
    "The child runs in the parent's memory and on its stack, and the parent waits for it: the "
    "child may do nothing but call execve(2) or _exit(2). It must not return from the function "
    "that called {name}(), nor change variables."
)
_PERHAPS_SHARED = (
    "A child that shares the parent's memory may do nothing but call execve(2) or _exit(2), as "
    "after vfork(2): it must not return from the function that called {name}(), nor change "
    "variables."
)


def what_the_child_may_do(call: Call) -> str:
    """What becomes of the child of a call that returns twice, in sentences; empty for others."""
    if call.starts_function:
        where = _ON_STRUCTS_STACK if call.is_clone3 else _ON_STACK
        uargs = call.parameters[0].name
        return f"Calls fn(arg) in a child {where.format(name=call.name, uargs=uargs)}"
    if not call.returns_twice:
        return ""
    if call.like == "fork":
        return _COPY
    shared = _SHARED if call.like == "vfork" else _PERHAPS_SHARED
    return shared.format(name=call.name)


def returns_twice(call: Call) -> str:
    """What a wrapper that returns twice returns, in a sentence."""
    return _TWICE.format(like="vfork" if call.like == "vfork" else "fork")
