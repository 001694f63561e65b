"""A declaration as rules see it; places are lines of the TOML file and of the body."""

from __future__ import annotations

from syscraft.declaration import ctext
from syscraft.emit.expression_c import c_text
from syscraft.model.draft import Draft
from syscraft.rules.base import Item, Silence, StructView, Subject, Variant
from syscraft.rules.kernel_text import SourceFile


def subject_of(draft: Draft) -> Subject:
    """Make the view of a valid declaration."""
    data = draft.data
    where = draft.kernel_where
    parameters = tuple(Item(p.name, p.ctype, p.where) for p in draft.kernel)
    source = SourceFile(draft.body.shown_path, draft.body.text)
    piece = source.functions.get(f"do_{draft.name}")
    return Subject(
        name=draft.name,
        where=where,
        parameters=parameters,
        variants=(Variant(parameters, where),),
        structs=tuple((f"struct {struct.name}", struct) for struct in _structs(draft)),
        returns=draft.prototypes[0].returns if draft.prototypes else None,
        body=source.put_together([piece]) if piece else None,
        code=source.with_helpers([piece]) if piece else None,
        constants=tuple((flag.name, c_text(flag.value), flag.where) for flag in draft.flags),
        errnos=tuple(
            (error["errno"], draft.where("errors", index, "errno"))
            for index, error in enumerate(data.get("errors", ()))
        ),
        declared=True,
        like=data.get("like"),
        packed=draft.packed is not None,
        versions=tuple(tuple(version) for version in data.get("versions", ())),
    )


def _structs(draft: Draft) -> tuple[StructView, ...]:
    text = draft.data.get("structs", "")
    parsed = ctext.parse_structs(text, draft.locate(("structs",))) if text else ()
    return tuple(
        StructView(
            struct.name, tuple(Item(f.name, f.ctype, f.where) for f in struct.fields), struct.where
        )
        for struct in parsed
    )


def silences_of(draft: Draft) -> tuple[Silence, ...]:
    """What the author has looked at and put aside."""
    return tuple(
        Silence(rule, reason, draft.where("silence", rule))
        for rule, reason in draft.data.get("silence", {}).items()
    )
