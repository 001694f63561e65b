"""The rows of each ABI's table: a file of rows, or a header that the preprocessor has to read.

Nothing here branches on a version: what the tree has is read. Tables come with the words that
each architecture's own Makefile gives to the generator; kernels before the generic table have
``include/uapi/asm-generic/unistd.h`` instead, read with the definitions of the architecture.

Source: scripts/syscalltbl.sh and scripts/syscallhdr.sh, Linux 6.12; asm-generic/unistd.h, Linux 6.1
"""

from __future__ import annotations

import ast
import functools
import io
import operator
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pcpp

from syscraft.abi.abi import GENERIC_TABLE, Abi, PrivateCall
from syscraft.errors import Finding
from syscraft.lines import split_lines
from syscraft.scan.definitions import CallFinding
from syscraft.scan.sources import conflict_lines
from syscraft.tree.source import KernelTree
from syscraft.tree.tables import read_table

# Names for numbers that were never a call's.
_PLACEHOLDER = re.compile(r"(?:available|reserved|unused)\d+")
# Entries for what is no call any more. scripts/syscalltbl.sh, Linux 6.12
# alpha_syscall_zero does nothing but ENOSYS: arch/alpha/kernel/entry.S
_RETIRED = (None, "-", "sys_ni_syscall", "sys_nis_syscall", "alpha_syscall_zero")

_NOT_CALLS = frozenset(
    "syscalls arch_specific_syscall SYSCALL_BASE Linux Linux_syscalls OABI_SYSCALL_BASE".split()
)
_SECOND_NAME = re.compile(r"^#define\s+__NR_(\w+)\s+(?:__NR_(\w+)|(\d+))\s*$", re.MULTILINE)
_UNDEFINED = re.compile(r"^#undef\s+__NR_(\w+)", re.MULTILINE)
_ROW = re.compile(r"^SYSCRAFT_ROW (.+?) ; *(\w+) *$", re.MULTILINE)


@dataclass(frozen=True)
class Row:
    """A call of an ABI's table: ``number`` is the table's, ``symbol`` None if it is retired."""

    name: str
    number: int
    symbol: str | None
    compat: str | None
    path: str
    line: int | None


