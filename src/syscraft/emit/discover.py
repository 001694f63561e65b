"""Finds the emitters: every module of this room that defines ``EMITTER``."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Mapping

import syscraft.emit
from syscraft.abi.abi import Abi
from syscraft.abi.discover import all_abis
from syscraft.emit.base import Emitter, Files
from syscraft.errors import UsageError
from syscraft.hints import near
from syscraft.model.call import Call, Unit


@functools.cache
def all_emitters() -> tuple[Emitter, ...]:
    """Every emitter, ordered by name."""
    found = []
    for module_info in pkgutil.iter_modules(syscraft.emit.__path__):
        module = importlib.import_module(f"syscraft.emit.{module_info.name}")
        if isinstance(emitter := getattr(module, "EMITTER", None), Emitter):
            found.append(emitter)
    return tuple(sorted(found, key=lambda emitter: emitter.name))


def generate_all(
    unit: Unit,
    numbers: Mapping[str, int],
    abis: tuple[Abi, ...] | None = None,
    only: tuple[str, ...] = (),
) -> Files:
    """Make the user-space files of all calls of a declaration, as :func:`generate` does.

    Args:
        numbers: name of a call -> its number.
    """
    files: Files = {}
    for call in unit.calls:
        files |= generate(call, numbers[call.name], abis, only)
    return files


def generate(
    call: Call, number: int, abis: tuple[Abi, ...] | None = None, only: tuple[str, ...] = ()
) -> Files:
    """Make the user-space files of *call*.

    Args:
        number: the call's number in the kernel's common table.
        abis: those to serve; all by default.
        only: names of emitters; all by default.

    Returns: file name -> text.

    Raises:
        UsageError: *only* names no emitter.
    """
    known = {emitter.name: emitter for emitter in all_emitters()}
    for name in only:
        if name not in known:
            raise UsageError.of(
                f"unknown emitter '{name}'",
                expected="one of " + ", ".join(known),
                hint=near(name, known),
            )
    files: Files = {}
    for emitter in known.values():
        if not only or emitter.name in only:
            files |= emitter.emit(call, number, abis or all_abis())
    return files
