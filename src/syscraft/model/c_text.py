"""Phase 3: the C text parses and its types are known."""

from __future__ import annotations

from typing import Any

from syscraft.declaration import ctext
from syscraft.declaration.cstructs import parse_structs, type_names
from syscraft.declaration.ctext import CTextError
from syscraft.declaration.ctype import CDeclarator, CPrototype
from syscraft.declaration.toml_file import KeyPath
from syscraft.errors import Finding
from syscraft.model import types
from syscraft.model.call import Constant
from syscraft.model.draft import Draft
from syscraft.model.existing import parameters_of, prototype_of
from syscraft.model.expression import explicit
from syscraft.model.expression_reader import read_expression
from syscraft.model.structs import lay_out


def read_c_text(draft: Draft) -> list[Finding]:
    findings: list[Finding] = []
    data = draft.data

    def attempt(parse: Any, key: KeyPath, text: str) -> Any:
        try:
            return parse(text, draft.locate(key))
        except CTextError as error:
            findings.append(error.finding)
            return None

    sizes: dict[str, int] = {}
    if "structs" in data:
        structs = []
        read = attempt(parse_structs, ("structs",), data["structs"])
        for struct in read or ():
            laid_out, problems = lay_out(struct, sizes)
            sizes[f"struct {struct.name}"] = laid_out.size_bytes
            structs.append(laid_out)
            findings += problems
        draft.structs = tuple(structs)
        if read is None:  # nobody wants to hear that what was refused is unknown
            sizes.update(dict.fromkeys(type_names(data["structs"]), 0))
    draft.known_types = frozenset(sizes) | frozenset(data.get("types", ()))
    if draft.data.get("like"):
        added: list[CDeclarator] = []
        for index, text in enumerate(data.get("add", ())):
            added += attempt(ctext.parse_parameters, ("add", index), text) or ()
        own = () if draft.is_clone else parameters_of(draft)
        draft.kernel = (*own, *added)
    else:
        draft.kernel = attempt(ctext.parse_parameters, ("kernel",), data["kernel"]) or ()
    if "user" in data:
        user = data["user"]
        draft.prototypes = tuple(
            prototype
            for key, text in (
                [(("user",), user)]
                if isinstance(user, str)
                else [(("user", i), text) for i, text in enumerate(user)]
            )
            if (prototype := attempt(ctext.parse_prototype, key, text))
        )
    elif not draft.is_clone:
        draft.prototypes = (prototype_of(draft, draft.kernel),)
    for parameter in draft.kernel:
        findings += _judge(parameter, draft, kernel=True)
    for prototype in draft.prototypes:
        findings += _judge_result(prototype, draft)
        for parameter in prototype.parameters:
            findings += _judge(parameter, draft, kernel=False)
    for name, text in data.get("derive", {}).items():
        expression = attempt(read_expression, ("derive", name), text)
        if expression is not None:
            draft.derive[name] = explicit(expression)
    flags = []
    for index, flag in enumerate(data.get("flags", ())):
        value = attempt(read_expression, ("flags", index, "value"), flag["value"])
        if value is not None:
            where = draft.where("flags", index, "value")
            summary = " ".join(flag.get("summary", "").split())
            flags.append(Constant(flag["name"], explicit(value), summary or None, where))
    draft.flags = tuple(flags)
    return findings


def _judge(declared: CDeclarator, draft: Draft, *, kernel: bool) -> list[Finding]:
    finding = types.check_value_type(
        declared.ctype, declared.where, draft.known_types, kernel=kernel
    )
    return [finding] if finding else []


def _judge_result(prototype: CPrototype, draft: Draft) -> list[Finding]:
    finding = types.check_value_type(
        prototype.returns, prototype.where, draft.known_types, kernel=False
    ) or types.check_result_type(prototype.returns, prototype.where)
    return [finding] if finding else []
