"""A call between its declaration and the model: what the phases have found out so far."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from syscraft.declaration.ctext import CDeclarator, CPrototype, CStruct
from syscraft.declaration.toml_file import TomlFile
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
    Silence,
    TextFile,
    Wrapper,
    Written,
)
from syscraft.model.expression import Expression
from syscraft.model.tests import TestProgram

# Calls that return in a child as well. Source: kernel/fork.c, Linux 6.12
FORK_LIKE = frozenset(("clone", "clone3", "fork", "vfork"))


class Draft:
    """A call that is being compiled; attributes appear phase by phase."""

    def __init__(self, file: TomlFile, folder: Path) -> None:
        self.file = file
        self.folder = folder
        self.data: dict[str, Any] = file.data
        self.name: str = self.data["name"]
        self.extras: tuple[Parameter, ...] = ()
        self.kernel: tuple[CDeclarator, ...] = ()
        self.prototypes: tuple[CPrototype, ...] = ()
        self.derive: dict[str, Expression] = {}
        self.flags: tuple[Constant, ...] = ()
        self.structs: tuple[CStruct, ...] = ()
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
    def returns_twice(self) -> bool:
        """Whether the call returns in a child as well."""
        return bool(self.data.get("returns_twice", self.data.get("like") in FORK_LIKE))

    def where(self, *path: str | int) -> Where:
        return self.file.where(path)

    @property
    def kernel_where(self) -> Where:
        """Where the kernel's parameters stand, or the call that they come from."""
        return self.where("kernel" if "kernel" in self.data else "like")

    def number(self) -> NumberChoice:
        value = self.data.get("number", "private")
        if isinstance(value, int):
            return NumberChoice(NumberPolicy.FIXED, value, self.where("number"))
        return NumberChoice(NumberPolicy(value), None, self.where("number"))

    def finish(self) -> Call:
        data = self.data
        description = " ".join(data.get("description", "").split())
        kconfig = data.get("kconfig", {})
        return Call(
            name=self.name,
            where=self.where("name"),
            summary=data["summary"].strip().rstrip("."),
            description=description,
            author=data["author"],
            source_name=Path(self.file.shown_path).name,
            like=data.get("like"),
            parameters=self.parameters,
            signatures=self.signatures,
            clone_extras=self.extras,
            packed=self.packed,
            wrappers=self.wrappers,
            structs=self.structs,
            includes=tuple(data.get("includes", ())),
            flags=self.flags,
            errors=tuple(
                ErrorDoc(
                    e["errno"], " ".join(e["when"].split()), self.where("errors", index, "errno")
                )
                for index, e in enumerate(data.get("errors", ()))
            ),
            missing=data.get("missing", "ENOSYS"),
            number=self.number(),
            returns_twice=self.returns_twice,
            kconfig=Kconfig(
                kconfig.get("symbol", f"{self.name.upper()}_SYSCALL"),
                kconfig.get("help", description or data["summary"]),
                self.where(*(("kconfig", "symbol") if "symbol" in kconfig else ("name",))),
            ),
            body=self.body,
            patches=self.patches,
            cases=self.cases,
            tests=self.tests,
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
