"""Why an option did not survive: read from the Kconfig files of a tree."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from syscraft import proc
from syscraft.lines import split_lines

_ENTRY = re.compile(r"^\s*(?:menu)?config\s+(?P<symbol>\w+)\s*$")
_PROMPT = re.compile(r'^\s+(?:(?:bool|tristate|string|int|hex)\s+"|prompt\s)')
_DEPENDS = re.compile(r"^\s+depends on\s+(?P<rule>.*)$")
_SELECT = re.compile(r"^\s+select\s+(?P<symbol>\w+)(?:\s+if\s+(?P<rule>.*))?$")
_END = re.compile(r"^(?:choice|endchoice|comment|menu|endmenu|if|endif|source|mainmenu)\b")
_TERM = re.compile(r"(?P<negated>!?)\s*(?P<symbol>[A-Z][A-Z0-9_]*)\b(?!\s*[=<>(])")


@dataclass(frozen=True)
class Definition:
    """A place in the Kconfig files that defines a symbol; ``path`` is below the tree."""

    path: str
    line: int


class Definitions:
    """The options of a tree, as the kernel of one configuration sees them.

    Args:
        source: the tree.
        values: the symbols that are set in the finished ``.config``.
        folder: of the architecture, under arch/.
    """

    def __init__(
        self, source: Path, values: frozenset[str] = frozenset(), folder: str = ""
    ) -> None:
        self._source = source
        self._values = values
        self._folder = folder

    def anywhere(self, symbol: str) -> tuple[Definition, ...]:
        """Where *symbol* is defined, for whatever architecture."""
        return tuple(self._grep(rf"^[[:space:]]*(menu)?config[[:space:]]+{symbol}[[:space:]]*$"))

    def of(self, symbol: str) -> tuple[Definition, ...]:
        """Where *symbol* is defined for the architecture of the configuration."""
        return tuple(d for d in self.anywhere(symbol) if self._reached(d.path))

    def near(self, symbol: str) -> str | None:
        """The symbol that was meant, most likely."""
        return next(iter(difflib.get_close_matches(symbol, self._symbols, n=1, cutoff=0.8)), None)

    def why_not(self, symbol: str) -> list[str]:
        """Sentences: what stands against setting *symbol*."""
        reasons = []
        for definition in self.of(symbol):
            entry, around = self._entry(definition)
            if not any(_PROMPT.match(line) for line in entry):
                reasons.append(f"it has no prompt; other options select CONFIG_{symbol}")
            rules = [match["rule"] for line in entry if (match := _DEPENDS.match(line))]
            for rule in (*around, *rules):
                if unmet := self._unmet(rule):
                    reasons.append(f"it depends on {' '.join(rule.split())}; here {unmet}")
        return list(dict.fromkeys(reasons))

    def who_selects(self, symbol: str) -> list[str]:
        """Sentences: which options of the configuration set *symbol* on their own."""
        reasons = []
        pattern = rf"^[[:space:]]+select[[:space:]]+{symbol}([[:space:]]|$)"
        for place in self._grep(pattern):
            lines = split_lines((self._source / place.path).read_text(errors="replace"))
            above = (m["symbol"] for m in map(_ENTRY.match, lines[: place.line][::-1]) if m)
            selector = next(above, None)
            match = _SELECT.match(lines[place.line - 1])
            holds = match and not self._unmet(match["rule"] or "")
            if selector in self._values and holds:
                reasons.append(f"CONFIG_{selector} selects it")
        return list(dict.fromkeys(reasons))

    def _grep(self, pattern: str) -> Iterator[Definition]:
        found = proc.run(["grep", "-rnE", "--include=Kconfig*", pattern, "."], cwd=self._source)
        for text in split_lines(found.output) if found.ok else ():
            path, line, _ = text.split(":", 2)
            yield Definition(path.removeprefix("./"), int(line))

    def _reached(self, path: str) -> bool:
        """Whether the configuration's architecture reads *path*.

        User Mode Linux has files below the architecture that it runs on, too.
        """
        parts = path.split("/")
        return parts[0] != "arch" or len(parts) == 2 or self._folder in parts

    @cached_property
    def _symbols(self) -> list[str]:
        found = proc.run(
            ["grep", "-rhE", "--include=Kconfig*", "^[[:space:]]*(menu)?config ", "."],
            cwd=self._source,
        )
        return sorted({line.split()[-1] for line in split_lines(found.output) if line.split()})

    def _entry(self, definition: Definition) -> tuple[list[str], list[str]]:
        """The lines of a definition below its head, and the conditions that stand around it."""
        lines = split_lines((self._source / definition.path).read_text(errors="replace"))
        head = ""
        rules: list[list[str]] = []  # of each "if" and "menu" that is open
        for line in lines[: definition.line - 1]:
            word = line.split(maxsplit=1)[0] if line.strip() else ""
            if word == "if":
                rules.append([line.split(maxsplit=1)[1]])
            elif word == "menu":
                rules.append([])
            elif word in ("endif", "endmenu") and rules:
                rules.pop()
            elif (match := _DEPENDS.match(line)) and head == "menu":
                rules[-1].append(match["rule"])
            if word in ("if", "menu", "config", "menuconfig", "choice", "comment"):
                head = word
        text = "\n".join(lines[definition.line :]).replace("\\\n", " ")
        entry = list(itertools.takewhile(
            lambda line: not _ENTRY.match(line) and not _END.match(line), split_lines(text)
        ))  # fmt: skip
        return entry, [rule for group in rules for rule in group]

    def _unmet(self, rule: str) -> str:
        """What of *rule* does not hold; empty if it holds, or is more than words and operators."""
        parts = []
        for alternative in rule.split("||"):
            wrong = [
                f"CONFIG_{match['symbol']} is {'set' if match['negated'] else 'not set'}"
                for match in _TERM.finditer(alternative)
                if bool(match["negated"]) == (match["symbol"] in self._values)
            ]
            if not wrong:
                return ""
            parts += wrong
        return " and ".join(dict.fromkeys(parts))
