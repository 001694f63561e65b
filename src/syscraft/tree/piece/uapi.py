"""The header that programs include."""

from __future__ import annotations

from syscraft.emit.kernel.uapi import uapi_header
from syscraft.model.call import Unit
from syscraft.tree.mails import CALL
from syscraft.tree.pieces import Piece


def _files(unit: Unit) -> dict[str, str]:
    shared = unit.shared
    return {shared.uapi_path: uapi_header(shared)} if shared.has_uapi else {}


PIECE = Piece(
    name="uapi",
    mail=CALL,
    order=30,
    where="`include/uapi/linux/NAME.h`",
    summary="structs, their sizes and flags, if there are any",
    new_files=_files,
)
