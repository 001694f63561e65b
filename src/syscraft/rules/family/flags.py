"""Flags: there are some, and unknown bits are refused."""

from __future__ import annotations

import re
from collections.abc import Iterator

from syscraft.rules.base import Hit, Place, Rule, Severity, Subject

_DOC = "Documentation/process/adding-syscalls.rst, Linux 6.12, 'Designing the API'"
# A call and its arguments, which may hold calls themselves.
_PASSED = re.compile(r"\b([a-z_]\w*)\s*\((?=((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\))")
_MACROS = {"if", "while", "return", "switch", "sizeof", "likely", "unlikely", "lower_32_bits"}


def _unknown_bits(subject: Subject) -> Iterator[Hit]:
    """Flags masked by a constant, or read in this text without ever being refused."""
    if subject.code is None or subject.body is None:
        return
    for flags in subject.flag_parameters:
        name = re.escape(flags.name)
        code = subject.code.text
        masked = re.search(rf"=\s*flags\s*&\s*VALID_\w+|\b{name}\s*&=\s*[A-Z]\w+\s*;", code)
        # Bits taken out after a test for unknown ones are no loss.
        tested = re.search(rf"\(\s*{name}\s*&\s*~", code[: masked.start()]) if masked else None
        if masked and not tested:
            yield Hit(
                subject.code.where(masked.start()),
                f"unknown bits of '{flags.name}' are silently ignored",
            )
        elif not masked and not _is_judged(subject, name):
            yield Hit(flags.where, f"unknown bits of '{flags.name}' are never rejected")


def _is_judged(subject: Subject, name: str) -> bool:
    """Whether bits are refused, or may be where this text does not reach."""
    assert subject.body is not None and subject.code is not None
    text = subject.code.text
    # A helper may take the flags for granted under its own name for them.
    if re.search(r"if\s*\(\s*\w*flags\s*\)\s*return -EINVAL", text):
        return True
    word = rf"(?:\w+(?:->|\.))?(?:{name}|flags)"
    tests = (
        rf"\b{word}\s*&\s*\(?\s*~", rf"if\s*\(\s*(?:unlikely\()?{word}\s*\)",
        rf"\|\|\s*{word}\s*\)", rf"\b{word}\s*(?:!=|==|>|<)", rf"switch\s*\(\s*{word}\s*\)",
        rf"~\(?[\w\s|]+\)?\s*&\s*{word}",
    )  # fmt: skip
    if any(re.search(test, text) for test in tests):
        return True
    return _leaves(subject, name)


def _leaves(subject: Subject, name: str) -> bool:
    """Whether the flags are handed to a function that is not in this text."""
    assert subject.body is not None and subject.code is not None
    starts = [start for start, _ in subject.body.pieces]
    pieces = (subject.body.text[a:b] for a, b in zip(starts, [*starts[1:], None], strict=True))
    waiting, seen = [piece.partition("{")[2] for piece in pieces], set()
    while waiting:
        for called in _PASSED.finditer(waiting.pop()):
            if called[1] in _MACROS or called[1] in seen:
                continue
            if not re.search(rf"\b(?:{name}|flags)\b", called[2]):
                continue
            seen.add(called[1])
            head = rf"^\w[^\n;=]*\b{called[1]}\s*\([^;{{]*(\{{[^\n]*\}}[ \t]*$|\{{.*?^\}})"
            callee = re.search(head, subject.code.text, re.MULTILINE | re.DOTALL)
            if callee is None or not re.search(rf"\b(?:{name}|flags)\b", callee[1]):
                return True  # it is elsewhere, or has another name for them
            waiting.append(callee[1])
    return False


def _no_flags(subject: Subject) -> Iterator[Hit]:
    if subject.has_flags or subject.packed or subject.like:
        return  # a struct can grow, and another call's parameters are what they are
    if subject.declared:
        yield Hit(subject.where, "the call has no flags argument")
        return
    for name, parameters in subject.siblings:
        stem = re.sub(r"\d$", "", subject.name)
        if name == subject.name or not re.fullmatch(rf"{re.escape(stem)}[1-9]", name):
            continue
        if any("flags" in p or p in ("flag", "how") for p in parameters):
            yield Hit(subject.where, f"the call has no flags argument, so {name}() had to be added")


RULES = (
    Rule(
        id="L1",
        title="unknown flag bits are rejected with EINVAL from the start",
        severity=Severity.WARNING,
        cost="programs pass garbage in the unused bits, and no bit can ever be given a meaning",
        fix="begin with: if (flags & ~ALL_FLAGS) return -EINVAL;",
        history="open and openat ignore unknown bits, so openat2 had to be added; clone ignores "
        "CLONE_DETACHED",
        places=(
            Place("fs/open.c", ".flags = flags & VALID_OPEN_FLAGS"),
            Place("include/uapi/linux/sched.h", "CLONE_DETACHED"),
        ),
        source=_DOC,
        check=_unknown_bits,
    ),
    Rule(
        id="L2",
        title="the call has a flags argument, even if every bit is reserved",
        severity=Severity.WARNING,
        cost="the first extension needs a second call, and both stay forever",
        fix="add 'unsigned int flags' and reject all bits until one is defined",
        history="renameat2, faccessat2, fchmodat2, dup3, pipe2, eventfd2, inotify_init1, "
        "epoll_create1, signalfd4, accept4, mlock2 and preadv2 only add flags",
        places=(
            Place("fs/namei.c", "SYSCALL_DEFINE5(renameat2"),
            Place("fs/open.c", "SYSCALL_DEFINE4(faccessat2"),
            Place("fs/open.c", "SYSCALL_DEFINE4(fchmodat2"),
        ),
        source=_DOC,
        check=_no_flags,
    ),
)
