"""What a kernel tree says of its system calls: numbers by ABI, and parameters.

Numbers come from the kernel's tables, with the words that each architecture's own Makefile gives
to the generator; parameters from the macros SYSCALL_DEFINE0 to SYSCALL_DEFINE6, read as they stand,
for a call that one configuration leaves out is still a call.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from syscraft.abi.base import GENERIC_TABLE, Abi
from syscraft.declaration.ctext import CDeclarator, CTextError, parse_parameters
from syscraft.errors import TreeError, Where
from syscraft.tree.source import KernelTree
from syscraft.tree.tables import Row, read_table

# What is no part of the kernel itself.
_ELSEWHERE = ("tools", "samples", "Documentation", "scripts", "usr")
# Entries for what is no call any more. scripts/syscalltbl.sh, Linux 6.12
# alpha_syscall_zero does nothing but ENOSYS: arch/alpha/kernel/entry.S
_RETIRED = (None, "-", "sys_ni_syscall", "sys_nis_syscall", "alpha_syscall_zero")

# Names for numbers that were never a call's.
_PLACEHOLDER = re.compile(r"(?:available|reserved|unused)\d+")

_MACRO = re.compile(r"^[ \t]*(COMPAT_|PPC32_)?SYSCALL(32)?_DEFINE[0-6]\s*\(", re.MULTILINE)
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_DIRECTIVE = re.compile(r"^[ \t]*#[ \t]*(if|ifdef|ifndef|elif|else|endif)\b(.*)$", re.MULTILINE)
# arch/csky/kernel/syscall_table.c enters sys_sync_file_range2 for sys_sync_file_range.
_RENAME = re.compile(r"^#define[ \t]+(sys_\w+)[ \t]+(sys_\w+)[ \t]*$", re.MULTILINE)
_SYMBOL = re.compile(r"\bCONFIG_\w+")
# Two registers for one value of 64 bits. include/linux/syscalls.h, include/asm-generic/compat.h
_HALVES = re.compile(r"^(?:SC_ARG64|compat_arg_u64_dual|arg_u32p)\((\w+)\)$")
_SELECT = re.compile(r"^\s*select\s+(\w+)", re.MULTILINE)
_FUNCTION = re.compile(r"^(?:asmlinkage)\b[^;{}()]*?\b(\w+)\s*\(", re.MULTILINE)
# Calls that only some architectures define: the prototypes know the parameters.
_HEADERS = ("include/linux/syscalls.h", "include/asm-generic/syscalls.h")
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
    "sunos_execv": "const char *filename, const char *const *argv",
}


@dataclass(frozen=True)
class Definition:
    """A definition of a call: where it stands, under which conditions, and its parameters."""

    path: str
    conditions: tuple[str, ...]
    parameters: tuple[CDeclarator, ...]

    @property
    def text(self) -> str:
        """The parameters as user space sees them: ``int dfd, const char *filename``."""
        return ", ".join(
            # const says nothing of a value.
            replace(p.ctype, const=p.ctype.const and p.ctype.is_pointer).declare(
                p.name, kernel=False
            )
            for p in self.parameters
        )


@dataclass(frozen=True)
class AbiCall:
    """A call of one ABI; ``parameters`` is None where the kernel has no such call any more."""

    name: str
    number: int
    parameters: str | None


@dataclass
class Definitions:
    """All definitions of a tree, by the symbol that a table's row names."""

    tree: KernelTree
    found: dict[str, list[Definition]] = field(default_factory=dict)
    renamed: dict[tuple[str, str], str] = field(default_factory=dict)
    """(folder under arch/, entry of a table) -> the symbol that its table file puts there."""

    def add(self, symbol: str, definition: Definition) -> None:
        self.found.setdefault(symbol, []).append(definition)

    def choose(self, row: Row, abi: Abi) -> Definition:
        """Find what a row of *abi*'s table enters.

        Raises:
            TreeError: no definition, or several that differ.
        """
        folder = source_folder(abi)
        stand_in = self.renamed.get((folder, row.entry or ""))
        for symbol in [*([stand_in] if stand_in else []), *_symbols(row)]:
            candidates = [d for d in self.found.get(symbol, ()) if _serves(d.path, folder, abi)]
            nearest = min((_distance(d.path) for d in candidates), default=0)
            chosen = self._configured([d for d in candidates if _distance(d.path) == nearest], abi)
            if len({d.text for d in chosen}) > 1:
                raise TreeError.of(
                    f"{row.name}: the definitions of {symbol} differ",
                    self.tree.where(chosen[0].path),
                    expected=chosen[0].text,
                    found="; ".join(f"{d.text} in {d.path}" for d in chosen[1:]),
                    hint="Definitions.choose() has to know which one this ABI has",
                )
            if chosen:
                return chosen[0]
        raise TreeError.of(
            f"{row.name}: nothing defines {row.entry}",
            self.tree.where(abi.table.path, row.index + 1),
            expected="a SYSCALL_DEFINE, or an asmlinkage function of the architecture",
            hint="Definitions.choose() has to know where this ABI has it",
        )

    def _configured(self, candidates: list[Definition], abi: Abi) -> list[Definition]:
        """Leave those out that the architecture's configuration leaves out."""
        if len({d.text for d in candidates}) < 2:
            return candidates
        symbols = self._selected(abi)
        # Stubs answer ENOSYS where a part of the kernel is left out.
        kept = [
            d
            for d in candidates
            if all(_holds(c, symbols) for c in d.conditions) and "stubs" not in d.path
        ]
        return kept or candidates

    def _selected(self, abi: Abi) -> frozenset[str]:
        path = f"arch/{source_folder(abi)}/Kconfig"
        symbols = {f"CONFIG_{name}" for name in _SELECT.findall(self.tree.read(path) or "")}
        # The orders of clone exclude each other; some architectures select one for one ABI only.
        symbols = {symbol for symbol in symbols if "CLONE_BACKWARDS" not in symbol}
        return frozenset(symbols | {c for c in [abi.clone_order.condition] if c})


