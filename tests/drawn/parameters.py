"""Draws parameters: as the kernel, and as a wrapper declares them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from syscraft.abi.layout import MAX_ARGUMENTS, Pairs, places
from syscraft.declaration.scalars import SCALARS

from .words import draw_name

_POINTERS = (
    "*", "*", "*", "*", "*", "*", "*", "**", "**", "*const ", "*const *", "const *", "* restrict ",
    "***", "*const *const *", "*const *", "**", "*const ",
)  # fmt: skip
_POINTED = ("void", "char", "__u32", "int", "unsigned long", "u64", "struct statx", "bool",
            "unsigned char", "size_t", "loff_t", "long long")  # fmt: skip
_VALUES = tuple(name for name in SCALARS if name not in ("char", "off_t", "mode_t"))
_ODD_PARAMETERS = (
    "int (*%s)(void)", "int %s[4]", "void %s", "float %s", "enum color %s", "struct statx %s",
    "register int %s", "int %s : 3", "void (*%s)(int, ...)", "char (*%s)[4]", "int", "...",
    "_Atomic int %s", "int *%s[2]", "const %s", "int __user %s", "void * __user *%s",
    "__user int %s", "unsigned long int %s", "volatile int *%s", "int %s __attribute__((unused))",
    "struct { int a; } *%s", "long double %s", "_Complex int %s", "__int128 %s", "int (%s)",
)  # fmt: skip

# Structs of uapi headers, for `types` and `includes`: all ABIs' headers here have them.
HEADERS = {
    "struct futex_waitv": "linux/futex.h",
    "struct landlock_ruleset_attr": "linux/landlock.h",
    "struct io_uring_params": "linux/io_uring.h",
    "struct perf_event_attr": "linux/perf_event.h",
    "struct bpf_insn": "linux/bpf.h",
    "__be32": "linux/types.h",
}
_KNOWN = ("struct open_how", "struct __kernel_timespec", "struct clone_args", "struct statx")


@dataclass(frozen=True)
class Drawn:
    """A parameter: ``kernel`` and ``user`` declare it, ``pointed`` is what a pointer points to."""

    name: str
    kernel: str
    user: str
    ctype: str
    pointed: str | None = None

    @property
    def is_wide(self) -> bool:
        scalar = SCALARS.get(self.kernel.rpartition(" ")[0])
        return scalar is not None and scalar.is_wide


def draw_parameter(
    random: Random, names: set[str], known: Sequence[str], *, odd: bool, slip: bool = False
) -> Drawn:
    """Draw a parameter.

    Args:
        known: the declaration's own structs, and those that it names in ``types``.
        slip: whether it is one that no call may have.
    """
    name = draw_name(random, "parameter", names, odd=odd)
    if slip:
        text = random.choice(_ODD_PARAMETERS).replace("%s", name)
        return Drawn(name, text, text.replace("__user", ""), "int")
    if odd and random.random() < 0.05:
        ctype = random.choice(tuple(SCALARS))
        return Drawn(name, f"{ctype} {name}", f"{ctype} {name}", ctype)
    if random.random() < 0.5:
        ctype = random.choice(_VALUES)
        user = ctype if random.random() < 0.7 else random.choice(_VALUES)
        return Drawn(name, f"{ctype} {name}", f"{user} {name}", user)
    pointed = random.choice((*_POINTED, *_KNOWN, *known))
    base = f"{random.choice(('', 'const '))}{pointed}"
    stars = random.choice(_POINTERS)
    kernel = f"{base} {stars.replace('*', '__user *')}{name}"
    user = f"{base} {stars}{name}"
    if stars == "*" and random.random() < 0.1:
        user = f"{'const ' if base.startswith('const ') else ''}void *{name}"
    return Drawn(name, kernel, user, user.removesuffix(name).strip(), base)


def read_parameters(text: str) -> list[Drawn]:
    """What an existing call has, as C text."""
    found = []
    for part in text.split(", ") if text else ():
        name = part.rpartition(" ")[2].lstrip("*")
        user = re.sub(r"\* (?=\*)", "*", part.replace(" __user", ""))
        ctype = user.removesuffix(name).strip()
        is_pointer = ctype.endswith("*")
        base = ctype.partition(" *")[0] if is_pointer else None
        found.append(Drawn(name, part, user, ctype, base))
    return found


def fits(parameters: Sequence[Drawn]) -> bool:
    """Whether the registers of every ABI hold them."""
    return len(places(Pairs.EVEN, [p.is_wide for p in parameters])) <= MAX_ARGUMENTS
