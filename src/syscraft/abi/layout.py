"""Where arguments go: registers, and the halves of 64-bit arguments."""

from __future__ import annotations

from enum import Enum


class Pairs(Enum):
    """Where the two halves of a 64-bit argument go.

    On big-endian ABIs the high half is in the first register, on others the low one.
    """

    WHOLE = "one register holds it"
    CONSECUTIVE = "the next two registers hold it"
    EVEN = "an even-numbered register and the next one hold it; one may stay unused before"
