"""The source file of the calls."""

from __future__ import annotations

from syscraft.emit.kernel.source import kernel_source
from syscraft.tree.mails import CALL
from syscraft.tree.pieces import Piece

PIECE = Piece(
    name="source",
    mail=CALL,
    order=10,
    where="`kernel/NAME.c`",
    summary="your body and the `SYSCALL_DEFINE` around it",
    new_files=lambda unit: {unit.shared.kernel_path: kernel_source(unit).text},
)