def _symbols(row: Row) -> list[str]:
    """The names under which a row's entry may be defined, the likeliest first."""
    entry = row.entry or ""
    bare = re.sub(r"^(?:__)?(?:sys|sys32|compat_sys|ppc)_", "", entry)
    bare = re.sub(r"_wrapper$", "", bare)
    listed = [entry, f"sys_{bare}", f"sys_{row.name}", f"compat_sys_{bare}"]
    return list(dict.fromkeys(listed))


def _serves(path: str, folder: str, abi: Abi) -> bool:
    """Whether a file is compiled for *abi*."""
    if not path.startswith("arch/"):
        return True
    # User Mode Linux defines calls of the architecture that it runs on once more.
    if not path.startswith(f"arch/{folder}/") or "/um/" in path:
        return False
    bits = re.search(r"_(32|64)\.c$", path)
    return bits is None or int(bits[1]) == 8 * (abi.register_bytes or abi.long_bytes)


def _distance(path: str) -> tuple[bool, bool]:
    """Order definitions: an architecture's own stands for the common one, code for a prototype."""
    return path.endswith(".h"), not path.startswith("arch/")


def _holds(condition: str, symbols: frozenset[str]) -> bool:
    """Whether a condition of #if holds, as far as it is about one symbol of Kconfig."""
    found = _SYMBOL.findall(condition)
    if len(found) != 1:
        return True
    return (found[0] in symbols) is not condition.startswith("!")


def source_folder(abi: Abi) -> str:
    """The folder of the ABI's architecture under arch/.

    Source: SRCARCH in Makefile, Linux 6.12
    """
    aliases = {"i386": "x86", "x86_64": "x86", "sparc64": "sparc", "parisc64": "parisc"}
    return aliases.get(abi.linux_arch, abi.linux_arch)


def read_definitions(tree: KernelTree) -> Definitions:
    """Read every definition of a call in a tree."""
    definitions = Definitions(tree)
    for path, text in _sources(tree.root):
        if path.startswith("arch/"):
            folder = path.split("/")[1]
            for old, new in _RENAME.findall(text):
                definitions.renamed[folder, old] = new
        for match in _MACRO.finditer(text):
            arguments = _arguments(text, match.end())
            # SYSCALL32_DEFINE is how 64-bit kernels take halves; registers are the same.
            prefix = "compat_sys_" if match[1] == "COMPAT_" or match[2] else "sys_"
            _add(definitions, path, text, match.start(), prefix + arguments[0], arguments[1:])
        if path.startswith("arch/") or path.endswith(".h"):
            for match in _FUNCTION.finditer(text):
                _add_function(definitions, path, text, match)
    return definitions


def _sources(root: Path) -> Iterator[tuple[str, str]]:
    headers = [root / name for name in _HEADERS if (root / name).exists()]
    headers += sorted(root.glob("arch/*/include/asm/syscalls.h"))
    for path in [*sorted(root.rglob("*.c")), *headers]:
        name = str(path.relative_to(root))
        if name.split("/", 1)[0] in _ELSEWHERE:
            continue
        data = path.read_bytes()
        in_arch = name.startswith(("arch/", "include/"))
        if b"SYSCALL" in data or (in_arch and (b"asmlinkage" in data or b"define sys_" in data)):
            text = data.decode("utf-8", errors="replace")
            # Blanks for comments: places stay what they are.
            yield name, _COMMENT.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


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


def _add(
    definitions: Definitions, path: str, text: str, place: int, symbol: str, arguments: list[str]
) -> None:
    """Make ``const char __user *filename`` of a macro's pairs of type and name."""
    parts = []
    waiting = iter(arguments)
    for first in waiting:
        if halves := _HALVES.match(first):
            parts.append(f"u64 {halves[1]}")
        elif name := next(waiting, None):
            parts.append(f"{first} {name}")
        else:
            raise TreeError.of(
                f"{symbol}: a macro's arguments are not pairs of type and name",
                definitions.tree.where(path, text.count("\n", 0, place) + 1),
                expected="int, fd, or a macro for two halves that _HALVES knows",
                found=", ".join(arguments),
                hint="add the macro to _HALVES",
            )
    _parse(definitions, path, text, place, symbol, ", ".join(parts))


