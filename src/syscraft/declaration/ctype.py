"""C types as data: a base, what each pointer points to, and how a declaration is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from syscraft.declaration.scalars import SCALARS, Scalar
from syscraft.errors import Where


@dataclass(frozen=True)
class Pointee:
    """What stands in front of a ``*``: whether what it points to is const, and user memory."""

    const: bool = False
    user: bool = False


@dataclass(frozen=True)
class CType:
    """A C type as declared.

    Args:
        base: the type without qualifiers and pointers, for example ``struct open_how``.
        pointers: how many ``*``.
        const: whether what the first ``*`` points to is const. Of a value it says nothing, and
            is not kept.
        user: whether the first ``*`` is a ``__user`` one.
        inner: what further ``*`` point to, a pointer each; empty if there are no qualifiers.
        array: text between the brackets of a struct's field, or None.
    """

    base: str
    pointers: int = 0
    const: bool = False
    user: bool = False
    array: str | None = None
    inner: tuple[Pointee, ...] = ()

    @property
    def is_pointer(self) -> bool:
        return self.pointers > 0

    @property
    def pointees(self) -> tuple[Pointee, ...]:
        """What each ``*`` points to, in the order of the text."""
        plain = (Pointee(),) * (self.pointers - 1)
        return (Pointee(self.const, self.user), *(self.inner or plain)) if self.pointers else ()

    @property
    def is_all_user(self) -> bool:
        """Whether every ``*`` is a ``__user`` one."""
        return all(pointee.user for pointee in self.pointees)

    def marked(self, *, user: bool) -> CType:
        """The same type with every ``*`` a ``__user`` one, or none."""
        if not self.is_pointer:
            return replace(self, user=False)
        inner = tuple(replace(pointee, user=user) for pointee in self.pointees[1:])
        return replace(self, user=user, inner=inner if any_qualified(inner) else ())

    @property
    def scalar(self) -> Scalar | None:
        """What is known of the number that a value of this type is; None if it is none."""
        return None if self.is_pointer else SCALARS.get(self.base)

    @property
    def is_wide(self) -> bool:
        return self.scalar is not None and self.scalar.is_wide

    @property
    def is_long(self) -> bool:
        return self.scalar is not None and self.scalar.is_long

    def declare(self, name: str, *, kernel: bool, base: str | None = None) -> str:
        """Write a declaration of *name*: ``const char __user *const __user *argv``."""
        words = ["const"] if self.const else []
        words.append(base or self.base)
        stars = ""
        for index, pointee in enumerate(self.pointees):
            if index and pointee.const:
                stars += "const "
            if kernel and pointee.user:
                # As the kernel's headers have it: "* __user *", but "*const __user *".
                stars += " __user " if stars.endswith("*") else "__user "
            stars += "*"
        words.append(stars + name)
        array = f"[{self.array}]" if self.array is not None else ""
        return " ".join(word for word in words if word) + array

    def spell(self, *, kernel: bool, base: str | None = None) -> str:
        """Write the type alone: ``const char __user *``."""
        return self.declare("", kernel=kernel, base=base)


def any_qualified(pointees: Iterable[Pointee]) -> bool:
    return any(pointee != Pointee() for pointee in pointees)


@dataclass(frozen=True)
class CDeclarator:
    """A parameter or a field: its name, its type, and where it stands."""

    name: str
    ctype: CType
    where: Where = field(compare=False)


@dataclass(frozen=True)
class CPrototype:
    """A function's name, result and parameters."""

    name: str
    returns: CType
    parameters: tuple[CDeclarator, ...]
    where: Where = field(compare=False)
