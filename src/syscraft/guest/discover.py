"""Finds the guests: every module of this room that has a function ``guests``."""

from __future__ import annotations

import functools
import importlib
import pkgutil

import syscraft.guest
from syscraft.errors import UsageError
from syscraft.guest.base import Guest
from syscraft.hints import near


@functools.cache
def all_guests() -> tuple[Guest, ...]:
    """Every guest; those at this machine's own speed first, then by key."""
    found: list[Guest] = []
    for info in pkgutil.iter_modules(syscraft.guest.__path__):
        module = importlib.import_module(f"syscraft.guest.{info.name}")
        if make := getattr(module, "guests", None):
            found += make()
    return tuple(sorted(found, key=lambda guest: (not guest.quick, guest.key)))


def find_guest(key: str) -> Guest:
    """Look a guest up by its key.

    A module that is called like it is asked first, for the others may load slowly.

    Raises:
        UsageError: there is none of this name; the known ones are listed.
    """
    if any(info.name == key for info in pkgutil.iter_modules(syscraft.guest.__path__)):
        module = importlib.import_module(f"syscraft.guest.{key}")
        if make := getattr(module, "guests", None):
            named: list[Guest] = [guest for guest in make() if guest.key == key]
            if named:
                return named[0]
    by_key = {guest.key: guest for guest in all_guests()}
    if key in by_key:
        return by_key[key]
    raise UsageError.of(
        f"unknown guest '{key}'", expected="one of " + ", ".join(by_key), hint=near(key, by_key)
    )
