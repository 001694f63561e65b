"""The headers that hold numbers by hand."""

from __future__ import annotations

from syscraft.tree.mails import WIRING
from syscraft.tree.number_headers import Entry, add_entries, find_headers
from syscraft.tree.pieces import Piece, Site


def _edit(site: Site) -> None:
    entries = [
        Entry(site.numbers[call.name], call.name, call.needs_compat) for call in site.unit.calls
    ]
    for path in find_headers(site.tree):
        add_entries(site.tree, site.editor, path, entries)


PIECE = Piece(
    name="number-headers",
    mail=WIRING,
    order=20,
    where="`include/uapi/asm-generic/unistd.h`",
    summary="the number, and the count of calls, where they are kept by hand",
    edit=_edit,
    quiet=True,
)
