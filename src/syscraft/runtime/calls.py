"""Every system call of this program's ABI, as a function with the kernel's parameter names.

``calls.openat2(...)``; ``help(calls.openat2)`` shows the C types. A call that this ABI or the
running kernel lacks raises ``OSError`` with ``ENOSYS`` when it is called. Types for editors and
mypy are in ``calls.pyi``.
"""

from __future__ import annotations

# What reads the tables is imported with the first call: programs that make none do not wait.


def numbers() -> dict[str, int]:
    """The number of each call of this ABI, as programs pass it."""
    from syscraft.runtime.call_table import own_table

    return own_table().numbers


def all_names() -> tuple[str, ...]:
    """The name of every call that some ABI has or had, in order."""
    from syscraft.runtime import call_table

    return call_table.all_names()


def __getattr__(name: str) -> object:
    # What the import system and debuggers look for must not read any table, nor want the C core.
    if name.startswith("__"):
        raise AttributeError(f"module 'syscraft.calls' has no call '{name}'")
    from syscraft.runtime import call_maker, call_table

    if name == "KEEP_GIL":
        return call_table.KEEP_GIL
    call = call_maker.make_call(call_table.own_table(), name)
    if call is None:
        raise call_maker.unknown(name)
    globals()[name] = call  # the next time it is found as fast as anything
    return call


def __dir__() -> list[str]:
    return sorted({*numbers(), "KEEP_GIL", "all_names", "numbers"})
