"""What answers for the calls in a kernel without it."""

from __future__ import annotations

from syscraft.emit.kernel.prototypes import compat_names
from syscraft.tree.mails import CALL
from syscraft.tree.pieces import Piece, Site

_SYS_NI = "kernel/sys_ni.c"


def _edit(site: Site) -> None:
    stubs = []
    for call in site.unit.calls:
        stubs.append(f"COND_SYSCALL({call.name});\n")
        stubs += [f"COND_SYSCALL_COMPAT({name});\n" for name in compat_names(call)]
    end = len(site.editor.lines(_SYS_NI))
    site.editor.insert(_SYS_NI, end, "\n" + "".join(stubs))


PIECE = Piece(
    name="stub",
    mail=CALL,
    order=40,
    where=f"`{_SYS_NI}`",
    summary="the stub that returns `ENOSYS` when the option is off",
    edit=_edit,
)
