"""syscall: any call by its number or its name."""

from __future__ import annotations

import errno
import os

from syscraft.errors import EnvironmentLacks
from syscraft.runtime import _core
from syscraft.runtime.policy import REFUSED, RETRY

__all__ = ["syscall"]

syscall = _core.syscall


def _load() -> None:
    """Tell the core the names of this ABI's calls, and what is special about some."""
    from syscraft.runtime import call_table

    try:
        numbers = call_table.own_table().numbers
    except EnvironmentLacks as error:
        # Without names: a call by its number needs no table.
        failure = error
        _core.set_numbers({}, missing=lambda name: failure)
        return
    _core.set_numbers(
        numbers,
        keep_gil=[number for name, number in numbers.items() if name in call_table.KEEP_GIL],
        retry=[number for name, number in numbers.items() if name in RETRY],
        refused={numbers[name]: why for name, why in REFUSED.items() if name in numbers},
        missing=_missing,
    )


def _missing(name: str) -> BaseException:
    from syscraft.runtime import call_table

    if name in call_table.all_names():
        return OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), name)
    return LookupError(f"no system call is named {name!r}{call_table.near(name)}")


# Names and numbers are read when the first call needs them.
_core.set_loader(_load)
