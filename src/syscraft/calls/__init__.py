"""Existing calls as data: numbers and parameters, on every ABI and kernel.

To programs this name is :mod:`syscraft.runtime.calls`: each call as a function.
"""

# The stub lists calls and not how they are looked up.
from syscraft.runtime.calls import __dir__, __getattr__  # type: ignore[attr-defined]

__all__ = ["__dir__", "__getattr__"]
