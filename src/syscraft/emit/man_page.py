"""NAME.2: the call's page for section 2 of the manual."""

from __future__ import annotations

import re

from syscraft.abi.abi import Abi
from syscraft.emit import user_c
from syscraft.emit.base import Emitter, Files, fill
from syscraft.emit.children import what_the_child_may_do
from syscraft.emit.ctext_layout import prose
from syscraft.model.call import Call
from syscraft.model.types import declare_user

_MARKUP_LINE = re.compile(r"^(?=[.'])", re.MULTILINE)


def man_page(call: Call) -> str:
    """Write the page with the macros of man(7)."""
    return fill(
        "man_page.2.j2",
        call=call,
        name=_plain(call.name),
        summary=_plain(call.summary),
        prototypes=_prototypes(call),
        description=_prose(call.description or f"{call.summary[0].upper()}{call.summary[1:]}."),
        child=[_prose(text) for text in (what_the_child_may_do(call),) if text],
        errors=[(e.errno, _prose(f"{e.when[0].upper()}{e.when[1:].rstrip('.')}."))
                for e in call.errors],
        others=[_plain(name) for name in call.shared.call_names if name != call.name],
    )  # fmt: skip


def _prototypes(call: Call) -> list[str]:
    if call.is_clone:
        parameters = ["int (*fn)(void *)", "void *stack", "int flags", "void *arg",
                      *user_c.declared(call.clone_extras), "pid_t *parent_tid", "void *tls",
                      "pid_t *child_tid"]  # fmt: skip
        return [_synopsis(f"int {call.name}(", parameters)]
    if call.is_clone3:
        return [_synopsis(f"int {call.name}(", user_c.function_shape(call)[0])]
    return [
        _synopsis(
            f"{declare_user(wrapper.returns, wrapper.name)}(", user_c.declared(wrapper.parameters)
        )
        for wrapper in call.wrappers
    ]


def _synopsis(head: str, parameters: list[str]) -> str:
    """One prototype; pages break lines between parameters only."""
    return _plain(f"{head}{', '.join(parameters) or 'void'});")


def _plain(text: str) -> str:
    """Escape what man(7) would read as markup."""
    return text.replace("\\", "\\e").replace("-", "\\-")


def _prose(text: str) -> str:
    return _MARKUP_LINE.sub("\\\\&", _plain(prose([text], columns=76)))


def _emit(call: Call, number: int, abis: tuple[Abi, ...]) -> Files:
    return {f"{call.name}.2": man_page(call)}


EMITTER = Emitter("man", "Manual page for section 2", _emit)
