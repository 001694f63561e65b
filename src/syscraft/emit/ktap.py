"""ktap.h: what test programs need to speak KTAP."""

from __future__ import annotations

from syscraft.abi.abi import Abi
from syscraft.emit.base import Emitter, Files, fill
from syscraft.model.call import Call


def _emit(call: Call, number: int, abis: tuple[Abi, ...]) -> Files:
    return {"ktap.h": fill("ktap.h.j2")}


EMITTER = Emitter("ktap", "C header for test programs that speak KTAP", _emit)