class Numbers:
    """The tables of a tree; ``findings`` are what could not be read."""

    def __init__(self, tree: KernelTree) -> None:
        self._tree = tree
        self.findings: list[Finding] = []
        self._table = functools.cache(self._read_table)

    def rows(self, abi: Abi) -> tuple[Row, ...]:
        """The calls of *abi*, in the order of its table; none, and a finding, if it has none."""
        header = f"arch/{abi.arch_folder}/include/uapi/asm/unistd.h"
        if self._tree.read_bytes(abi.table.path) is not None:
            words = self._words(abi)
            rows = tuple(row for word, row in self._table(abi.table.path) if word in words)
            return self._with_header(rows, header)
        if abi.table == GENERIC_TABLE and self._tree.read_bytes(header) is not None:
            return self._read_header(abi, header)
        self._find(
            f"{abi.key}: the table is missing", abi.table.path, None,
            "a table of system calls, or a header that defines __NR_*", "no such file",
            "the tree is incomplete, or older than this architecture",
        )  # fmt: skip
        return ()

    def private(self, abi: Abi) -> Iterator[tuple[PrivateCall, int]]:
        """The numbers of the calls that the architecture has outside of its table, as passed."""
        path = f"arch/{abi.arch_folder}/include/uapi/asm/unistd.h"
        if not abi.private_calls or self._tree.read(path) is None:
            return
        reader = _Preprocessor(self._tree, abi, re.findall(r"(?<!!)defined\((\w+)\)", abi.macro))
        reader.run(path)
        for call in abi.private_calls:
            number = reader.number(call.macro)
            if number is not None:
                yield call, number

    def _with_header(self, rows: tuple[Row, ...], header: str) -> tuple[Row, ...]:
        """Add the second names that a header gives to numbers of a table; drop what it undefines.

        Source: arch/alpha/include/uapi/asm/unistd.h and its relative in arch/csky, Linux 6.12
        """
        text = self._tree.read(header) or ""
        gone = set(_UNDEFINED.findall(text))
        by_name = {row.name: row for row in rows}
        by_number = {str(row.number): row for row in rows}
        second = []
        for match in _SECOND_NAME.finditer(text):
            row = by_name.get(match[2]) if match[2] else by_number.get(match[3])
            if row is not None and match[1] not in by_name and match[1] not in _NOT_CALLS:
                line = text.count("\n", 0, match.start()) + 1
                second.append(replace(row, name=match[1], path=header, line=line))
        return (*(row for row in rows if row.name not in gone), *second)

    def _find(
        self, message: str, path: str, line: int | None, expected: str, found: str, hint: str
    ) -> None:
        self._add(Finding(message, self._tree.where(path, line), expected, found, hint))

    def _add(self, finding: Finding) -> None:
        if finding not in self.findings:
            self.findings.append(finding)

    def _read_table(self, path: str) -> tuple[tuple[str, Row], ...]:
        lines = split_lines(self._tree.read(path) or "")
        conflicts, skipped = conflict_lines(lines)
        for index in conflicts:
            self._find(
                "unresolved merge conflict in this table", path, index + 1,
                "a finished merge", lines[index],
                "neither side is read; resolve the conflict",
            )  # fmt: skip
        lines = ["" if i in set(skipped) else line for i, line in enumerate(lines)]
        table = read_table(path, lines)
        read = {row.index for row in table.rows}
        known = self._known_words(path, Counter(row.abi for row in table.rows))
        for index, line in enumerate(lines):
            if line.strip() and not line.lstrip().startswith("#") and index not in read:
                self._find(
                    "invalid line in this table", path, index + 1,
                    "NUMBER ABI NAME ENTRY", line.strip()[:60], "the line is skipped",
                )  # fmt: skip
        for row in table.rows:
            if row.abi not in known:
                fate = "the kernel has" if self._takes_every_row(path) else "no kernel has"
                self._add(
                    CallFinding(
                        f"'{row.abi}' is not an ABI of this table",
                        self._tree.where(path, row.index + 1),
                        "one of " + ", ".join(sorted(known)),
                        row.line.strip().expandtabs(1)[:60],
                        f"{fate} {row.name} by this row",
                        is_note=self._takes_every_row(path),
                        symbol=f"sys_{row.name}",
                    )
                )
        return tuple(
            (
                row.abi,
                Row(row.name, row.number, None if row.entry in _RETIRED else row.entry,
                    row.compat, path, row.index + 1),
            )
            for row in table.rows
            if not _PLACEHOLDER.fullmatch(row.name)
        )  # fmt: skip

    def _known_words(self, path: str, words: Counter[str]) -> frozenset[str]:
        """The words of rows that some generator asks for; a lone one that none does is a slip."""
        told = set()
        for makefile in self._makefiles(path):
            told |= set(re.findall(r"\w+", self._tree.read(makefile) or ""))
        usual = {word for word, count in words.items() if count > 1}
        return frozenset(word for word in words if word in told or word in usual)

    def _makefiles(self, path: str) -> list[str]:
        if path != GENERIC_TABLE.path:
            return [str(Path(path).parent / "Makefile")]
        found = self._tree.glob("arch/*/kernel/Makefile.syscalls")
        return ["scripts/Makefile.asm-headers", *found]

    def _words(self, abi: Abi) -> frozenset[str]:
        """The words whose rows *abi* has."""
        there = frozenset(word for word, _ in self._table(abi.table.path))
        if abi.table == GENERIC_TABLE:
            return self._generic_words(abi)
        path = str(Path(abi.table.path).parent / "Makefile")
        if self._takes_every_row(abi.table.path):
            return there
        text = self._tree.read(path) or ""
        last = abi.key.rpartition("_")[2]
        for name in dict.fromkeys((abi.key, last, str(8 * abi.long_bytes), "eabi")):
            # unistd_64.h: abis := common,64; or syshdr_abi_unistd_64 := common,64
            if match := re.search(rf"unistd[_-]{name}(?:\.h: abis)? := (\S+)", text):
                return frozenset(match[1].split(","))
            if re.search(rf"unistd[_-]{name}\.h\b", text) and (
                match := re.search(r"--abis (\S+),\$\*", text)
            ):
                return frozenset((*match[1].split(","), name))
        self._find(
            f"{abi.key}: cannot tell which rows apply", path, None,
            "--abis, or abis := WORDS, for a header unistd_NAME.h", "not found",
            "using all rows of the table",
        )  # fmt: skip
        return there

    def _takes_every_row(self, path: str) -> bool:
        """Whether the generator of a table is given no words to choose by."""
        if path == GENERIC_TABLE.path:
            return False
        text = self._tree.read(str(Path(path).parent / "Makefile")) or ""
        return "abis" not in text.replace("sysnr_abis", "") and "-a " not in text

    def _generic_words(self, abi: Abi) -> frozenset[str]:
        variable = f"syscall_abis_{8 * abi.long_bytes}"
        own = f"arch/{abi.arch_folder}/kernel/Makefile.syscalls"
        words: set[str] = set()
        for path in ("scripts/Makefile.asm-headers", own):
            text = self._tree.read(path)
            if text is None:
                self._find(
                    f"{abi.key}: cannot tell which rows apply", path, None,
                    f"{variable} += WORDS", "no such file", "such rows are skipped",
                )  # fmt: skip
                continue
            for match in re.finditer(rf"^{variable}\s*\+=[ \t]*(.*)$", text, re.MULTILINE):
                words.update(re.split(r"[,\s]+", match[1].strip()))
        return frozenset(words - {""})

    def _read_header(self, abi: Abi, header: str) -> tuple[Row, ...]:
        reader = _Preprocessor(self._tree, abi)
        output = reader.run(header)
        for path, line, text in reader.conflicts:
            self._find(
                "unresolved merge conflict in this header", path, line,
                "a finished merge", text, "neither side is read; resolve the conflict",
            )  # fmt: skip
        symbols = {}
        for expression, symbol in _ROW.findall(output):
            symbols[_evaluate(expression)] = symbol
        rows = []
        for name, number in reader.numbers().items():
            symbol = symbols.get(number)
            if symbol not in _RETIRED or number in symbols:
                rows.append(
                    Row(name, number, None if symbol in _RETIRED else symbol, None,
                        *reader.place(name))
                )  # fmt: skip
        return tuple(sorted(rows, key=lambda row: row.number))


