"""A call, or a list of calls, ready to be shown: plain values for tables, JSON and CSV."""

from __future__ import annotations

import csv
import functools
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from syscraft.abi.abi import Abi
from syscraft.abi.discover import all_abis
from syscraft.calls.census import Census, Definition, Entry
from syscraft.calls.kernels import Kernels
from syscraft.calls.registers import registers
from syscraft.errors import UsageError

_MANUAL = Path(__file__).parent / "data" / "manual.json"


@dataclass(frozen=True)
class OnAbi:
    """A call on one ABI."""

    abi: Abi
    entry: Entry
    kernels: Kernels = field(repr=False)

    @property
    def since(self) -> str:
        """The first kernel in the data that has the call there."""
        return self.kernels.since(self.entry.name, self.abi.key)

    @property
    def registers(self) -> tuple[tuple[str, str], ...]:
        """What each register carries; nothing where the parameters are not known."""
        definition = self.entry.definition
        return registers(self.abi, definition.parameters) if definition else ()

    @property
    def error_rule(self) -> str:
        return self.abi.traps[-1][1].error_rule if self.abi.traps else ""

    @property
    def special_entry(self) -> str | None:
        """What the table enters, where that is not ``sys_NAME``."""
        symbol = self.entry.symbol
        usual = f"sys_{self.entry.name}"
        return None if symbol in (None, usual) else symbol


@dataclass(frozen=True)
class Shown:
    """A call of a kernel on some ABIs; those that have the same parameters are neighbours."""

    name: str
    census: Census
    since: str
    manual: str | None
    abis: tuple[OnAbi, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(on.abi.key for on in self.abis)

    def groups(self) -> tuple[tuple[Definition | None, tuple[OnAbi, ...]], ...]:
        """The ABIs of each parameter list, those of the most first."""
        found: dict[str | None, list[OnAbi]] = {}
        for on in self.abis:
            definition = on.entry.definition
            found.setdefault(definition.user_text if definition else None, []).append(on)
        listed = sorted(found.values(), key=lambda group: -len(group))
        return tuple((group[0].entry.definition, tuple(group)) for group in listed)


def shown(kernels: Kernels, name: str, wanted: Sequence[Abi] = ()) -> Shown:
    """Look a call up in the newest kernel that has it.

    Args:
        wanted: only these ABIs; all if empty.

    Raises:
        UsageError: no kernel has the call.
    """
    census = kernels.find(name)
    entries = census.of(name)
    chosen = wanted or all_abis()
    return Shown(
        name,
        census,
        kernels.since(name),
        manual_page(name),
        tuple(
            OnAbi(abi, entry, kernels)
            for abi in chosen
            if (entry := entries.get(abi.key)) is not None
        ),
    )


@functools.cache
def _manual() -> dict[str, str]:
    return json.loads(_MANUAL.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def manual_page(name: str) -> str | None:
    """The manual page of a call, such as ``select(2)`` for ``_newselect``; None if there is none.

    Source: Linux man-pages, section 2
    """
    return _manual().get(name)


def plain(call: Shown) -> dict[str, Any]:
    """A call for JSON."""
    return {
        "name": call.name,
        "kernel": call.census.release,
        "since": call.since,
        "manual": call.manual,
        "abis": [_plain(on) for on in call.abis],
    }


def _plain(on: OnAbi) -> dict[str, Any]:
    definition = on.entry.definition
    return {
        "abi": on.abi.key,
        "number": on.entry.number,
        "since": on.since,
        "retired": on.entry.is_retired,
        "entry": on.entry.symbol,
        "compat_entry": on.entry.compat,
        "parameters": None
        if definition is None
        else [{"type": p.ctype, "name": p.name, "struct": p.struct} for p in definition.parameters],
        "registers": [{"register": register, "holds": holds} for register, holds in on.registers],
        "error_rule": on.error_rule,
        "path": definition.path if definition else None,
        "line": definition.line if definition else None,
        "conditions": list(definition.conditions) if definition else [],
        "options": list(definition.options) if definition else [],
        "stub": bool(definition and definition.optional),
        "implemented": bool(definition and not definition.is_prototype),
        "assembly": bool(definition and definition.assembly),
    }


_CSV_HEAD = (
    "name", "abi", "number", "since", "entry", "compat_entry", "parameters", "registers",
    "path", "line", "options",
)  # fmt: skip


def csv_text(calls: Iterable[Shown]) -> str:
    """Calls as CSV: a row for each call and ABI."""
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(_CSV_HEAD)
    for call in calls:
        writer.writerows(_csv_rows(call))
    return output.getvalue().rstrip("\n")


def _csv_rows(call: Shown) -> Iterator[tuple[str, ...]]:
    for on in call.abis:
        definition = on.entry.definition
        yield (
            call.name, on.abi.key, str(on.entry.number), on.since, on.entry.symbol or "",
            on.entry.compat or "", definition.text if definition else "",
            " ".join(f"{register}={holds}" for register, holds in on.registers),
            definition.path if definition else "", str(definition.line) if definition else "",
            " ".join(definition.removed_by) if definition else "",
        )  # fmt: skip


def listed(
    kernels: Kernels, wanted: Sequence[Abi] = (), since: str | None = None, grep: str = ""
) -> tuple[Shown, ...]:
    """Find calls, in the order of names; on one ABI in the order of numbers.

    Args:
        wanted: only calls that one of these ABIs has; all if empty.
        since: only those that no kernel before this version has, such as ``6.12``.
        grep: text in the name, a parameter or the file, whatever its case.

    Raises:
        UsageError: *since* is no version of a kernel.
    """
    oldest = None if since is None else _version(since)
    names = sorted({name for census in kernels.censuses for name in census.names})
    found = []
    for name in names:
        if wanted and not any(kernels.find(name).has(name, abi.key) for abi in wanted):
            continue
        if oldest and _version(kernels.since(name)) < oldest:
            continue
        if grep and not _matches(kernels.find(name), name, grep.lower()):
            continue
        found.append(shown(kernels, name, wanted))
    if len(wanted) == 1:
        found.sort(key=lambda call: call.abis[0].entry.number)
    return tuple(found)


def _version(text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"\d+(\.\d+)*", text):
        raise UsageError.of("not a kernel version", expected="6.12", found=text)
    return tuple(int(part) for part in text.split("."))


def _matches(census: Census, name: str, text: str) -> bool:
    if text in name.lower():
        return True
    for row in census.rows[name]:
        definition = census.definitions[row.place] if row.place >= 0 else None
        if definition and (text in definition.text.lower() or text in definition.path.lower()):
            return True
    return False
