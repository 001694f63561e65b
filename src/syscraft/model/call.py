"""The model: what is known of a call once its declaration has been checked.

Frozen, valid, free of text formats and of the disk. Emitters read only this.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum

from syscraft.declaration.ctype import CDeclarator, CType
from syscraft.errors import Where
from syscraft.model.expression import Expression
from syscraft.model.tests import TestProgram

# Numbers that syscraft gives to calls that are not meant for upstream. Nothing in
# Linux comes near them, and above 999 mips o32's block (4000) would run into n64's (5000).
# Source: arch/mips/include/uapi/asm/unistd.h, Linux 6.12
PRIVATE_NUMBERS = range(900, 1000)

_WORD = re.compile(r"\w+", re.ASCII)


class NumberPolicy(Enum):
    """How a call gets its number."""

    PRIVATE = "private"
    NEXT = "next"
    FIXED = "fixed"


@dataclass(frozen=True)
class NumberChoice:
    policy: NumberPolicy
    fixed: int | None
    where: Where


@dataclass(frozen=True)
class Parameter:
    name: str
    ctype: CType

    @property
    def is_wide(self) -> bool:
        return self.ctype.is_wide

    @property
    def is_long(self) -> bool:
        return self.ctype.is_long


@dataclass(frozen=True)
class KernelSignature:
    """The parameter list of one SYSCALL_DEFINE; ``condition`` is its Kconfig symbol."""

    condition: str | None
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True)
class StructField:
    """A field of a struct of the author's own."""

    name: str
    ctype: CType
    offset_bytes: int
    where: Where = field(compare=False)


@dataclass(frozen=True)
class Struct:
    """A struct of the author's own, laid out as every compiler does; ``text`` is the author's."""

    name: str
    fields: tuple[StructField, ...]
    size_bytes: int
    text: str
    where: Where = field(compare=False)


@dataclass(frozen=True)
class Field:
    """A field of a packed struct.

    ``parameter`` is the kernel parameter it carries; None for padding, which must be zero.
    """

    name: str
    type_name: str
    size_bytes: int
    offset_bytes: int
    parameter: Parameter | None
    array: int | None = None


@dataclass(frozen=True)
class StructVersion:
    """``size_bytes`` is the end of ``last_field``; newer versions only append."""

    size_bytes: int
    last_field: str


@dataclass(frozen=True)
class PackedStruct:
    name: str
    call_name: str
    fields: tuple[Field, ...]
    versions: tuple[StructVersion, ...]

    @property
    def size_bytes(self) -> int:
        return self.versions[-1].size_bytes

    @property
    def padding(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.parameter is None)

    def version_of(self, parameter: str) -> int:
        """The index of the first version that carries *parameter*."""
        end = next(
            f.offset_bytes + f.size_bytes
            for f in self.fields
            if f.parameter and f.parameter.name == parameter
        )
        return next(i for i, version in enumerate(self.versions) if end <= version.size_bytes)

    def size_constant(self, version: int) -> str:
        return f"{self.name.upper()}_SIZE_VER{version}"


@dataclass(frozen=True)
class Argument:
    """What a wrapper passes for one kernel parameter, in terms of the user's arguments."""

    parameter: Parameter
    expression: Expression
    is_plain: bool  # the user's own argument of the same type, no cast needed


@dataclass(frozen=True)
class Wrapper:
    """A user-space function: the user's prototype and what each kernel parameter gets."""

    name: str
    returns: CType
    parameters: tuple[Parameter, ...]
    arguments: tuple[Argument, ...]
    struct_version: int | None  # smallest version that holds all it passes


@dataclass(frozen=True)
class Constant:
    name: str
    value: Expression
    summary: str | None
    where: Where = field(compare=False)


@dataclass(frozen=True)
class ErrorDoc:
    errno: str
    when: str
    where: Where = field(compare=False)


@dataclass(frozen=True)
class Case:
    """One row of the declared table; exactly one of ``returns`` and ``errno`` is set."""

    name: str
    wrapper: str
    setup: str
    args: tuple[str, ...]
    returns: str | None
    errno: str | None
    check: str | None
    where: Where

    @property
    def words(self) -> frozenset[str]:
        """The names that its C text has."""
        texts = (self.wrapper, self.setup, *self.args, self.returns or "", self.check or "")
        return frozenset(_WORD.findall(" ".join(texts)))


@dataclass(frozen=True)
class Kconfig:
    symbol: str
    help: str
    where: Where


@dataclass(frozen=True)
class TextFile:
    """A file of the declaration's folder; ``shown_path`` is how messages name it."""

    name: str
    shown_path: str
    text: str


def types_module(name: str) -> str:
    """The Python module that holds what several calls share."""
    return f"{name}_types"


