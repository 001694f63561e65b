"""An existing call as a starting point: its parameters, as most ABIs of 64 bits have them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from syscraft.abi.discover import all_abis, find_abi
from syscraft.calls.kernels import shipped
from syscraft.declaration.ctext import parse_parameters
from syscraft.declaration.ctype import CDeclarator, CPrototype, CType
from syscraft.errors import Finding
from syscraft.hints import near
from syscraft.model.call import PRIVATE_NUMBERS
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


def check_free(draft: Draft, number: str | int) -> list[Finding]:
    """Has another call a pinned number, on any ABI of the kernels that are known?"""
    if isinstance(number, str):
        return []
    taken: dict[str, list[str]] = {}
    for census in reversed(shipped().censuses):
        for abi in all_abis():
            for name, entry in census.on(abi).items():
                if entry.number == abi.number(number) and name != draft.name:
                    taken.setdefault(name, []).append(abi.key)
    expected = f"a free number: {PRIVATE_NUMBERS[0]} to {PRIVATE_NUMBERS[-1]} are nobody's"
    return [
        Finding(f"{name}() has the number {number}", draft.where("number"), expected,
                f"{name}() on {', '.join(dict.fromkeys(abis))}")
        for name, abis in taken.items()
    ]  # fmt: skip


def _text(name: str) -> str | None:
    """The parameters of a call as C text: those that most ABIs of 64 bits have.

    Where it is an old call that takes a time, ABIs of 32 bits have structs of 32 bits for it.
    """
    found = [
        (key, entry.definition.text)
        for key, entry in shipped().newest.of(name).items()
        if entry.definition is not None
    ]
    wide = [text for key, text in found if find_abi(key).long_bytes == 8]
    texts = Counter(wide or [text for _, text in found])
    return texts.most_common(1)[0][0] if texts else None


def parameters_of(draft: Draft) -> tuple[CDeclarator, ...]:
    """The parameters of the call that a draft starts from, in the kernel's order."""
    where = draft.where("like")
    parsed = parse_parameters(_text(draft.data["like"]) or "", lambda row, column: where)
    # Some definitions leave the mark out, in spite of sparse.
    return tuple(replace(p, ctype=p.ctype.marked(user=True)) for p in parsed)


def prototype_of(draft: Draft, kernel: tuple[CDeclarator, ...]) -> CPrototype:
    """The wrapper of a draft that has none of its own: the kernel's order, and ``long``."""
    plain = tuple(replace(p, ctype=_of_programs(p.ctype.marked(user=False))) for p in kernel)
    return CPrototype(draft.name, CType("long"), plain, draft.where("like"))


def _of_programs(ctype: CType) -> CType:
    """The kernel's off_t is long; a program's may have 64 bits where that has 32."""
    return replace(ctype, base="long") if ctype.base == "off_t" else ctype
