"""How a program enters the kernel: the instruction and its registers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True)
class Register:
    """A register: ``name`` in C and in comments, ``asm`` for the assembler where that differs."""

    name: str
    asm: str = ""

    @property
    def spelling(self) -> str:
        return self.asm or self.name


def registers(text: str) -> tuple[Register, ...]:
    """Read ``x0 x1`` or, where the assembler has other names, ``a0=$4 a1=$5``."""
    return tuple(Register(*word.split("=")) for word in text.split())


@dataclass(frozen=True)
class Trap:
    """How a program of the ABI enters the kernel.

    Args:
        instruction: assembly, lines separated by ``; ``, operands by a blank. Where compilers
            can be told to write another syntax, that follows behind `` | ``.
        number, arguments, result: the registers; ``arguments`` are six.
        failed: a register that is not 0 when ``result`` is a positive errno. Where another
            kind of flag tells it, ``instruction`` itself makes -errno of it.
        clobbers: C text of the clobber list, without the registers named above.
        arguments_survive: whether the kernel gives argument registers back unchanged;
            all but those of ``temporaries``.
        number_survives: the same of the number's register.
        by_arity: what replaces ``instruction`` for calls with this many arguments.
        error_rule: how the kernel tells of an error, for the comment.
        stack: what the trap does with the user's stack, for the comment.
        stack_bytes: what it gives back of the stack behind itself where ``by_arity`` replaces it;
            so does a child, whose own stack starts that much below.
        in_registers: how many arguments the kernel takes from registers, where not all; it
            looks for the others at ``stacked``, which ``instruction`` fills.
        clobbered: the clobber list in words, for the comment.
    """

    instruction: str
    number: Register
    arguments: tuple[Register, ...]
    result: Register
    failed: Register | None = None
    clobbers: str = '"memory"'
    arguments_survive: bool = True
    temporaries: tuple[Register, ...] = ()
    number_survives: bool = True
    by_arity: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    error_rule: str = "-4095..-1 is -errno"
    stack: str = "not used"
    stack_bytes: int = 0
    in_registers: int = 6
    stacked: tuple[str, ...] = ()
    clobbered: str = "nothing else"
