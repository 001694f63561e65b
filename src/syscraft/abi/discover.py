"""Finds the ABIs: every module or package of this room that defines ``ABI``."""

from __future__ import annotations

import functools
import importlib
import pkgutil
import re

import syscraft.abi
from syscraft.abi.abi import Abi
from syscraft.errors import UsageError
from syscraft.hints import near

# A variable that a stack switch binds to a register, or declares for itself.
_BOUND = re.compile(r"\bregister\b[^;=]*?(\w+)\)?(?:\([^()]*\))?\s*__asm__")


@functools.cache
def all_abis() -> tuple[Abi, ...]:
    """Every known ABI, ordered by key."""
    found = []
    for module_info in pkgutil.iter_modules(syscraft.abi.__path__):
        module = importlib.import_module(f"syscraft.abi.{module_info.name}")
        if isinstance(abi := getattr(module, "ABI", None), Abi):
            found.append(abi)
    return tuple(sorted(found, key=lambda abi: abi.key))


def find_abi(key: str) -> Abi:
    """Look an ABI up by its key.

    Raises:
        UsageError: there is none of this name; the known ones are listed.
    """
    by_key = {abi.key: abi for abi in all_abis()}
    if key in by_key:
        return by_key[key]
    raise UsageError.of(
        f"unknown ABI '{key}'",
        expected="one of " + ", ".join(by_key),
        hint=near(key, by_key),
    )


@functools.cache
def register_names() -> frozenset[str]:
    """The names that generated C gives to variables which live in a register."""
    names: set[str] = set()
    for abi in all_abis():
        for _, trap in abi.traps:
            known = (trap.number, trap.result, trap.failed, *trap.arguments)
            names |= {register.name for register in known if register}
        names |= set(_BOUND.findall(abi.template("clone.c.j2") or ""))
    return frozenset(names)
