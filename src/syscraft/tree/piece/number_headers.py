"""The headers that hold numbers by hand."""

from __future__ import annotations

from syscraft.tree.mails import WIRING
from syscraft.tree.number_headers import add_entry, find_headers
from syscraft.tree.pieces import Piece, Site


def _edit(site: Site) -> None:
    call = site.call
    for path in find_headers(site.tree):
        add_entry(site.tree, site.editor, path, site.number, call.name, compat=call.needs_compat)


PIECE = Piece(
    name="number-headers",
    mail=WIRING,
    order=20,
    where="`include/uapi/asm-generic/unistd.h`",
    summary="the number, and the count of calls, where they are kept by hand",
    edit=_edit,
    quiet=True,
)
