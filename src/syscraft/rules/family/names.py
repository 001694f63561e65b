"""Names that mean one thing to everybody."""

from __future__ import annotations

from collections.abc import Iterator

from syscraft.calls.kernels import shipped
from syscraft.model.reserved import table
from syscraft.rules.base import Hit, Place, Rule, Severity, Subject


def _taken(subject: Subject) -> Iterator[Hit]:
    if not subject.declared:
        return
    names = [(subject.name, subject.name_where or subject.where), *subject.functions]
    for name, where in dict.fromkeys(names):
        if shipped().newest.has(name):
            yield Hit(where, f"Linux {shipped().newest.version} has a call {name}()")
        elif name in table("libc_functions") or name in table("c_functions"):
            yield Hit(where, f"the C library has a function {name}()")


RULES = (
    Rule(
        id="L33",
        title="a name of its own",
        severity=Severity.WARNING,
        cost="a program that includes the other declaration does not compile, or calls what it "
        "does not mean; a kernel that has the other call refuses the patch",
        fix="a prefix of the project, or a different word",
        history="the C library's clone() and the kernel's clone() take different arguments",
        places=(Place("kernel/fork.c", "SYSCALL_DEFINE5(clone, "),),
        source="Documentation/process/adding-syscalls.rst, Linux 6.12",
        check=_taken,
    ),
)