@dataclass(frozen=True)
class Shared:
    """What the calls of a declaration have in common; most declarations have one call.

    ``name``, ``summary`` and ``description`` are the call's own if there is only one.
    ``packed`` are the structs of all calls that pass their arguments in one.
    """

    name: str
    where: Where
    summary: str
    description: str
    author: str
    source_name: str
    call_names: tuple[str, ...]
    structs: tuple[Struct, ...]
    packed: tuple[PackedStruct, ...]
    includes: tuple[str, ...]
    flags: tuple[Constant, ...]
    kconfig: Kconfig
    body: TextFile
    patches: tuple[TextFile, ...]
    tests: tuple[TestProgram, ...]

    @property
    def has_uapi(self) -> bool:
        """Whether there is anything for a uapi header to define."""
        return bool(self.packed or self.structs or self.flags)

    @property
    def kernel_path(self) -> str:
        return f"kernel/{self.name}.c"

    @property
    def uapi_path(self) -> str:
        return f"include/uapi/linux/{self.name}.h"


@dataclass(frozen=True)
class Silence:
    """A rule that the declaration's author has looked at and put aside."""

    rule: str
    reason: str
    where: Where


@dataclass(frozen=True)
class Written:
    """What the author wrote, with its places, where the model has made something else of it.

    Args:
        kernel: the kernel's parameters, before they are packed or come in several orders.
        kernel_where: where they stand, or the call that they come from.
        versions: the fields of each version, as declared.
    """

    kernel: tuple[CDeclarator, ...]
    kernel_where: Where
    versions: tuple[tuple[str, ...], ...]
    silences: tuple[Silence, ...]


@dataclass(frozen=True)
class Call:
    """A system call, declared and valid.

    ``parameters`` are what the body ``do_<name>`` takes, in order; ``signatures`` what
    SYSCALL_DEFINE takes, one per argument order. ``clone_extras`` are the parameters
    that a clone variant adds, else empty. ``where`` is the place of its name. ``retry``
    says that nothing is wrong with a second call after EINTR.
    """

    name: str
    where: Where
    summary: str
    description: str
    shared: Shared
    like: str | None
    parameters: tuple[Parameter, ...]
    signatures: tuple[KernelSignature, ...]
    clone_extras: tuple[Parameter, ...]
    packed: PackedStruct | None
    wrappers: tuple[Wrapper, ...]
    errors: tuple[ErrorDoc, ...]
    missing: str
    number: NumberChoice
    returns_twice: bool
    retry: bool
    cases: tuple[Case, ...]
    written: Written = field(compare=False)

    @property
    def source_name(self) -> str:
        return self.shared.source_name

    @property
    def is_clone(self) -> bool:
        return self.like == "clone"

    @property
    def is_clone3(self) -> bool:
        """Whether it is a variant of clone3(2), whose first two parameters are a struct."""
        return self.like == "clone3"

    @property
    def starts_function(self) -> bool:
        """Whether its wrapper calls a function in the child, on a stack of the child's own.

        Other calls that return twice have a wrapper that returns twice as well.
        """
        return self.is_clone or self.is_clone3

    @property
    def may_share_memory(self) -> bool:
        """Whether a child of it may run in the parent's memory, on the stack that called."""
        return self.returns_twice and not self.starts_function and self.like != "fork"

    @property
    def added(self) -> tuple[Parameter, ...]:
        """The parameters of :attr:`starts_function` calls that the existing call does not have."""
        return self.parameters[2:] if self.is_clone3 else self.clone_extras

    @property
    def has_wide_arguments(self) -> bool:
        return not self.packed and any(parameter.is_wide for parameter in self.parameters)

    @property
    def needs_compat(self) -> bool:
        """Whether programs of 32 bits need an entry of their own in kernels of 64.

        Pointers and structs of fixed-width fields need none. A call that returns twice has one
        entry, around which some architectures put code of their own: see ``widened``.
        """
        if self.packed or self.returns_twice:
            return False
        return any(parameter.is_wide or parameter.is_long for parameter in self.parameters)

    @property
    def widened(self) -> tuple[Parameter, ...]:
        """The parameters whose upper half the entry itself makes for programs of 32 bits.

        What clone(2) has is not among them, for the kernel itself does not do it.
        """
        if self.packed or not self.returns_twice:
            return ()
        parameters = self.clone_extras if self.is_clone else self.parameters
        return tuple(parameter for parameter in parameters if parameter.is_long)


@dataclass(frozen=True)
class Unit:
    """All calls of a declaration: what one series adds to a kernel."""

    shared: Shared
    calls: tuple[Call, ...]

    @property
    def name(self) -> str:
        return self.shared.name
