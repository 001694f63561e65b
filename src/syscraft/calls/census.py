"""The calls of one kernel: what a tree says of them, and the text that keeps it.

A census has facts only: names, numbers, parameters, places. It is made by ``syscraft.scan`` from
a kernel tree, and shipped for the kernels under ``data``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from syscraft.abi.abi import Abi
from syscraft.abi.discover import all_abis
from syscraft.declaration.scalars import SCALARS
from syscraft.errors import TreeError, Where

_FORMAT = 1
_EVERY = "*"


# Named tuples, not dataclasses: there are thousands, and a question is answered at once.
class Parameter(NamedTuple):
    """A parameter as the kernel has it: ``const char __user *`` and ``filename``."""

    ctype: str
    name: str

    @property
    def text(self) -> str:
        return f"{self.ctype}{'' if self.ctype.endswith('*') else ' '}{self.name}"

    @property
    def is_wide(self) -> bool:
        """Whether it has 64 bits on every ABI."""
        scalar = SCALARS.get(self.ctype)
        return scalar is not None and scalar.is_wide

    @property
    def struct(self) -> str | None:
        """The struct that it points to, such as ``open_how``."""
        match = re.search(r"\bstruct (\w+)", self.ctype)
        return match[1] if match and self.ctype.endswith("*") else None


class Definition(NamedTuple):
    """A definition of a call.

    Args:
        symbol: what tables name: ``sys_openat2``, ``compat_sys_execve``.
        text: the parameters in the kernel's order, as C text: ``int dfd, const char __user
            *filename``; a value of two halves is one parameter.
        path, line: where it stands in the tree.
        conditions: of the ``#if`` lines around it; a negated one starts with ``!``.
        options: Kconfig symbols that its file is built under.
        optional: whether a stub returns ENOSYS in kernels that leave it out.
            Source: COND_SYSCALL in kernel/sys_ni.c
        assembly: whether it is entered in assembly, so that no C tells its parameters.
    """

    symbol: str
    text: str
    path: str
    line: int
    conditions: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    optional: bool = False
    assembly: bool = False

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        found = []
        for part in self.text.split(", ") if self.text else ():
            name = part.rpartition(" ")[2].lstrip("*")
            found.append(Parameter(part.removesuffix(name).rstrip(), name))
        return tuple(found)

    @property
    def is_prototype(self) -> bool:
        """Whether no code is known: a stub returns ENOSYS, and a header tells the parameters."""
        return self.path.endswith(".h")

    @property
    def user_text(self) -> str:
        """The parameters as programs see them, without the kernel's ``__user``."""
        return re.sub(r"\* (?=\*)", "*", self.text.replace(" __user", ""))

    @property
    def removed_by(self) -> tuple[str, ...]:
        """What leaves it out: ``CONFIG_X`` when that is off, ``!CONFIG_X`` when it is on."""
        named = [c for c in self.conditions if "CONFIG_" in c]
        return tuple(dict.fromkeys((*self.options, *named)))


class Entry(NamedTuple):
    """A call of one ABI.

    Args:
        number: as programs pass it.
        symbol: what the ABI's table enters; None where the number is kept for a call that Linux
            has no more.
        compat: what the table of a 64-bit kernel enters for programs of 32 bits instead.
        definition: what ``symbol`` is, or None if the tree does not define it.
    """

    name: str
    number: int
    symbol: str | None
    compat: str | None
    definition: Definition | None

    @property
    def is_retired(self) -> bool:
        return self.symbol is None


class Row(NamedTuple):
    """A call on the ABIs that agree about it.

    Args:
        common: the number without what an ABI adds: :meth:`syscraft.abi.abi.Abi.number`.
        place: of the definition among the census's, or -1.
        abis: their keys.
    """

    common: int
    place: int
    abis: tuple[str, ...]
    symbol: str | None
    compat: str | None


@dataclass(frozen=True)
class Census:
    """The calls of one kernel.

    Args:
        release: ``6.12.117``.
        source: what it was read from, such as ``deb:6.12``.
        abis: the keys of those that the kernel has.
        definitions: all of them, also those that no table enters on some ABI.
        rows: name -> rows, in the order of names.
    """

    release: str
    source: str
    abis: tuple[str, ...]
    definitions: tuple[Definition, ...] = field(repr=False)
    rows: Mapping[str, tuple[Row, ...]] = field(repr=False)

    @classmethod
    def of_entries(
        cls,
        release: str,
        source: str,
        definitions: tuple[Definition, ...],
        entries: Mapping[str, Mapping[str, Entry]],
    ) -> Census:
        """Put the calls of each ABI together: ABI -> name -> call."""
        places = {definition: place for place, definition in enumerate(definitions)}
        names = sorted({name for calls in entries.values() for name in calls})
        rows = {name: _group(name, entries, places) for name in names}
        return cls(release, source, tuple(entries), definitions, rows)

    @property
    def version(self) -> str:
        """The series that the release belongs to: ``6.12``."""
        return ".".join(self.release.split(".")[:2])

    @property
    def order(self) -> tuple[int, ...]:
        """Older kernels come first."""
        return tuple(int(number) for number in re.findall(r"\d+", self.release)[:3])

    @property
    def names(self) -> tuple[str, ...]:
        """Every call that some ABI has, in order."""
        return tuple(self.rows)

    def has(self, name: str, abi: str | None = None) -> bool:
        """Whether some ABI, or *abi*, has the call."""
        rows = self.rows.get(name, ())
        return bool(rows) if abi is None else any(abi in row.abis for row in rows)

    def on(self, abi: Abi) -> dict[str, Entry]:
        """The calls of an ABI, in the order of names."""
        return {
            name: self._entry(name, row, abi)
            for name, rows in self.rows.items()
            for row in rows
            if abi.key in row.abis
        }

    def of(self, name: str) -> dict[str, Entry]:
        """The call on each ABI that has it."""
        known = {abi.key: abi for abi in all_abis()}
        found = {
            key: self._entry(name, row, known[key])
            for row in self.rows.get(name, ())
            for key in row.abis
            if key in known
        }
        return {key: found[key] for key in self.abis if key in found}

    def _entry(self, name: str, row: Row, abi: Abi) -> Entry:
        definition = self.definitions[row.place] if row.place >= 0 else None
        return Entry(name, abi.number(row.common), row.symbol, row.compat, definition)

    def variants(self, symbol: str) -> tuple[Definition, ...]:
        """All definitions of one symbol, such as the four of ``sys_clone``."""
        return tuple(d for d in self.definitions if d.symbol == symbol)


