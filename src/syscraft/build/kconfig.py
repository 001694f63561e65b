"""Kernel options: read, merged, and held to having survived.

Kconfig drops an option without a word when something that it depends on is missing; a kernel
that lacks what was asked for would prove nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from syscraft.build.kconfig_reasons import Definitions
from syscraft.errors import BuildError, ConfigError, Finding, UsageError, Where
from syscraft.files import digest, read_record, write_record
from syscraft.lines import split_lines
from syscraft.tree.source import KernelTree


class Demand(Enum):
    """When an option may be lost; the comment line above says so for what follows it."""

    ALWAYS = None
    WHERE_KNOWN = "# Where the kernel has it:"
    WHERE_POSSIBLE = "# Where it can be had:"
    WHERE_NEEDED = "# Where another option is lost without it:"


@dataclass(frozen=True)
class Option:
    """A kernel option.

    Args:
        symbol: without ``CONFIG_``.
        value: as in ``.config``; None for one that is not set.
        where: who asks for it, if that is a file or a command line.
        demand: when it may be lost.
    """

    symbol: str
    value: str | None
    where: Where | None = None
    demand: Demand = Demand.ALWAYS

    @property
    def line(self) -> str:
        """The line of ``.config``."""
        if self.value is None:
            return f"# CONFIG_{self.symbol} is not set"
        return f"CONFIG_{self.symbol}={self.value}"


@dataclass(frozen=True)
class Need:
    """What only the architecture can give: a symbol that it selects, and the word for it."""

    symbol: str
    what: str


_SET = re.compile(r"(?:CONFIG_)?(?P<symbol>(?!CONFIG_)[A-Z0-9][A-Za-z0-9_]*)=(?P<value>.*)")
_NOT_SET = re.compile(r"# (?:CONFIG_)?(?P<symbol>(?!CONFIG_)[A-Z0-9][A-Za-z0-9_]*) is not set")
# The head of every .config names the architecture's folder under arch/.
_ARCH = re.compile(r"^# Linux/(\w+) ", re.MULTILINE)
_CONFIG_LINE = re.compile(r"^CONFIG_(\w+)=(.*)$", re.MULTILINE)
_VALUE = re.compile(r'y|-?\d+|0[xX][0-9a-fA-F]+|"(?:[^"\\]|\\.)*"')


def parse_option(text: str, where: Where | None = None) -> Option:
    """Read one option: ``CONFIG_X=y``, ``X=n``, ``X="text"``, ``# CONFIG_X is not set``.

    Raises:
        UsageError: it is not an option, or its value cannot be one.
    """
    text = text.strip()
    if match := _NOT_SET.fullmatch(text):
        return Option(match["symbol"], None, where)
    match = _SET.fullmatch(text)
    if not match:
        raise UsageError.of(
            "invalid kernel option", where, expected="NAME=VALUE, as in DEBUG_LIST=y", found=text
        )
    value = match["value"].strip()
    if value == "n":
        return Option(match["symbol"], None, where)
    if not _VALUE.fullmatch(value):
        raise UsageError.of(
            f"invalid value of the kernel option CONFIG_{match['symbol']}",
            where,
            expected='y, n, a number, or "text"',
            found=value or "nothing",
            hint="the guests' kernels have no modules: use y" if value == "m" else None,
        )
    return Option(match["symbol"], value, where)


def read_options(text: str, path: str | None = None) -> tuple[Option, ...]:
    """Read lines as in ``.config``; other comments and empty lines are skipped.

    Args:
        path: the file that an error shall name; it is then also where the options come from.

    Raises:
        UsageError: one finding for every invalid line.
    """
    demands = {demand.value: demand for demand in Demand}
    demand = Demand.ALWAYS
    options: list[Option] = []
    findings: list[Finding] = []
    for number, line in enumerate(split_lines(text), 1):
        line = line.strip()
        if not line or (line.startswith("#") and not _NOT_SET.fullmatch(line)):
            demand = demands.get(line, Demand.ALWAYS)
            continue
        try:
            option = parse_option(line, Where(path, number) if path else None)
            options.append(replace(option, demand=demand))
        except UsageError as error:
            findings += error.findings
    if findings:
        raise UsageError(*findings)
    return tuple(options)


def symbol_of(line: str) -> str | None:
    """The symbol that a line of ``.config`` is about."""
    match = _NOT_SET.fullmatch(line) or _SET.fullmatch(line)
    return match["symbol"] if match else None


def merged(*groups: Iterable[Option]) -> tuple[Option, ...]:
    """Put options together; of two with the same symbol, the later one holds."""
    return tuple({option.symbol: option for group in groups for option in group}.values())


def config_text(options: Iterable[Option]) -> str:
    """The options as a file that Kconfig reads."""
    return "".join(f"{option.line}\n" for option in options)


def check(
    wanted: tuple[Option, ...],
    needs: tuple[Need, ...],
    config: str,
    tree: KernelTree,
    source: Path,
    arch: str,
) -> None:
    """Compare a finished ``.config`` with what was asked for.

    Raises:
        ConfigError: something is missing.
    """
    got: dict[str, str] = dict(_CONFIG_LINE.findall(config))
    lacking = [need for need in needs if got.get(need.symbol) != "y"]
    if lacking:
        raise ConfigError(
            *(
                Finding(
                    f"{arch} has no {need.what}",
                    expected=f"CONFIG_{need.symbol}=y, which the architecture selects",
                    hint="choose another flavour of the kernel for this guest",
                )
                for need in lacking
            )
        )
    lost = [option for option in wanted if got.get(option.symbol) != option.value]
    lost = [option for option in lost if option.demand is not Demand.WHERE_POSSIBLE]
    if not lost:
        return
    folder = _ARCH.search(config)
    known = Definitions(source, frozenset(got), folder[1] if folder else "")
    findings = [
        _finding(option, got, known, tree)
        for option in lost
        if option.demand is Demand.ALWAYS or known.of(option.symbol)
    ]
    if findings:
        raise ConfigError(*findings)


def _finding(option: Option, got: dict[str, str], known: Definitions, tree: KernelTree) -> Finding:
    defined = known.of(option.symbol)
    if not defined:
        near = known.near(option.symbol)
        return Finding(
            f"this kernel has no option CONFIG_{option.symbol}",
            option.where or tree.where("init/Kconfig"),
            expected=option.line,
            hint=f"did you mean CONFIG_{near}?" if near else None,
        )
    reasons = known.why_not(option.symbol) if option.value else known.who_selects(option.symbol)
    return Finding(
        f"the kernel option CONFIG_{option.symbol} did not survive the configuration",
        option.where or tree.where(defined[0].path, defined[0].line),
        expected=option.line,
        found=Option(option.symbol, got.get(option.symbol)).line,
        hint="\n".join(reasons) or "another option that it depends on is missing in this kernel",
    )


def check_new(lines: Sequence[str], tree: KernelTree, note: Path) -> None:
    """Refuse a call's own option that the kernel has already: setting it would prove nothing.

    Args:
        note: a file that tells what was found to be new last; searching all Kconfig files takes
            longer than the rest of what precedes make.

    Raises:
        BuildError: it has.
    """
    asked = digest(tree.state, *lines)
    if read_record(note) == asked:
        return
    known = Definitions(tree.root)
    for option in (parse_option(line) for line in lines):
        # On any architecture: the call shall be one everywhere.
        if place := known.anywhere(option.symbol):
            raise BuildError.of(
                f"the kernel has an option CONFIG_{option.symbol} already",
                tree.where(place[0].path, place[0].line),
                expected="a symbol that the kernel does not have",
                hint="choose another name under [kconfig] symbol",
            )
    write_record(note, asked)
