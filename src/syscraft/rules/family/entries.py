"""32-bit programs on 64-bit kernels, and what a call is for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from syscraft.rules.base import Hit, Item, Place, Rule, Severity, Subject, search

_DOC = "Documentation/process/adding-syscalls.rst, Linux 6.12"
_COMMANDS = r"cmd|option|opcode|op|request|call|command|which_call"
_CASES = 4


def _differs(subject: Subject) -> Item | None:
    """The first parameter that 32-bit programs pass in another form."""
    for parameter in subject.parameters:
        ctype = parameter.ctype
        if ctype.pointers > 1 or (parameter.is_wide and not subject.declared):
            return parameter
        as_value = Item(parameter.name, type(ctype)(ctype.base), parameter.where)
        if ctype.is_pointer and as_value.is_long:
            return parameter
        struct = subject.struct_of(parameter)
        if struct and any(f.ctype.is_pointer or f.is_long for f in struct.fields):
            return parameter
    return None


def _compat(subject: Subject) -> Iterator[Hit]:
    # Generated entries widen numbers; what pointers lead to is the author's.
    if (subject.compat is False or subject.declared) and (parameter := _differs(subject)):
        if search(subject.code, r"in_compat_syscall|import_iovec|compat_"):
            return
        yield Hit(parameter.where, f"'{parameter.name}' has a different layout in 32-bit programs")


def _multiplexer(subject: Subject) -> Iterator[Hit]:
    for parameter in subject.named(_COMMANDS):
        if parameter.ctype.is_pointer:
            continue
        if subject.declared and subject.code is None:
            continue
        name = rf"(?:{parameter.name}|cmd|call|op)"
        pattern = rf"switch\s*\(\s*{name}(?:\s*&\s*\w+)?\s*\)\s*\{{"
        for switch in re.finditer(pattern, subject.code.text) if subject.code else ():
            cases = _cases(subject.code.text, switch.end()) if subject.code else 0
            if cases >= _CASES:
                yield Hit(parameter.where, f"'{parameter.name}' multiplexes {cases} calls")
                return


def _cases(text: str, start: int) -> int:
    """Count the cases of one switch; *start* is behind its brace."""
    depth, index = 1, start
    while depth and index < len(text):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        index += 1
    return len(re.findall(r"^\s*case\b", text[start:index], re.M))


RULES = (
    Rule(
        id="L26",
        title="an argument with a different layout in 32-bit programs has a compat entry",
        severity=Severity.WARNING,
        cost="32-bit programs on a 64-bit kernel get garbage",
        fix="fixed-width types in structs; else COMPAT_SYSCALL_DEFINE",
        history="kexec_load and rt_sigaction need a second entry for their pointers and longs",
        places=(
            Place("kernel/kexec.c", "COMPAT_SYSCALL_DEFINE4(kexec_load"),
            Place("kernel/signal.c", "COMPAT_SYSCALL_DEFINE4(rt_sigaction"),
        ),
        source=_DOC,
        check=_compat,
    ),
    Rule(
        id="L30",
        title="one call does one thing",
        severity=Severity.WARNING,
        cost="no types, no permissions per command, filters cannot see the operation",
        fix="a call for each thing, or a file with operations",
        history="socketcall, ipc, prctl, fcntl, quotactl, keyctl, bpf",
        places=(
            Place("net/socket.c", "SYSCALL_DEFINE2(socketcall"),
            Place("ipc/syscall.c", "ksys_ipc"),
            Place("kernel/sys.c", "SYSCALL_DEFINE5(prctl"),
            Place("fs/quota/quota.c", "SYSCALL_DEFINE4(quotactl,"),
        ),
        source=_DOC,
        check=_multiplexer,
    ),
)