def _group(
    name: str, entries: Mapping[str, Mapping[str, Entry]], places: Mapping[Definition, int]
) -> tuple[Row, ...]:
    groups: dict[tuple[Any, ...], list[str]] = {}
    for abi in all_abis():
        if (entry := entries.get(abi.key, {}).get(name)) is not None:
            place = -1 if entry.definition is None else places[entry.definition]
            common = entry.number - abi.number(0)
            groups.setdefault((common, place, entry.symbol, entry.compat), []).append(abi.key)
    return tuple(
        Row(common, place, tuple(keys), symbol, compat)
        for (common, place, symbol, compat), keys in groups.items()
    )


def to_text(census: Census) -> str:
    """Write a census: JSON, a line for each definition and each call."""
    calls = (
        f"{json.dumps(name)}:{_compact([_row_data(census, name, row) for row in rows])}"
        for name, rows in census.rows.items()
    )
    return "\n".join(
        (
            "{",
            f'"format":{_FORMAT},',
            f'"release":{json.dumps(census.release)},',
            f'"source":{json.dumps(census.source)},',
            f'"abis":{json.dumps(" ".join(census.abis))},',
            '"definitions":[',
            ",\n".join(_compact(_definition_data(d)) for d in census.definitions),
            "],",
            '"calls":{',
            ",\n".join(calls),
            "}",
            "}\n",
        )
    )


def _row_data(census: Census, name: str, row: Row) -> list[Any]:
    """``[number, definition, ABIs, symbol, compat]``; what goes without saying is left out."""
    shown = _EVERY if row.abis == census.abis else " ".join(row.abis)
    data: list[Any] = [row.common, row.place, shown]
    usual = census.definitions[row.place].symbol if row.place >= 0 else f"sys_{name}"
    if row.compat is not None or row.symbol != usual:
        data.append(row.symbol)
    if row.compat is not None:
        data.append(row.compat)
    return data


def _definition_data(definition: Definition) -> list[Any]:
    marks = ("o" if definition.optional else "") + ("a" if definition.assembly else "")
    data: list[Any] = [
        definition.symbol, definition.text, definition.path, definition.line,
        list(definition.conditions), list(definition.options), marks,
    ]  # fmt: skip
    while len(data) > 4 and not data[-1]:
        data.pop()
    return data


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def from_text(text: str, where: Where) -> Census:
    """Read what :func:`to_text` wrote.

    Raises:
        TreeError: it is something else.
    """
    try:
        data = json.loads(text)
        if data["format"] != _FORMAT:
            raise ValueError(f"format {data['format']}")
        definitions = tuple(map(_definition, data["definitions"]))
        abis = tuple(data["abis"].split())
        rows = {
            name: tuple(_row(name, row, abis, definitions) for row in listed)
            for name, listed in data["calls"].items()
        }
        return Census(data["release"], data["source"], abis, definitions, rows)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise TreeError.of(
            "not a census of a kernel's calls",
            where,
            expected=f"a file of syscraft registry build, format {_FORMAT}",
            found=f"{type(error).__name__}: {error}",
            hint="regenerate it with syscraft registry build TREE",
        ) from error


def _definition(data: Sequence[Any]) -> Definition:
    symbol, text, path, line, *rest = data
    conditions = rest[0] if rest else ()
    options = rest[1] if len(rest) > 1 else ()
    marks = rest[2] if len(rest) > 2 else ""
    return Definition(
        symbol, text, path, line, tuple(conditions), tuple(options), "o" in marks, "a" in marks
    )


def _row(
    name: str, data: Sequence[Any], abis: tuple[str, ...], definitions: Sequence[Definition]
) -> Row:
    common, place, shown, *rest = data
    usual = definitions[place].symbol if place >= 0 else f"sys_{name}"
    symbol = rest[0] if rest else usual
    compat = rest[1] if len(rest) > 1 else None
    return Row(common, place, abis if shown == _EVERY else tuple(shown.split()), symbol, compat)
