"""bare_syscalls.h: syscall0 to syscall6 as inline assembly, without libc."""

from __future__ import annotations

from syscraft.abi.base import Abi
from syscraft.emit.base import Emitter, Files, fill, fill_text
from syscraft.model.call import Call


def _emit(call: Call, number: int, abis: tuple[Abi, ...]) -> Files:
    blocks = [(abi.macro, fill_text(abi.template("bare_syscalls.c.j2"))) for abi in abis]
    return {"bare_syscalls.h": fill("bare_syscalls.h.j2", blocks=blocks)}


EMITTER = Emitter("bare-syscalls", "C header with syscall0..6 in inline assembly, no libc", _emit)
