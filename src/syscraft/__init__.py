"""syscraft: a Linux system call from one declaration to a call that a kernel answers."""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"
__all__ = ["Declaration", "SyscraftError", "load"]


def __getattr__(name: str) -> Any:
    # Imported on first use: "syscraft --help" must not wait for a C parser.
    if name in ("Declaration", "load"):
        import syscraft.api

        return getattr(syscraft.api, name)
    if name == "SyscraftError":
        from syscraft.errors import SyscraftError

        return SyscraftError
    raise AttributeError(f"module 'syscraft' has no attribute '{name}'")
