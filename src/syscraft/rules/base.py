"""What a rule is, and the neutral view of a call that it judges.

A rule reads a :class:`Subject` and nothing else, so the same rule serves a declaration and
a call that a kernel has had for thirty years.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from syscraft.declaration.ctype import CType
from syscraft.errors import Where


class Severity(Enum):
    """How bad a finding is; only errors change the exit status."""

    ERROR = "error"
    WARNING = "warning"
    ADVICE = "advice"


@dataclass(frozen=True)
class Item:
    """A parameter or a field; ``bits`` says whether it is a bit-field."""

    name: str
    ctype: CType
    where: Where
    bits: bool = False

    @property
    def is_wide(self) -> bool:
        return self.ctype.is_wide

    @property
    def is_long(self) -> bool:
        return self.ctype.is_long


@dataclass(frozen=True)
class StructView:
    """A struct that user space hands over.

    ``fields`` is empty when its text could not be read; ``sizes`` are its published
    ``_SIZE_VERn`` constants.
    """

    name: str
    fields: tuple[Item, ...]
    where: Where
    packed: bool = False
    sizes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Text:
    """C text and its place.

    Args:
        pieces: offset in the text -> line in the file, for each function put together here.
    """

    text: str
    path: str
    pieces: tuple[tuple[int, int], ...] = ((0, 1),)

    def where(self, offset: int) -> Where:
        start, line = max(piece for piece in self.pieces if piece[0] <= offset)
        return Where(self.path, line + self.text.count("\n", start, offset))


@dataclass(frozen=True)
class Variant:
    """One parameter list of a call that has several."""

    parameters: tuple[Item, ...]
    where: Where


@dataclass(frozen=True)
class Subject:
    """A call as a rule sees it; what is not known is None or empty, and no rule guesses it.

    Args:
        structs: by ``struct NAME``, those that parameters point to.
        body: the function itself.
        code: the body and the helpers that it uses in the same file.
        constants: name -> value text of flags, where known.
        errnos: name and place of each documented error.
        siblings: every call of the kernel with its parameters' names.
        compat: whether there is a separate entry for 32-bit programs.
        rows: (table, its word for the ABI, number, entry) of every table that has the call.
        tables: every table of the kernel; ``reserved`` are those with a comment instead of a row.
        declared: whether it is a declaration, whose entries are generated.
        like: the existing call that a declaration starts from.
        packed: whether the parameters travel in a struct that can grow, which generated code
            checks and copies.
        versions: the fields of each version of that struct.
        name_where: where the name stands, if not with the parameters.
        functions: the wrappers of user space, each with its place.
    """

    name: str
    where: Where
    parameters: tuple[Item, ...]
    variants: tuple[Variant, ...] = ()
    structs: tuple[tuple[str, StructView], ...] = ()
    returns: CType | None = None
    body: Text | None = None
    code: Text | None = None
    constants: tuple[tuple[str, str, Where], ...] = ()
    errnos: tuple[tuple[str, Where], ...] = ()
    siblings: tuple[tuple[str, tuple[str, ...]], ...] = ()
    compat: bool | None = None
    rows: tuple[tuple[str, str, int, str], ...] = ()
    tables: tuple[str, ...] = ()
    reserved: tuple[str, ...] = ()
    declared: bool = False
    like: str | None = None
    packed: bool = False
    versions: tuple[tuple[str, ...], ...] = ()
    name_where: Where | None = None
    functions: tuple[tuple[str, Where], ...] = ()

    def struct_of(self, item: Item) -> StructView | None:
        return dict(self.structs).get(item.ctype.base) if item.ctype.is_pointer else None

    def pointed(self) -> Iterable[tuple[Item, StructView]]:
        """Each parameter that points to a struct whose text is known."""
        for item in self.parameters:
            if (struct := self.struct_of(item)) is not None:
                yield item, struct

    def named(self, pattern: str) -> tuple[Item, ...]:
        """The parameters whose whole name matches *pattern*."""
        return tuple(p for p in self.parameters if re.fullmatch(pattern, p.name))

    @property
    def flag_parameters(self) -> tuple[Item, ...]:
        return tuple(
            p for p in self.named(r"\w*flags?\d?|\w*flags_\w+|flg") if not p.ctype.is_pointer
        )

    @property
    def has_flags(self) -> bool:
        """Whether a parameter, or a field of a struct that can grow, holds flags."""
        if self.flag_parameters:
            return True
        return any("flags" in field.name for _, s in self.pointed() for field in s.fields)


@dataclass(frozen=True)
class Hit:
    """One place where a rule is broken."""

    where: Where
    message: str


@dataclass(frozen=True)
class Place:
    """Where a kernel's source shows a historic mistake: *text* stands in *path*, Linux 6.12."""

    path: str
    text: str


@dataclass(frozen=True)
class Rule:
    """A rule of the design of calls.

    Args:
        cost: what breaking it costs.
        fix: what to do.
        history: the mistake that it comes from.
        places: where Linux 6.12 shows that mistake.
        source: the kernel document, or the source, that states the rule.
        check: pure; says nothing about what it cannot judge.
    """

    id: str
    title: str
    severity: Severity
    cost: str
    fix: str
    history: str
    places: tuple[Place, ...]
    source: str
    check: Callable[[Subject], Iterable[Hit]]
    family: str = ""


@dataclass(frozen=True)
class RuleFinding:
    """A hit of a rule on a call."""

    rule: Rule
    call: str
    hit: Hit
    silenced: str | None = None

    def __str__(self) -> str:
        rule = self.rule
        return "\n".join(
            (
                f"{self.hit.where}: {rule.severity.value}: {rule.id}: {self.hit.message}",
                f"    cost:     {rule.cost}",
                f"    fix:      {rule.fix}",
                f"    history:  {rule.history}",
            )
        )


def search(text: Text | None, pattern: str) -> Where | None:
    """The place of the first match of *pattern*, or None."""
    match = re.search(pattern, text.text) if text else None
    return text.where(match.start()) if text and match else None
