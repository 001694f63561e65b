"""An existing call as a starting point: its parameters, as most ABIs have them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from syscraft.calls.kernels import shipped
from syscraft.declaration.ctext import CDeclarator, CPrototype, CType, parse_parameters
from syscraft.errors import Finding
from syscraft.hints import near
from syscraft.model.draft import Draft


def check_like(draft: Draft) -> list[Finding]:
    """Is there such a call, and are its parameters known?"""
    name = draft.data["like"]
    if _text(name) is not None:
        return []
    census = shipped().newest
    if census.has(name):
        found, hint = "its parameters are not known", None
    else:
        found = name
        hint = near(name, census.names) or "syscraft list has them all"
    expected = f"clone, or another call of Linux {census.version}"
    return [Finding(f"cannot start from '{name}'", draft.where("like"), expected, found, hint)]


def _text(name: str) -> str | None:
    """The parameters of a call as C text; those that most ABIs have."""
    found = Counter(
        entry.definition.text
        for entry in shipped().newest.of(name).values()
        if entry.definition is not None
    )
    return found.most_common(1)[0][0] if found else None


def parameters_of(draft: Draft) -> tuple[CDeclarator, ...]:
    """The parameters of the call that a draft starts from, in the kernel's order."""
    where = draft.where("like")
    parsed = parse_parameters(_text(draft.data["like"]) or "", lambda row, column: where)
    # Some definitions leave the mark out, in spite of sparse.
    return tuple(replace(p, ctype=replace(p.ctype, user=p.ctype.is_pointer)) for p in parsed)


def prototype_of(draft: Draft, kernel: tuple[CDeclarator, ...]) -> CPrototype:
    """The wrapper of a draft that has none of its own: the kernel's order, and ``long``."""
    plain = tuple(replace(p, ctype=replace(p.ctype, user=False)) for p in kernel)
    return CPrototype(draft.name, CType("long"), plain, draft.where("like"))