def _add_function(definitions: Definitions, path: str, text: str, match: re.Match[str]) -> None:
    arguments = _arguments(text, match.end())
    if all(re.search(r"\w\W*\s*\w+$", a) for a in arguments) or arguments in ([""], ["void"]):
        named = [a for a in arguments if a != "void" and "struct pt_regs" not in a]
        joined = ", ".join(named)
        _parse(definitions, path, text, match.start(), match[1], joined, optional=True)


def _parse(
    definitions: Definitions,
    path: str,
    text: str,
    place: int,
    symbol: str,
    parameters: str,
    *,
    optional: bool = False,
) -> None:
    line = text.count("\n", 0, place) + 1
    where = definitions.tree.where(path, line)
    try:
        parsed = parse_parameters(parameters, lambda row, column: where)
    except CTextError as error:
        if optional:  # an exception's entry, or what else an architecture calls from assembly
            return
        raise TreeError(error.finding) from error
    definitions.add(symbol, Definition(path, _conditions(text, place), parsed))


def _conditions(text: str, place: int) -> tuple[str, ...]:
    """The conditions under which *place* is compiled; a negated one starts with ``!``."""
    stack: list[list[str]] = []
    for match in _DIRECTIVE.finditer(text, 0, place):
        word, condition = match[1], match[2].strip()
        if word in ("if", "ifdef", "ifndef"):
            stack.append([f"!{condition}" if word == "ifndef" else condition])
        elif word == "endif":
            stack.pop()
        else:
            stack[-1][-1] = f"!{stack[-1][-1]}"
            if word == "elif":
                stack[-1].append(condition)
    return tuple(condition for level in stack for condition in level)


def abi_rows(tree: KernelTree, abi: Abi) -> tuple[Row, ...]:
    """The rows of the ABI's table that its architecture's Makefile takes.

    Raises:
        TreeError: the table or the Makefile is not as it was in Linux 6.12.
    """
    text = tree.read(abi.table.path)
    if text is None:
        raise TreeError.of(
            f"{abi.key}: the table is missing",
            tree.where(abi.table.path),
            expected="a table of system calls",
            found="no such file",
            hint="use a tree of Linux 6.12",
        )
    rows = read_table(abi.table.path, text.splitlines()).rows
    words = _words(tree, abi, {row.abi for row in rows})
    return tuple(row for row in rows if row.abi in words)


def _words(tree: KernelTree, abi: Abi, there: set[str]) -> set[str]:
    if abi.table == GENERIC_TABLE:
        return _generic_words(tree, abi)
    path = str(Path(abi.table.path).parent / "Makefile")
    text = tree.read(path) or ""
    if "abis" not in text.replace("sysnr_abis", "") and "-a " not in text:
        return there  # the generator takes every row
    last = abi.key.rpartition("_")[2]
    for name in dict.fromkeys((abi.key, last, str(8 * abi.long_bytes), "eabi")):
        # unistd_64.h: abis := common,64; or syshdr_abi_unistd_64 := common,64
        match = re.search(rf"unistd[_-]{name}(?:\.h: abis)? := (\S+)", text)
        if match:
            return set(match[1].split(","))
        if re.search(rf"unistd[_-]{name}\.h\b", text):
            match = re.search(r"--abis (\S+),\$\*", text)
            if match:
                return {*match[1].split(","), name}
    raise TreeError.of(
        f"{abi.key}: the words of its rows are not told",
        Where(str(tree.where(path))),
        expected="--abis, or abis := WORDS, for a header unistd_NAME.h",
        hint="use a tree of Linux 6.12",
    )


def _generic_words(tree: KernelTree, abi: Abi) -> set[str]:
    variable = f"syscall_abis_{8 * abi.long_bytes}"
    paths = ("scripts/Makefile.asm-headers", f"arch/{source_folder(abi)}/kernel/Makefile.syscalls")
    words: set[str] = set()
    for path in paths:
        text = tree.read(path)
        if text is None:
            raise TreeError.of(
                f"{abi.key}: the words of its rows are not told",
                tree.where(path),
                expected=f"{variable} += WORDS",
                found="no such file",
                hint="use a tree of Linux 6.12",
            )
        for match in re.finditer(rf"^{variable}\s*\+=[ \t]*(.*)$", text, re.MULTILINE):
            words.update(re.split(r"[,\s]+", match[1].strip()))
    return words - {""}


def calls_of(tree: KernelTree, abi: Abi, definitions: Definitions) -> tuple[AbiCall, ...]:
    """Every call of an ABI, by name.

    Raises:
        TreeError: a row cannot be resolved.
    """
    calls = {}
    for row in abi_rows(tree, abi):
        if _PLACEHOLDER.fullmatch(row.name):
            continue
        parameters = None
        if row.entry not in _RETIRED:
            parameters = _IN_ASSEMBLY.get(row.entry or "")
            if parameters is None:
                parameters = definitions.choose(row, abi).text
        calls[row.name] = AbiCall(row.name, row.number + abi.number_offset, parameters)
    return tuple(call for _, call in sorted(calls.items()))
