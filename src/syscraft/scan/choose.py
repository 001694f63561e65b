"""Which of several definitions a row of an ABI's table enters."""

from __future__ import annotations

import re

from syscraft.abi.abi import Abi
from syscraft.calls.census import Definition
from syscraft.scan.definitions import CallFinding, Definitions
from syscraft.scan.numbers import Row

_PREFIX = re.compile(r"(?:__[a-z]+[0-9]*_|sys_)+(?=(?:compat_)?sys_)")
_SYMBOL = re.compile(r"\bCONFIG_\w+")
_SELECT = re.compile(r"^\s*select\s+(\w+)", re.MULTILINE)


class Chooser:
    """Ties the rows of one ABI to definitions."""

    def __init__(self, definitions: Definitions, abi: Abi) -> None:
        self._definitions = definitions
        self._abi = abi
        self._folder = abi.arch_folder
        self._symbols = self._selected()

    def definition(self, row: Row) -> Definition | None:
        """Find what *row* enters; None, and a finding, if the tree does not say."""
        if row.symbol is None:
            return None
        if found := self._definitions.in_assembly(row.symbol, self._folder):
            return found
        stand_in = self._definitions.renamed.get((self._folder, row.symbol))
        spellings = [*([stand_in] if stand_in else []), *_spellings(row)]
        found = self._code(row, spellings) or self._prototype(spellings)
        if found is None:
            self._find(
                row, f"{row.name}: no definition of {row.symbol}", self._bare(row),
                f"define it with SYSCALL_DEFINEn({row.name}, ...), or remove the row",
            )  # fmt: skip
        elif prefix := self._prefix(row.path, row.symbol):
            self._find(
                row, f"the entry of {row.name} has a prefix that the kernel adds itself",
                row.symbol, f"write {row.symbol[len(prefix) :]}", expected="sys_ and the name",
            )  # fmt: skip
        return found

    def _bare(self, row: Row) -> str:
        """What there is of a call that no macro defines."""
        place = self._definitions.bare.get(row.symbol or "")
        if place is None:
            return "not found"
        return f"{place[0]}:{place[1]} defines it without the macro, which makes its entry"

    def _prefix(self, table: str, symbol: str) -> str:
        """What is too much in front of a row's entry; kernels of 4.17 to 5.6 want it in all rows.

        Source: scripts/syscalltbl.sh and arch/x86/include/asm/syscall_wrapper.h, Linux 6.12
        """
        match = _PREFIX.match(symbol)
        if match is None or symbol in self._definitions.found:
            return ""
        text = self._definitions.tree.read(table) or ""
        return match[0] if re.search(r"\ssys_read\b", text) else ""

    def _code(self, row: Row, spellings: list[str]) -> Definition | None:
        """The nearest code: an architecture's own stands for the common one."""
        for symbol in spellings:
            candidates = [d for d in self._definitions.found.get(symbol, ()) if self._serves(d)]
            own = [d for d in candidates if d.path.startswith("arch/")]
            chosen = self._configured(own or candidates)
            if len({d.user_text for d in chosen}) > 1:
                self._find(
                    row, f"{row.name}: the definitions of {symbol} differ",
                    "; ".join(f"({d.user_text}) in {d.path}:{d.line}" for d in chosen),
                    "using the first one",
                )  # fmt: skip
            if chosen:
                return chosen[0]
        return None

    def _prototype(self, spellings: list[str]) -> Definition | None:
        """A prototype: of what the architecture has in assembly, or of what only a stub is."""
        for symbol in spellings:
            for prototype in self._definitions.found.get(symbol, ()):
                if prototype.is_prototype and self._is_at_home(prototype.path):
                    return self._definitions.with_code(prototype, self._folder)
        return None

    def _find(
        self, row: Row, message: str, found: str, hint: str,
        expected: str = "one SYSCALL_DEFINE, or an asmlinkage function of the architecture",
    ) -> None:  # fmt: skip
        where = self._definitions.tree.where(row.path, row.line)
        finding = CallFinding(message, where, expected, found, hint, symbol=f"sys_{row.name}")
        if finding not in self._definitions.findings:  # ABIs share rows
            self._definitions.findings.append(finding)

    def _serves(self, definition: Definition) -> bool:
        """Whether it is code that is compiled for the ABI."""
        if definition.is_prototype or not self._is_at_home(definition.path):
            return False
        bits = re.search(r"arch/.*_(32|64)\.c$", definition.path)
        width = self._abi.register_bytes or self._abi.long_bytes
        return bits is None or int(bits[1]) == 8 * width

    def _is_at_home(self, path: str) -> bool:
        # User Mode Linux defines calls of the architecture that it runs on once more.
        if path.startswith("arch/"):
            return path.startswith(f"arch/{self._folder}/") and "/um/" not in path
        return True

    def _configured(self, candidates: list[Definition]) -> list[Definition]:
        """Leave those out that the architecture's configuration leaves out."""
        if len({d.user_text for d in candidates}) < 2:
            return candidates
        # Stubs answer ENOSYS where a part of the kernel is left out.
        kept = [
            d
            for d in candidates
            if all(_holds(c, self._symbols) for c in d.conditions) and "stubs" not in d.path
        ]
        return kept or candidates

    def _selected(self) -> frozenset[str]:
        text = self._definitions.tree.read(f"arch/{self._folder}/Kconfig") or ""
        symbols = {f"CONFIG_{name}" for name in _SELECT.findall(text)}
        # One ABI has one order of clone; some architectures select one for one ABI only.
        symbols = {symbol for symbol in symbols if "CLONE_BACKWARDS" not in symbol}
        order = self._abi.clone_order.condition
        return frozenset(symbols | ({order} if order else set()))


def _spellings(row: Row) -> list[str]:
    """The names under which a row's entry may be defined, the likeliest first."""
    entry = row.symbol or ""
    bare = re.sub(r"^(?:__)?(?:sys|sys32|compat_sys|ppc)_", "", entry)
    bare = re.sub(r"_wrapper$", "", bare)
    listed = [entry, f"sys_{bare}", f"sys_{row.name}", f"compat_sys_{bare}"]
    return list(dict.fromkeys(listed))


def _holds(condition: str, symbols: frozenset[str]) -> bool:
    """Whether a condition of #if holds, as far as it is about one symbol of Kconfig."""
    found = _SYMBOL.findall(condition)
    if len(found) != 1:
        return True
    return (found[0] in symbols) is not condition.startswith("!")
