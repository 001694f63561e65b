"""Every definition of a call in a tree: macros, functions and prototypes.

The macros are read as they stand, for a call that one configuration leaves out is still a call.

Source: SYSCALL_DEFINE0 to SYSCALL_DEFINE6 and their relatives in include/linux/syscalls.h,
include/linux/compat.h and arch/powerpc/include/asm/syscalls.h, Linux 6.12
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from syscraft.calls.census import Definition
from syscraft.declaration.ctext import CTextError, parse_parameters
from syscraft.errors import Finding, Where
from syscraft.hints import Progress, silent
from syscraft.scan.kbuild import Kbuild
from syscraft.scan.sources import Source, read_sources
from syscraft.tree.source import KernelTree

_MACRO = re.compile(r"^[ \t]*(COMPAT_|PPC32_)?SYSCALL(32)?_DEFINE([0-6])\s*\(", re.MULTILINE)
_FUNCTION = re.compile(r"^(?:asmlinkage)\b[^;{}()]*?\b(\w+)\s*\(", re.MULTILINE)
# A call as it was written before Linux 2.6.29.
_BARE = re.compile(r"^asmlinkage\s+\w[\w\s]*?\b(sys_\w+)\s*\([^;{}]*\)\s*\{", re.MULTILINE)
# arch/csky/kernel/syscall_table.c enters sys_sync_file_range2 for sys_sync_file_range.
_RENAME = re.compile(r"^#define[ \t]+(sys_\w+)[ \t]+(sys_\w+)[ \t]*$", re.MULTILINE)
# Two registers for one value of 64 bits. include/linux/syscalls.h, include/asm-generic/compat.h
_HALVES = re.compile(r"^(?:SC_ARG64|compat_arg_u64_dual|arg_u32p)\((\w+)\)$")
_STUB = re.compile(r"^COND_SYSCALL(_COMPAT)?\((\w+)\)", re.MULTILINE)

# Entered in assembly; a return from a signal takes all from the stack.
_IN_ASSEMBLY = {
    "sys_rt_sigreturn": "",
    "sys_sigreturn": "",
    # Any other call: arch/mips/kernel/scall32-o32.S, Linux 6.12
    "sys_syscall": (
        "long number, unsigned long arg1, unsigned long arg2, unsigned long arg3, "
        "unsigned long arg4, unsigned long arg5"
    ),
    # arch/sparc/kernel/entry.S, Linux 6.12: execve without an environment
    "sunos_execv": "const char __user *filename, const char __user *const __user *argv",
}
# NAME:, or a macro that makes the label: ENTRY(NAME), LEAF(NAME), sigreturn_like NAME.
_LABEL = r"^[ \t]*(?:[A-Za-z]\w*[ \t]*[( \t][ \t]*{name}\b|{name}:)"


@dataclass(frozen=True)
class CallFinding(Finding):
    """What is wrong with one call of a tree; ``symbol`` is its entry, such as ``sys_open``."""

    symbol: str = ""


@dataclass
class Definitions:
    """All definitions of a tree, by the symbol that a table's row names.

    ``renamed`` is (folder under arch/, entry of a table) -> the symbol that its table file puts
    there; ``bare`` is the symbol of a function without the macro -> where it stands;
    ``findings`` are what could not be read.
    """

    tree: KernelTree
    found: dict[str, list[Definition]] = field(default_factory=dict)
    renamed: dict[tuple[str, str], str] = field(default_factory=dict)
    bare: dict[str, tuple[str, int]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def in_assembly(self, symbol: str, folder: str) -> Definition | None:
        """The definition of a call that an architecture enters in assembly."""
        if symbol not in _IN_ASSEMBLY:
            return None
        own = [d for d in self.found.get(symbol, ()) if d.path.startswith(f"arch/{folder}/")]
        # A function that takes nothing is entered as it is; others get what assembly makes.
        if any(d.assembly or (d.text == _IN_ASSEMBLY[symbol] == "") for d in own):
            return next((d for d in own if d.assembly), None)
        place = _find_label(self.tree, symbol, folder)
        if place is None:
            return None
        made = Definition(symbol, _read_parameters(_IN_ASSEMBLY[symbol]), *place, assembly=True)
        self.found.setdefault(symbol, []).append(made)
        return made

    def with_code(self, prototype: Definition, folder: str) -> Definition:
        """The place in the architecture's assembly, if it is there and not just a stub."""
        place = None if prototype.optional else _find_label(self.tree, prototype.symbol, folder)
        if place is None:
            return prototype
        made = prototype._replace(path=place[0], line=place[1], conditions=(), assembly=True)
        self.found.setdefault(made.symbol, []).append(made)
        return made


