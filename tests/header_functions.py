"""Which functions the headers of a call define."""

from __future__ import annotations

from syscraft.model.call import Call


def wrapper_functions(call: Call) -> list[str]:
    """What the headers define for programs, besides the raw call."""
    if call.starts_function:
        return [call.name, f"{call.name}_call_raw"]
    names = [wrapper.name for wrapper in call.wrappers]
    if call.may_share_memory:  # the wrapper is a macro
        return [f"{name}_{word}" for name in names for word in ("enter", "return")]
    return names