class _Preprocessor(pcpp.Preprocessor):  # type: ignore[misc]  # pcpp has no types
    """Reads a header of numbers as a program of one ABI would."""

    def __init__(self, tree: KernelTree, abi: Abi, defined: Sequence[str] = ()) -> None:
        super().__init__()
        self._tree = tree
        self._places: dict[str, tuple[str, int]] = {}
        self.conflicts: list[tuple[str, int, str]] = []
        self.line_directive = None
        bits = 8 * abi.long_bytes
        self.define(f"__BITS_PER_LONG {bits}")
        if bits == 64:
            self.define("__LP64__ 1")
        for macro in defined:
            self.define(f"{macro} 1")
        # Headers define it as nothing unless it is there.
        self.define("__SYSCALL(x, y) SYSCRAFT_ROW x ; y")

    def run(self, path: str) -> str:
        self.parse(self._text(path), path)
        output = io.StringIO()
        self.write(output)
        return output.getvalue()

    def _text(self, path: str) -> str:
        text = self._tree.read(path) or ""
        lines = split_lines(text)
        first, inside = conflict_lines(lines)
        self.conflicts += [(path, index + 1, lines[index]) for index in first]
        kept = ["" if index in set(inside) else line for index, line in enumerate(lines)]
        for index, line in enumerate(kept):
            if match := re.match(r"#\s*define\s+__NR_(\w+)\s", line):
                self._places.setdefault(match[1], (path, index + 1))
        return "\n".join(kept) + "\n"

    def include(self, tokens: list[object], original_line: object) -> object:
        """Read the generic header; no other one of the kernel's defines numbers."""
        name = "".join(token.value for token in tokens).strip()  # type: ignore[attr-defined]
        if name == "<asm-generic/unistd.h>":
            path = "include/uapi/asm-generic/unistd.h"
            yield from self.parsegen(self._text(path), path, path)

    def on_error(self, file: str, line: int, msg: str) -> None:
        """Half a header is read as far as it goes."""

    def numbers(self) -> dict[str, int]:
        """The value of each ``__NR_NAME`` that is a number at the end."""
        found = {}
        for macro in list(self.macros):
            name = str(macro).removeprefix("__NR_")
            if name == macro or name in _NOT_CALLS:
                continue
            if (number := self.number(macro)) is not None:
                found[name] = number
        return found

    def number(self, macro: str) -> int | None:
        """The value of a macro; None if it is not defined, or no number."""
        tokens = self.expand_macros(self.tokenize(macro))
        return _evaluate("".join(token.value for token in tokens))

    def place(self, name: str) -> tuple[str, int | None]:
        return self._places.get(name, ("include/uapi/asm-generic/unistd.h", None))


_OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.BitOr: operator.or_,
}


def _evaluate(expression: str) -> int | None:
    """The value of ``(244 + 15)``; None if it is no such sum."""
    try:
        return _value(ast.parse(expression.strip(), mode="eval").body)
    except (SyntaxError, ValueError):
        return None


def _value(node: ast.expr) -> int:
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value(node.left), _value(node.right))
    raise ValueError(ast.dump(node))
