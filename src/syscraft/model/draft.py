"""A call between its declaration and the model: what the phases have found out so far."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from syscraft.declaration.ctext import Locate
from syscraft.declaration.ctype import CDeclarator, CPrototype
from syscraft.declaration.schema import CALL_KEYS, KEYS
from syscraft.declaration.toml_file import KeyPath, TomlFile
from syscraft.errors import Where
from syscraft.model.call import (
    Call,
    Case,
    Constant,
    ErrorDoc,
    Kconfig,
    KernelSignature,
    NumberChoice,
    NumberPolicy,
    PackedStruct,
    Parameter,
    Shared,
    Silence,
    Struct,
    TextFile,
    Wrapper,
    Written,
)
from syscraft.model.expression import Expression
from syscraft.model.tests import TestProgram

# Calls that return in a child as well. Source: kernel/fork.c, Linux 6.12
FORK_LIKE = frozenset(("clone", "clone3", "fork", "vfork"))

# What each of several calls has a value of its own for, whatever is said above them.
_OWN = frozenset(key.name for key in CALL_KEYS if key.required) | {"description"}
_SAID_ABOVE = frozenset(key.name for key in KEYS) - _OWN - {"calls"}


class Draft:
    """A call that is being compiled; attributes appear phase by phase.

    Args:
        index: which of the declaration's ``[[calls]]`` it is; None if there are none.
    """

    def __init__(self, file: TomlFile, folder: Path, index: int | None = None) -> None:
        self.file = file
        self.folder = folder
        self.whole: dict[str, Any] = file.data
        self.data: dict[str, Any] = self.whole
        self._own: KeyPath = ()
        if index is not None:
            above = {key: value for key, value in self.whole.items() if key in _SAID_ABOVE}
            self.data = above | self.whole["calls"][index]
            self._own = ("calls", index)
        self.name: str = self.data["name"]
        self.extras: tuple[Parameter, ...] = ()
        self.kernel: tuple[CDeclarator, ...] = ()
        self.prototypes: tuple[CPrototype, ...] = ()
        self.derive: dict[str, Expression] = {}
        self.flags: tuple[Constant, ...] = ()
        self.structs: tuple[Struct, ...] = ()
        self.known_types: frozenset[str] = frozenset()
        self.parameters: tuple[Parameter, ...] = ()
        self.signatures: tuple[KernelSignature, ...] = ()
        self.packed: PackedStruct | None = None
        self.wrappers: tuple[Wrapper, ...] = ()
        self.cases: tuple[Case, ...] = ()
        self.body: TextFile
        self.patches: tuple[TextFile, ...] = ()
        self.tests: tuple[TestProgram, ...] = ()

    @property
    def is_clone(self) -> bool:
        return self.data.get("like") == "clone"

    @property
    def is_clone3(self) -> bool:
        return self.data.get("like") == "clone3"

    @property
    def is_one_of_several(self) -> bool:
        """Whether the declaration has a table for each of its calls."""
        return bool(self._own)

    @property
    def returns_twice(self) -> bool:
        """Whether the call returns in a child as well."""
        return bool(self.data.get("returns_twice", self.data.get("like") in FORK_LIKE))

    def where(self, *path: str | int) -> Where:
        """The place of a key of :attr:`data`, or of the call itself."""
        return self.file.where(self._path(path))

    def locate(self, path: KeyPath) -> Locate:
        """Make the map from places inside a string value to places in the file."""
        return self.file.locate(self._path(path))

    def _path(self, path: KeyPath) -> KeyPath:
        if not self._own or (
            path and path[0] not in self.whole["calls"][self._own[1]] and path[0] in self.data
        ):
            return path
        return (*self._own, *path)

    @property
    def kernel_where(self) -> Where:
        """Where the kernel's parameters stand, or the call that they come from."""
        return self.where("kernel" if "kernel" in self.data else "like")

    def number(self) -> NumberChoice:
        value = self.data.get("number", "private")
        if isinstance(value, int):
            return NumberChoice(NumberPolicy.FIXED, value, self.where("number"))
        return NumberChoice(NumberPolicy(value), None, self.where("number"))

    def finish(self, shared: Shared) -> Call:
        data = self.data
        return Call(
            name=self.name,
            where=self.where("name"),
            summary=_summary(data),
            description=_description(data),
            shared=shared,
            like=data.get("like"),
            parameters=self.parameters,
            signatures=self.signatures,
            clone_extras=self.extras,
            packed=self.packed,
            wrappers=self.wrappers,
            errors=tuple(
                ErrorDoc(
                    e["errno"], " ".join(e["when"].split()), self.where("errors", index, "errno")
                )
                for index, e in enumerate(data.get("errors", ()))
            ),
            missing=data.get("missing", "ENOSYS"),
            number=self.number(),
            returns_twice=self.returns_twice,
            retry=data.get("retry", False),
            cases=self.cases,
            written=Written(
                kernel=self.kernel,
                kernel_where=self.kernel_where,
                versions=tuple(map(tuple, data.get("versions", ()))),
                silences=tuple(
                    Silence(rule, reason, self.where("silence", rule))
                    for rule, reason in data.get("silence", {}).items()
                ),
            ),
        )


def share(drafts: Sequence[Draft]) -> Shared:
    """What the calls have in common: every draft has read it."""
    first = drafts[0]
    whole = first.whole
    name = whole["name"]
    kconfig = whole.get("kconfig", {})
    return Shared(
        name=name,
        where=first.file.where(("name",)),
        summary=_summary(whole),
        description=_description(whole),
        author=" ".join(whole["author"].split()),
        source_name=Path(first.file.shown_path).name,
        call_names=tuple(draft.name for draft in drafts),
        structs=first.structs,
        packed=tuple(draft.packed for draft in drafts if draft.packed),
        includes=tuple(whole.get("includes", ())),
        flags=first.flags,
        kconfig=Kconfig(
            kconfig.get("symbol", f"{name.upper()}_SYSCALL"),
            kconfig.get("help", _description(whole) or whole["summary"]),
            first.file.where(("kconfig", "symbol") if "symbol" in kconfig else ("name",)),
        ),
        body=first.body,
        patches=first.patches,
        tests=first.tests,
    )


def _summary(data: dict[str, Any]) -> str:
    return str(data["summary"]).strip().rstrip(".")


def _description(data: dict[str, Any]) -> str:
    return " ".join(data.get("description", "").split())
