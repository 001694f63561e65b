"""Prototypes of the calls' entries, and declarations of the structs that they point to."""

from __future__ import annotations

import re

from syscraft.emit.kernel.compat import compat_prototype
from syscraft.emit.kernel.prototypes import forward_declarations, prototypes
from syscraft.tree.mails import CALL
from syscraft.tree.pieces import Piece, Site

_SYSCALLS_H = "include/linux/syscalls.h"
_COMPAT_H = "include/linux/compat.h"
_STRUCT_DECLARATION = re.compile(r"^struct \w+;$")


def _edit(site: Site) -> None:
    _add_prototypes(site)
    compat = "".join(compat_prototype(call) for call in site.unit.calls)
    if compat:
        end = site.editor.find(
            _COMPAT_H,
            lambda line: line == "#endif /* CONFIG_ARCH_HAS_SYSCALL_WRAPPER */\n",
            "#endif /* CONFIG_ARCH_HAS_SYSCALL_WRAPPER */",
            last=True,  # the first one ends the macros
        )
        site.editor.insert(_COMPAT_H, end, f"{compat}\n")


def _add_prototypes(site: Site) -> None:
    editor = site.editor
    lines = editor.lines(_SYSCALLS_H)
    heading = editor.find(
        _SYSCALLS_H,
        lambda line: line == " * Architecture-specific system calls\n",
        "the comment 'Architecture-specific system calls'",
    )
    end = heading - 1  # the comment's opening line
    while end and not lines[end - 1].strip():
        end -= 1
    editor.insert(_SYSCALLS_H, end, "".join(prototypes(call) for call in site.unit.calls))
    wanted = {text for call in site.unit.calls for text in forward_declarations(call)}
    needed = sorted(wanted)
    new = [text for text in needed if text + "\n" not in lines]
    editor.share(_SYSCALLS_H, "".join(f"{text}\n" for text in needed))
    if new:
        includes = next(i for i, line in enumerate(lines) if line.startswith("#include"))
        others = [i for i, line in enumerate(lines[:includes]) if _STRUCT_DECLARATION.match(line)]
        place = others[-1] + 1 if others else includes
        editor.insert(_SYSCALLS_H, place, "".join(f"{text}\n" for text in new))


PIECE = Piece(
    name="prototypes",
    mail=CALL,
    order=20,
    where=f"`{_SYSCALLS_H}`, `{_COMPAT_H}`",
    summary="prototypes",
    edit=_edit,
    quiet=True,
)
