"""The header that programs include."""

from __future__ import annotations

from syscraft.emit.kernel.uapi import uapi_header
from syscraft.tree.mails import CALL
from syscraft.tree.pieces import Piece

PIECE = Piece(
    name="uapi",
    mail=CALL,
    order=30,
    where="`include/uapi/linux/NAME.h`",
    summary="structs, versions and flags, if there are any",
    new_files=lambda call: {call.uapi_path: uapi_header(call)} if call.has_uapi else {},
)
