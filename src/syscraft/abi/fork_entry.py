"""What a call that returns in a child too needs in the kernel besides a row in a table."""

from __future__ import annotations

from dataclasses import dataclass

from syscraft.abi.clone_order import CloneOrder


@dataclass(frozen=True)
class Imitation:
    """Text of a kernel that serves clone3 or clone, to be there once more for another call.

    Args:
        paths: files that may have it; the first one that does is edited.
        first, last: regular expressions of its first and last line. The last such place is
            imitated, and the copy stands behind it. Without ``last`` it is one line.
        words: regular expression of what the copy has the call's name for.
        optional: whether some kernels do not have it, nor need it.
    """

    paths: tuple[str, ...]
    first: str
    last: str | None = None
    words: str = "clone3?"
    optional: bool = False


@dataclass(frozen=True)
class Addition:
    """Text of our own for a kernel, from the file ``template`` of the ABI's folder.

    It goes behind the last place from a line that matches ``first`` to one that matches ``last``,
    unless a line of the file matches ``unless``.
    """

    path: str
    template: str
    first: str
    last: str | None = None
    unless: str | None = None


@dataclass(frozen=True)
class ForkEntry:
    """What a call that returns in a child too needs besides a row in a table.

    Its child inherits registers that an ordinary call does not save. What is described here
    for one ABI holds for its architecture; the others refer to it.

    Args:
        row: the entry that a table of the architecture's own names, made of ``{name}``.
        imitations, additions: the edits.
        registers: C expressions of the six arguments, for templates of ``additions``.
        order: the order in which the generic code of this architecture takes clone(2)'s
            arguments, where its own code has another one for programs.
        keeps_no_stack: the Kconfig symbol of an architecture whose child gets a stack pointer
            of 0 when it asks for 0; elsewhere it goes on with the parent's.
    """

    row: str
    imitations: tuple[Imitation, ...] = ()
    additions: tuple[Addition, ...] = ()
    registers: tuple[str, ...] = ()
    order: CloneOrder | None = None
    keeps_no_stack: str | None = None
