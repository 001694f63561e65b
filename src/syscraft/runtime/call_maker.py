"""Makes the functions of ``calls`` from what the table knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from syscraft.runtime import _core
from syscraft.runtime.call_table import (
    KEEP_GIL,
    Parameter,
    Prototype,
    Registers,
    Table,
    fits,
    near,
    own_table,
    registers,
)
from syscraft.runtime.policy import REFUSED, RETRY

if TYPE_CHECKING:
    import inspect


def make_call(table: Table, name: str) -> Callable[..., int] | None:
    """Make the function of a call; None if no ABI has one of this name."""
    prototype = table.prototype(name)
    if prototype is None:
        return None
    laid_out = registers(table.abi, prototype.parameters)
    refused = REFUSED.get(name)
    if not fits(laid_out):
        refused = refused or (
            f"{name}() takes more than six registers on {table.abi.key}, which raw calls cannot "
            "pass: call libc's function of this name by ctypes"
        )
    doc = describe(prototype, table.abi.key, refused)
    if refused or all(part == "whole" for _, part in laid_out.places):
        return _core_call(prototype, prototype.parameters, doc, refused)
    parts = tuple(_part(prototype.parameters[index], part) for index, part in laid_out.places)
    inner = _core_call(prototype, parts, doc, None)
    return WideCall(prototype, laid_out, inner, doc)


def _core_call(
    prototype: Prototype, wanted: tuple[Parameter, ...], doc: str, refused: str | None
) -> _core.Call:
    return _core.Call(
        prototype.name,
        prototype.number,
        tuple(parameter.name for parameter in wanted),
        prototype.name not in KEEP_GIL,
        _mask(parameter.is_path for parameter in wanted),
        doc,
        pointer_mask=_mask(parameter.takes_memory for parameter in wanted),
        write_mask=_mask(parameter.is_written for parameter in wanted),
        copy_mask=_mask(parameter.is_word for parameter in wanted),
        retry=prototype.name in RETRY,
        refused=refused,
    )


def _mask(bits: Iterable[bool]) -> int:
    return sum(1 << index for index, bit in enumerate(bits) if bit)


def _part(parameter: Parameter, part: str) -> Parameter:
    """The half of a parameter, or what fills a register before it."""
    if part == "whole":
        return parameter
    return Parameter(f"{parameter.name}_{part}", "unsigned int", is_path=False)


def describe(prototype: Prototype, abi: str, refused: str | None = None) -> str:
    """Write the docstring of a call."""
    lines = [f"C: {prototype.c_text}", ""]
    if refused is not None:
        lines.append(f"Raises ValueError: {refused}.")
    elif prototype.retired:
        lines[0] = f"{prototype.name}: Linux has no such call any more, only its number."
        lines.append("It raises OSError (ENOSYS); syscall() passes whatever it once took.")
    elif prototype.number < 0:
        lines.append(f"It raises OSError (ENOSYS): the ABI of this program, {abi}, lacks the call.")
    else:
        lines.append(
            f"Number {prototype.number} on {abi}. It raises OSError: of what man 2 "
            f"{prototype.name} says, and ENOSYS where the running kernel lacks the call."
        )
    return "\n".join(lines)


def signature_of(name: str, params: tuple[str, ...]) -> inspect.Signature:
    """Make what inspect tells of a call: its parameters, annotated with their C types.

    Args:
        name: the call's name; parameters of one that is in no table have no annotations.
        params: the parameters' names.
    """
    import inspect  # it loads slowly, and only inspect asks for this

    kind, empty = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Signature.empty
    prototype = own_table().prototype(name)
    known = prototype is not None and tuple(p.name for p in prototype.parameters) == params
    types = {p.name: p.c_type for p in prototype.parameters} if prototype and known else {}
    return inspect.Signature(
        [inspect.Parameter(p, kind, annotation=types.get(p, empty)) for p in params],
        return_annotation="long" if known else empty,
    )


class WideCall:
    """A call with 64-bit parameters where registers have 32: it takes them whole."""

    def __init__(
        self,
        prototype: Prototype,
        laid_out: Registers,
        inner: Callable[..., int],
        doc: str,
    ) -> None:
        names = tuple(parameter.name for parameter in prototype.parameters)
        self.__name__ = self.__qualname__ = prototype.name
        self.__module__ = "syscraft.calls"
        self.__doc__ = doc
        self.__text_signature__ = f"({', '.join(names)})"
        self.number = prototype.number
        self.params = names
        self.blocking = prototype.name not in KEEP_GIL
        self._wide = frozenset(
            parameter.name for parameter in prototype.parameters if parameter.is_wide
        )
        self._laid_out = laid_out
        self._inner = inner

    def __call__(self, *args: Any, **kwargs: Any) -> int:
        return self._inner(*self._laid_out.fill(self._ordered(args, kwargs)))

    @property
    def __signature__(self) -> inspect.Signature:
        return signature_of(self.__name__, self.params)

    def __repr__(self) -> str:
        return f"<system call {self.__name__}{self.__text_signature__}, number {self.number}>"

    def _ordered(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        given = dict(zip(self.params, args, strict=False))
        shown = f"it is {self.__name__}{self.__text_signature__}"
        for name in kwargs:
            if name not in self.params:
                raise TypeError(f"{self.__name__}() has no argument {name!r}; {shown}")
            if name in given:
                raise TypeError(f"{self.__name__}() got argument {name!r} twice")
        given |= kwargs
        count = len(args) + len(kwargs)
        if count != len(self.params):
            raise TypeError(
                f"{self.__name__}() takes {len(self.params)} arguments, {count} given; {shown}"
            )
        for name in self._wide:
            self._check(name, given[name])
        return [given[name] for name in self.params]

    def _check(self, name: str, value: Any) -> None:
        if not isinstance(value, int):
            raise TypeError(
                f"{self.__name__}(): {name} is a {type(value).__name__}: expected an integer, for "
                "it is no address"
            )
        if not -(1 << 63) <= value < 1 << 64:
            raise OverflowError(
                f"{self.__name__}(): {name} does not fit into 64 bits: expected an integer from "
                "-2**63 to 2**64-1"
            )


def unknown(name: str) -> AttributeError:
    """Say that no ABI has a call of this name."""
    hint = "" if name.startswith("__") else near(name)
    return AttributeError(f"module 'syscraft.calls' has no call {name!r}{hint}")
