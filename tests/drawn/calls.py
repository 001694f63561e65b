"""Draws a call: its parameters, what it is like, its wrappers, what these derive."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from .cases import Callee, draw_cases
from .parameters import Drawn, draw_parameter, fits, read_parameters
from .words import draw_name, draw_prose

# Existing calls as Linux 6.12 defines them for ABIs of 64 bits, and the types that they need.
_LIKE: dict[str, tuple[str, dict[str, str]]] = {
    "nanosleep": ("struct __kernel_timespec __user *rqtp, struct __kernel_timespec __user *rmtp",
                  {}),
    "futex": ("u32 __user *uaddr, int op, u32 val, const struct __kernel_timespec __user *utime, "
              "u32 __user *uaddr2, u32 val3", {}),
    "execve": ("const char __user *filename, const char __user *const __user *argv, "
               "const char __user *const __user *envp", {}),
    "openat2": ("int dfd, const char __user *filename, struct open_how __user *how, size_t usize",
                {}),
    "read": ("unsigned int fd, char __user *buf, size_t count", {}),
    "close": ("unsigned int fd", {}),
    "getpid": ("", {}),
    "lseek": ("unsigned int fd, off_t offset, unsigned int whence", {}),
    "pread64": ("unsigned int fd, char __user *buf, size_t count, loff_t pos", {}),
    "fallocate": ("int fd, int mode, loff_t offset, loff_t len", {}),
    "clock_nanosleep": ("clockid_t which_clock, int flags, "
                        "const struct __kernel_timespec __user *rqtp, "
                        "struct __kernel_timespec __user *rmtp", {}),
    "prctl": ("int option, unsigned long arg2, unsigned long arg3, unsigned long arg4, "
              "unsigned long arg5", {}),
    "statx": ("int dfd, const char __user *filename, unsigned int flags, unsigned int mask, "
              "struct statx __user *buffer", {}),
    "fanotify_mark": ("int fanotify_fd, unsigned int flags, __u64 mask, int dfd, "
                      "const char __user *pathname", {}),
    "futex_waitv": ("struct futex_waitv __user *waiters, unsigned int nr_futexes, "
                    "unsigned int flags, struct __kernel_timespec __user *timeout, "
                    "clockid_t clockid", {"struct futex_waitv": "linux/futex.h"}),
    "landlock_create_ruleset": ("const struct landlock_ruleset_attr __user *attr, size_t size, "
                                "__u32 flags",
                                {"struct landlock_ruleset_attr": "linux/landlock.h"}),
}  # fmt: skip
_CLONE3 = "struct clone_args __user *uargs, size_t size"
_RETURNS = ("int", "int", "long", "void *", "unsigned int", "ssize_t", "size_t", "struct statx *",
            "pid_t", "unsigned long", "const char *")  # fmt: skip
_ODD_RETURNS = ("const int", "void", "u64", "short", "bool", "loff_t", "off_t", "struct statx")
_SHAPES = ("plain",) * 10 + ("packed",) * 3 + ("like",) * 3 + (
    "clone", "clone", "clone packed", "clone3", "clone3", "fork", "vfork", "twice", "twice packed",
)  # fmt: skip


_TWICE = ("clone", "clone3", "fork", "vfork", "twice")


@dataclass(frozen=True)
class DrawnCall:
    """A call: ``keys`` and ``tables`` are of TOML, ``body`` what ``do_NAME()`` takes."""

    name: str
    keys: str
    tables: str
    body: str
    types: dict[str, str]


@dataclass(frozen=True)
class Around:
    """What a declaration has for all of its calls.

    Args:
        known: types that parameters may point to; ``flags`` are for expressions.
        prefix: of the keys of tables, where the call is one of several.
    """

    seed: int
    known: tuple[str, ...]
    flags: tuple[str, ...]
    prefix: str
    odd: bool


def draw_call(random: Random, name: str, taken: set[str], around: Around) -> DrawnCall:
    """Draw a call called *name*."""
    odd, shape = around.odd, random.choice(_SHAPES)
    names: set[str] = set()
    keys: list[tuple[str, object]] = []
    types: dict[str, str] = {}
    base: list[Drawn] = []
    like = shape.split()[0] if shape.split()[0] in ("clone", "clone3", "fork", "vfork") else None
    if shape == "like":
        like = random.choice(tuple(_LIKE))
        text, types = _LIKE[like]
        base = read_parameters(text)
    elif like == "clone3":
        base = read_parameters(_CLONE3)
    names |= {p.name for p in base}
    parameters = _parameters(random, shape, names, base, around)
    own = parameters[len(base) :]
    if like:
        keys.append(("like", like))
    if like and (own or like == "clone"):
        keys.append(("add", [p.kernel for p in own]))
    if not like:
        keys.append(("kernel", ", ".join(p.kernel for p in parameters) or "void"))
    packs = "packed" in shape and bool(parameters)
    if packs:
        keys.append(("pack", True))
    versions = 1
    if packs and len(own) > 1 and random.random() < 0.4:
        listed = [[p.name for p in own[: len(own) // 2]], [p.name for p in own]]
        keys.append(("versions", listed))
        versions = 2
    if shape.startswith("twice"):
        keys.append(("returns_twice", True))
    likely = 0.2 if shape in ("plain", "packed", "like") else 0.05 if odd else 0
    if random.random() < likely:
        keys.append(("retry", True))
    if random.random() < 0.2:
        keys.append(("missing", random.choice(("ENOTSUP", "EOPNOTSUPP", "EPERM", "ENOSYS"))))
    if random.random() < 0.1:
        keys.append(("number", random.choice(("private", 900 + around.seed % 100))))
    callees: list[Callee]
    tables = ""
    if like in ("clone", "clone3"):
        callees = [Callee(name, tuple(own), like)]
    elif like and random.random() < 0.5:
        callees = [Callee(name, tuple(parameters))]
    else:
        prototypes, callees, derived = _wrappers(
            random, name, parameters, own if versions == 2 else [], taken, around
        )
        keys.append(("user", prototypes if len(prototypes) > 1 else prototypes[0]))
        if derived:
            tables += _table(f"{around.prefix}derive", derived)
    for _ in range(random.choice((0, 0, 1, 2))):
        errno = random.choice(("EINVAL", "EPERM", "E2BIG"))
        tables += f'[[{around.prefix}errors]]\nerrno = "{errno}"\n'
        tables += f"when = {toml(draw_prose(random, odd=odd))}\n"
    tables += draw_cases(random, callees, f"{around.prefix}cases", odd=odd)
    body = ", ".join(p.kernel for p in parameters) or "void"
    if like == "clone":
        body = ", ".join(["struct kernel_clone_args *args", *(p.kernel for p in own)])
    lines = "".join(f"{key} = {toml(value)}\n" for key, value in keys)
    return DrawnCall(name, lines, tables, body, types)


def _parameters(
    random: Random, shape: str, names: set[str], base: list[Drawn], around: Around
) -> list[Drawn]:
    """What the kernel takes: *base* first, and as many of its own as there is room for."""
    found = list(base)
    packs = "packed" in shape
    count = random.randint(1, 9) if packs else random.randint(0, 6 - len(base))
    if shape == "clone":
        count = 1 if not around.odd or random.random() < 0.8 else 2
    for _ in range(count):
        slip = around.odd and random.random() < 0.08
        drawn = draw_parameter(random, names, around.known, odd=around.odd, slip=slip)
        if around.odd and random.random() < 0.2:
            found.append(drawn)  # whether there is room for it or not
            continue
        twice = shape.split()[0] in _TWICE
        for _ in range(10):
            if packs or (fits([*found, drawn]) and not (twice and drawn.is_wide)):
                found.append(drawn)
                break
            drawn = draw_parameter(random, names, around.known, odd=False)
    return found


def _wrappers(
    random: Random,
    name: str,
    parameters: Sequence[Drawn],
    versions: Sequence[Drawn],
    taken: set[str],
    around: Around,
) -> tuple[list[str], list[Callee], dict[str, str]]:
    """One to three functions for a call: the prototypes, and what they derive."""
    derived: dict[str, str] = {}
    if parameters and random.random() < 0.3:
        wanted = random.choice(parameters)
        given = [p for p in parameters if p is not wanted]
        derived[wanted.name] = (
            random.choice(("0", "NULL")) if wanted.pointed
            else _expression(random, given, around.flags, 3)
        )  # fmt: skip
    kept = [p for p in parameters if p.name not in derived]
    prototypes, callees = [], []
    for number in range(random.choice((1, 1, 1, 2, 3))):
        function = name
        if number or random.random() < 0.1:
            function = draw_name(random, "wrapper", taken, odd=around.odd)
            function += f"_{around.seed}" if random.random() < 0.9 else ""
        mine = list(kept)
        if number and versions:
            mine = [p for p in kept if p not in versions[len(versions) // 2 :]]
        random.shuffle(mine)
        returns = random.choice(_RETURNS)
        if around.odd and random.random() < 0.1:
            returns = random.choice(_ODD_RETURNS)
        listed = ", ".join(p.user for p in mine) or "void"
        prototypes.append(f"{returns} {function}({listed})")
        callees.append(Callee(function, tuple(mine)))
    return prototypes, callees, derived


def _expression(random: Random, given: Sequence[Drawn], flags: Sequence[str], depth: int) -> str:
    """An expression over arguments and flags, as somebody would write it."""
    values = [p.name for p in given if p.pointed is None]
    strings = [p.name for p in given if p.ctype in ("char *", "const char *")]
    leaves = ["0", "1", "-1", "0x7f", "1u", "10ULL", "'a'", "sizeof(int)", *flags, *values * 3]
    leaves += [f"strlen({name})" for name in strings] * 2
    leaves += [f"sizeof(*{p.name})" for p in given if p.pointed and "void" not in p.ctype]
    if depth == 0 or not values or random.random() < 0.2:
        return random.choice(leaves)
    value = random.choice(values)
    inner = _expression(random, given, flags, depth - 1)
    match random.randrange(6):
        case 0:
            return f"{random.choice('-~')}{value}"
        case 1:
            return f"({random.choice(('u8', 'int', 'long', 'u64', 'unsigned int'))})({inner})"
        case 2:
            other = random.choice(leaves)
            return f"{value} {random.choice(('==', '!='))} 0 ? (int)({inner}) : (int)({other})"
        case 3:
            return f"{value} {random.choice(('<<', '>>', '/', '%'))} 3"
        case 4:
            return f"{random.choice(leaves)} {random.choice('+-*&|^')} ({inner})"
        case _:
            return f"{random.choice(('!', ''))}{value} {random.choice(('&&', '||'))} {value}"


def _table(key: str, values: dict[str, str]) -> str:
    return f"[{key}]\n" + "".join(f"{name} = {toml(text)}\n" for name, text in values.items())


def toml(value: object) -> str:
    """A value as TOML, which writes strings, numbers and arrays as JSON does."""
    return json.dumps(value, ensure_ascii=False)
