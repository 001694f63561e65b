"""Flavours of a kernel: what is asked of its configuration besides what a guest needs.

Every module of :mod:`syscraft.build.flavours` defines one as ``FLAVOUR``; nothing else names it.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import syscraft.build.flavours
from syscraft.build.kconfig import Need, Option, config_text, merged, parse_option, read_options
from syscraft.build.target import Target
from syscraft.defaults import DEFAULT_KERNEL
from syscraft.errors import Finding, UsageError, Where
from syscraft.files import MIB, digest, read_limited
from syscraft.hints import near


@dataclass(frozen=True)
class Flavour:
    """What a kernel is built and booted with besides what its guest needs.

    Args:
        key: what ``--kernel`` selects.
        summary: one line for people.
        options: these hold where a guest's own say something else.
        needs: what only the architecture can give.
        cpus: how many processors to boot with, on a guest that has as many.
        boot: words for the kernel's command line.
        memory_mib: what a guest needs at least; 0: what it has is enough.
        slower: what to multiply deadlines by.
    """

    key: str
    summary: str
    options: tuple[Option, ...] = ()
    needs: tuple[Need, ...] = ()
    cpus: int = 1
    boot: tuple[str, ...] = ()
    memory_mib: int = 0
    slower: float = 1.0

    def cpus_on(self, smp: tuple[str, ...] | None) -> int:
        """How many processors to boot with on a machine whose option for more of them is *smp*."""
        return self.cpus if smp is not None else 1

    def applied(self, target: Target, smp: tuple[str, ...] | None = None) -> Target:
        """What a guest's kernel of this flavour is made of.

        Args:
            target: what the plain one is made of.
            smp: the options that give the guest more processors; None: it has one.
        """
        more = smp if smp is not None and self.cpus > 1 else ()
        return replace(
            target,
            options=merged(target.options, map(parse_option, more), self.options),
            needs=(*target.needs, *self.needs),
        )


PLAIN = DEFAULT_KERNEL
OWN = "own-"  # begins the part of a key that stands for a user's own options


@functools.cache
def all_flavours() -> tuple[Flavour, ...]:
    """Every flavour; the plain one first, the others ordered by key."""
    found = []
    for module_info in pkgutil.iter_modules(syscraft.build.flavours.__path__):
        module = importlib.import_module(f"{syscraft.build.flavours.__name__}.{module_info.name}")
        if isinstance(flavour := getattr(module, "FLAVOUR", None), Flavour):
            found.append(flavour)
    return tuple(sorted(found, key=lambda flavour: (flavour.key != PLAIN, flavour.key)))


def find_flavour(words: str) -> Flavour:
    """Look a flavour up by its key, or several at once, as in ``debug+kasan``.

    Raises:
        UsageError: there is none of this name.
    """
    known = {flavour.key: flavour for flavour in all_flavours()}
    for word in words.split("+"):
        if word not in known:
            raise UsageError.of(
                f"unknown flavour of the kernel '{word}'",
                expected="one of " + ", ".join(known) + ", or several, as in debug+kasan",
                hint=near(word, known),
            )
    parts = [known[word] for word in sorted(set(words.split("+"))) if word != PLAIN]
    return functools.reduce(_both, parts) if parts else known[PLAIN]


def _both(a: Flavour, b: Flavour) -> Flavour:
    return Flavour(
        key=f"{a.key}+{b.key}",
        summary=f"{a.summary}; {b.summary}",
        options=merged(a.options, b.options),
        needs=tuple(dict.fromkeys((*a.needs, *b.needs))),
        cpus=max(a.cpus, b.cpus),
        boot=tuple(dict.fromkeys((*a.boot, *b.boot))),
        memory_mib=max(a.memory_mib, b.memory_mib),
        slower=a.slower * b.slower,
    )


def with_options(flavour: Flavour, options: Iterable[Option]) -> Flavour:
    """Give a flavour a user's own options, which hold where it says something else."""
    own = merged(options)
    if not own:
        return flavour
    name = f"{OWN}{digest(config_text(sorted(own, key=lambda option: option.symbol)))[:8]}"
    front = "" if flavour.key == PLAIN else f"{flavour.key}+"
    return replace(
        flavour,
        key=f"{front}{name}",
        summary=f"{flavour.summary}; " + ", ".join(option.line for option in own),
        options=merged(flavour.options, own),
    )


def user_options(words: Iterable[str], files: Iterable[Path] = ()) -> tuple[Option, ...]:
    """Read the options that a user gives.

    Args:
        words: of the command line, such as ``DEBUG_LIST=y``; they hold where a file says
            something else.
        files: lines as in ``.config``.

    Raises:
        UsageError: one finding for every invalid option, or a file cannot be read.
    """
    groups: list[tuple[Option, ...]] = []
    findings: list[Finding] = []
    for path in files:
        try:
            groups.append(read_options(read_limited(path, MIB).decode(), str(path)))
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            findings.append(
                Finding("the kernel options cannot be read", Where(str(path)), found=reason)
            )
        except UsageError as error:
            findings += error.findings
    for word in words:
        try:
            groups.append((parse_option(word, Where(f"--kconfig {shlex.quote(word)}")),))
        except UsageError as error:
            findings += error.findings
    if findings:
        raise UsageError(*findings)
    return merged(*groups)
