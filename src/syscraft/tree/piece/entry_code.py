"""Entry code of architectures for calls that return in a child too."""

from __future__ import annotations

from syscraft.tree.entries import add_fork_entries
from syscraft.tree.mails import WIRING
from syscraft.tree.pieces import Piece, Site


def _edit(site: Site) -> None:
    for call in site.unit.calls:
        if call.returns_twice:
            add_fork_entries(call, site.tree, site.editor)


PIECE = Piece(
    name="entry-code",
    mail=WIRING,
    order=30,
    where="`arch/*/kernel`",
    summary="entry code, for calls that return twice",
    edit=_edit,
)
