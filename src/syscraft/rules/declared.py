"""A declaration as rules see it; places are lines of the TOML file and of the body."""

from __future__ import annotations

from syscraft.emit.expression_c import c_text
from syscraft.model.call import Call, Silence, Struct
from syscraft.rules.base import Item, RuleFinding, StructView, Subject, Variant
from syscraft.rules.discover import judge
from syscraft.rules.kernel_text import AuthorFile


def judge_declared(call: Call) -> tuple[RuleFinding, ...]:
    """Run every rule over a declared call; what its author silences is marked."""
    return judge(subject_of(call), silences_of(call))


def subject_of(call: Call) -> Subject:
    """Make the view of a declared call."""
    written = call.written
    parameters = tuple(Item(p.name, p.ctype, p.where) for p in written.kernel)
    source = AuthorFile(call.shared.body.shown_path, call.shared.body.text)
    pieces = source.all_of(f"do_{call.name}")
    return Subject(
        name=call.name,
        where=written.kernel_where,
        parameters=parameters,
        variants=(Variant(parameters, written.kernel_where),),
        structs=tuple((f"struct {struct.name}", _view(struct)) for struct in call.shared.structs),
        returns=call.wrappers[0].returns if call.wrappers else None,
        body=source.put_together(pieces),
        code=source.with_helpers(pieces),
        constants=tuple((flag.name, c_text(flag.value), flag.where) for flag in call.shared.flags),
        errnos=tuple((error.errno, error.where) for error in call.errors),
        declared=True,
        like=call.like,
        packed=call.packed is not None,
        versions=written.versions,
        name_where=call.where,
        functions=tuple((w.name, call.where) for w in call.wrappers if w.name != call.name),
    )


def _view(struct: Struct) -> StructView:
    fields = tuple(Item(f.name, f.ctype, f.where) for f in struct.fields)
    return StructView(struct.name, fields, struct.where)


def silences_of(call: Call) -> tuple[Silence, ...]:
    """What the author has looked at and put aside."""
    return call.written.silences