def read_definitions(tree: KernelTree, progress: Progress = silent) -> Definitions:
    """Read every definition of a call in a tree."""
    result = Definitions(tree)
    stubs = _stubs(tree)
    kbuild = Kbuild(tree)
    for source in read_sources(tree, progress, result.findings):
        if source.path.startswith("arch/"):
            folder = source.path.split("/")[1]
            for old, new in _RENAME.findall(source.text):
                result.renamed[folder, old] = new
        elif source.path.endswith(".c"):
            for match in _BARE.finditer(source.text):
                result.bare[match[1]] = source.path, source.line(match.start())
        options = kbuild.options(source.path)
        for definition in definitions_in(source, tree, result.findings):
            result.found.setdefault(definition.symbol, []).append(
                definition._replace(options=options, optional=definition.symbol in stubs)
            )
    return result


def _stubs(tree: KernelTree) -> frozenset[str]:
    """The symbols that answer ENOSYS in kernels that leave the call out."""
    text = tree.read("kernel/sys_ni.c") or ""
    return frozenset(f"{'compat_' if c else ''}sys_{name}" for c, name in _STUB.findall(text))


def definitions_in(
    source: Source, tree: KernelTree, findings: list[Finding]
) -> Iterator[Definition]:
    """Read the definitions of one file; what cannot be read goes to *findings*."""
    for match in _MACRO.finditer(source.text):
        name, *arguments = _arguments(source.text, match.end())
        # SYSCALL32_DEFINE is how 64-bit kernels take halves; registers are the same.
        symbol = ("compat_sys_" if match[1] == "COMPAT_" or match[2] else "sys_") + name
        line = source.line(match.start())
        try:
            parameters = _read_parameters(_pairs(arguments))
            fault = (
                None
                if _count(arguments) == 2 * int(match[3])
                else "the digit of the macro is their number"
            )
        except (CTextError, ValueError):
            fault = "one of them is a macro that only the compiler expands"
        if fault:
            findings.append(
                CallFinding(
                    f"the parameters of {symbol} cannot be read",
                    tree.where(source.path, line),
                    f"pairs of type and name, {match[3]} of them",
                    ", ".join(arguments)[:80],
                    fault,
                    symbol=symbol,
                )
            )
            continue
        yield Definition(symbol, parameters, source.path, line, source.conditions(match.start()))
    if source.path.startswith("arch/") or source.path.endswith(".h"):
        yield from _functions(source)


def _functions(source: Source) -> Iterator[Definition]:
    for match in _FUNCTION.finditer(source.text):
        arguments = _arguments(source.text, match.end())
        if arguments not in ([""], ["void"]) and not all(
            re.search(r"\w\W*\s*\w+$", argument) for argument in arguments
        ):
            continue
        named = [a for a in arguments if a not in ("void", "") and "struct pt_regs" not in a]
        try:
            parameters = _read_parameters(", ".join(named))
        except CTextError:
            continue  # an exception's entry, or what else is called from assembly
        yield Definition(
            match[1], parameters, source.path, source.line(match.start()),
            source.conditions(match.start()),
        )  # fmt: skip


def _arguments(text: str, start: int) -> list[str]:
    """Split a macro's arguments; *start* is behind the opening bracket."""
    depth, end, parts = 1, start, [""]
    while depth and end < len(text):
        char = text[end]
        depth += {"(": 1, ")": -1}.get(char, 0)
        if char == "," and depth == 1:
            parts.append("")
        elif depth:
            parts[-1] += char
        end += 1
    return [" ".join(part.split()) for part in parts]


def _count(arguments: list[str]) -> int:
    """How many types and names there are once macros are expanded."""
    return sum(4 if _HALVES.match(argument) else 1 for argument in arguments if argument)


def _pairs(arguments: list[str]) -> str:
    """Make ``const char __user *filename`` of a macro's pairs of type and name.

    Raises:
        ValueError: they are not pairs.
    """
    parts = []
    waiting = iter(arguments)
    for first in waiting:
        if halves := _HALVES.match(first):
            parts.append(f"u64 {halves[1]}")
        elif name := next(waiting, None):
            parts.append(f"{first} {name}")
        else:
            raise ValueError(first)
    return ", ".join(parts)


def _read_parameters(text: str) -> str:
    """Read C text, and write it in the one way of a census.

    Raises:
        CTextError: it is no parameter list.
        ValueError: the list has no place for a type or a name.
    """
    parsed = parse_parameters(text, lambda row, column: Where(""))
    return ", ".join(p.ctype.declare(p.name, kernel=True) for p in parsed)


def _find_label(tree: KernelTree, symbol: str, folder: str) -> tuple[str, int] | None:
    """Where an architecture's assembly has a symbol, or a wrapper of that name."""
    for wanted in (symbol, f"{symbol}_wrapper", symbol.removeprefix("sys_")):
        pattern = re.compile(_LABEL.format(name=re.escape(wanted)), re.MULTILINE)
        for name in tree.glob(f"arch/{folder}/**/*.S"):
            if match := pattern.search(tree.read(name) or ""):
                return name, (tree.read(name) or "").count("\n", 0, match.start()) + 1
    return None
