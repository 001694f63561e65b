"""What the calls of a declaration are to each other: one name, one number, one function each."""

from __future__ import annotations

from collections.abc import Sequence

from syscraft.errors import Finding, Where
from syscraft.model.call import types_module
from syscraft.model.draft import Draft
from syscraft.model.reserved import twice
from syscraft.model.text import check_prose
from syscraft.model.words import check_name, check_texts


def check_whole(whole: Draft, drafts: Sequence[Draft]) -> list[Finding]:
    """Phase 2 for several calls: what is said above them, and what each must have for itself.

    Args:
        whole: the declaration read as if it were one call.
    """
    findings = check_name(whole.name, whole.where("name"), is_module=False)
    findings += check_texts(whole)
    findings += check_prose(whole)
    named = ((draft.name, draft.where("name")) for draft in drafts)
    findings += twice("duplicate call '{}'", named)
    numbers: dict[int, Draft] = {}
    for draft in drafts:
        number = draft.data.get("number")
        if not isinstance(number, int):
            continue
        if number in numbers:
            found = f"{number} for '{numbers[number].name}' and '{draft.name}'"
            where = draft.where("number")
            findings.append(
                Finding(f"duplicate number {number}", where, "a number for each call", found)
            )
        numbers.setdefault(number, draft)
    return findings


def check_together(drafts: Sequence[Draft]) -> list[Finding]:
    """Phase 7: the functions, structs and files that are made for the calls have names apart."""
    findings = []
    functions: list[tuple[str, Where]] = []
    files = {f"{draft.name}_raw": f"the header of {draft.name} without libc" for draft in drafts}
    if len(drafts) > 1:
        files[types_module(drafts[0].whole["name"])] = "the module of what the calls share"
    structs = {struct.name for struct in drafts[0].structs}
    for draft in drafts:
        where = draft.where("name")
        if draft.name in files:
            message = f"'{draft.name}' is also {files[draft.name]}"
            findings.append(Finding(message, where, "a different name", draft.name))
        if draft.packed and draft.packed.name in structs:
            findings.append(
                Finding(
                    f"'struct {draft.packed.name}' is what the arguments of {draft.name}() go in",
                    draft.where("structs"),
                    "another name for the struct",
                )
            )
        mine = [(f"{draft.name}_raw", where)]
        if draft.is_clone:
            mine += [(draft.name, where), (f"{draft.name}_call_raw", where)]
        if draft.is_clone or draft.is_clone3:
            mine += [(f"{draft.name}_{word}", where) for word in ("guarded", "may_call")]
        if draft.is_clone3:
            mine += [(f"{draft.name}_{word}", where) for word in ("call_raw", "copy_args")]
        mine += [(prototype.name, prototype.where) for prototype in draft.prototypes]
        if draft.returns_twice and not draft.is_clone and not draft.is_clone3:
            mine += [
                (f"{prototype.name}_{word}", prototype.where)
                for prototype in draft.prototypes
                for word in ("enter", "return")
            ]
        functions += mine
    return findings + twice("duplicate function {}()", functions)
