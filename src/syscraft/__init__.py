"""syscraft: a Linux system call from one declaration to a call that a kernel answers."""

from __future__ import annotations

TYPE_CHECKING = False  # typing loads slowly, and every program waits for this module
if TYPE_CHECKING:  # for editors and type checkers
    from typing import Any

    from syscraft.api import Declaration, load
    from syscraft.errors import SyscraftError
    from syscraft.runtime import calls
    from syscraft.runtime.clone import clone
    from syscraft.runtime.raw import syscall
    from syscraft.runtime.spawn import spawn

__version__ = "0.1.0"
__all__ = ["Declaration", "SyscraftError", "calls", "clone", "load", "spawn", "syscall"]


# Imported on first use: "syscraft --help" must not wait for a C parser.
_PLACES = {
    "Declaration": "api",
    "SyscraftError": "errors",
    "clone": "runtime.clone",
    "load": "api",
    "spawn": "runtime.spawn",
    "syscall": "runtime.raw",
}


def __getattr__(name: str) -> Any:
    import importlib

    if name == "calls":
        return importlib.import_module("syscraft.runtime.calls")
    if name not in _PLACES:
        raise AttributeError(f"module 'syscraft' has no attribute '{name}'")
    return getattr(importlib.import_module(f"syscraft.{_PLACES[name]}"), name)
