"""Declared variants of fork-like calls, as clone() and spawn() call them."""

from __future__ import annotations

import signal
from array import array
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:  # it loads slowly
    from inspect import Signature


def parameters_of(caller: str, how: Callable[..., int]) -> Signature:
    """Find what a variant takes.

    Raises:
        TypeError: it is no function, or does not tell.
    """
    import inspect

    if not callable(how):
        raise TypeError(f"{caller}(): how is {how!r}: expected a function that makes a child")
    try:
        return inspect.signature(how)
    except ValueError:
        raise TypeError(
            f"{caller}(): how is {how!r}, which does not tell its parameters: expected a function "
            "from a module that syscraft generate wrote"
        ) from None


def variant_call(
    caller: str,
    how: Callable[..., int],
    extras: Mapping[str, Any],
    flags: int,
    exit_signal: int = signal.SIGCHLD,
    set_tid: tuple[int, ...] = (),
    cgroup: int = -1,
) -> Callable[[], int]:
    """Give a variant its arguments: one like clone(2) or clone3(2), or one that takes no flags.

    Args:
        caller: the function that messages name.
        extras: the arguments that the variant has more than what it is like.
        set_tid: for a variant of clone3(2) only, as *cgroup*, a descriptor or -1.

    Raises:
        TypeError: the variant does not take these arguments.
        ValueError: it has no place for the flags or the exit signal.
    """
    signature = parameters_of(caller, how)
    arguments = dict(extras)
    keep: object = None
    if _is_clone3(signature):
        from syscraft.runtime.structs import CloneArgs

        ids = array("i", set_tid)
        args = CloneArgs(flags=flags, exit_signal=exit_signal)
        if set_tid:
            args.set_tid, args.set_tid_size = ids.buffer_info()
        if cgroup >= 0:
            args.flags |= 0x200000000  # CLONE_INTO_CGROUP
            args.cgroup = cgroup
        arguments |= {"uargs": args, "size": len(args)}
        keep = ids
    elif "flags" in signature.parameters:
        arguments["flags"] = flags | exit_signal
    else:
        _check_no_flags(caller, how, flags, exit_signal)
    try:
        signature.bind(**arguments)
    except TypeError as error:
        raise TypeError(f"{caller}(): how is {_name(how)}{signature}: {error}") from None
    return partial(_call, how, arguments, keep)


def clone3_only(caller: str, how: Callable[..., int]) -> None:
    """Refuse arguments that only a variant of clone3(2) has a place for."""
    if not _is_clone3(parameters_of(caller, how)):
        raise TypeError(
            f"{caller}(): cgroup= and set_tid= are clone3(2)'s: leave them out with how=, or use a "
            "variant of clone3(2)"
        )


def _call(how: Callable[..., int], arguments: Mapping[str, Any], keep: object) -> int:
    return how(**arguments)


def _is_clone3(signature: Signature) -> bool:
    # The kernel's names of its parameters, kernel/fork.c.
    return {"uargs", "size"} <= signature.parameters.keys()


def _check_no_flags(caller: str, how: Callable[..., int], flags: int, exit_signal: int) -> None:
    if flags:
        _refuse(caller, how, "no flags", "flags= and namespaces=")
    if exit_signal != signal.SIGCHLD:
        _refuse(caller, how, "no exit signal", "exit_signal=")


def _refuse(caller: str, how: Callable[..., int], what: str, leave_out: str) -> NoReturn:
    raise ValueError(f"{caller}(): {_name(how)}() takes {what}: leave out {leave_out}")


def _name(how: Callable[..., int]) -> str:
    return getattr(how, "__name__", None) or repr(how)
