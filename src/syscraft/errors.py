"""The one family of errors: what, where, expected, found, hint.

Library code raises; only the command line prints and exits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Self


class ExitStatus(IntEnum):
    """What the process tells its caller."""

    OK = 0
    FINDINGS = 1  # findings in the input, or failed tests
    USAGE = 2  # a command line that cannot mean anything
    ENVIRONMENT = 3  # this machine lacks something; the message names it
    INTERRUPTED = 130  # 128 + SIGINT, as shells report it


@dataclass(frozen=True, order=True)
class Where:
    """A place in a file; ``line`` and ``column`` count from 1."""

    path: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        parts = [self.path]
        if self.line is not None:
            parts.append(str(self.line))
            if self.column is not None:
                parts.append(str(self.column))
        return ":".join(parts)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, and how to put it right; a note, if it is only worth knowing."""

    message: str
    where: Where | None = None
    expected: str | None = None
    found: str | None = None
    hint: str | None = None
    is_note: bool = False

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        lines = [f"{place}{'note' if self.is_note else 'error'}: {self.message}"]
        for label, text in (
            ("expected", self.expected),
            ("found", self.found),
            ("hint", self.hint),
        ):
            if text:
                first, *rest = text.splitlines() or [""]
                lines.append(f"    {label + ':':<9} {first}")
                lines.extend(f"    {'':<9} {line}" for line in rest)
        return "\n".join(lines)


class SyscraftError(Exception):
    """Base of everything that syscraft raises on purpose."""

    exit_status = ExitStatus.FINDINGS

    def __init__(self, *findings: Finding) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = findings

    @classmethod
    def of(
        cls,
        message: str,
        where: Where | None = None,
        *,
        expected: str | None = None,
        found: str | None = None,
        hint: str | None = None,
    ) -> Self:
        """Make an error of one finding."""
        return cls(Finding(message, where, expected, found, hint))


class DeclarationError(SyscraftError):
    """The declaration, its body or its patches are not valid."""


class UsageError(SyscraftError):
    """The command line or the arguments of a library call make no sense."""

    exit_status = ExitStatus.USAGE


class TreeError(SyscraftError):
    """The kernel tree does not have what the change needs."""


class BuildError(SyscraftError):
    """The kernel, or a test program, does not compile."""


class ConfigError(BuildError):
    """The kernel cannot be configured as it was asked for."""

    exit_status = ExitStatus.ENVIRONMENT


class EnvironmentLacks(SyscraftError):
    """A tool, a permission or disk space is missing on this machine."""

    exit_status = ExitStatus.ENVIRONMENT


class LabError(SyscraftError):
    """The guest could not be run and the kernel under test is not to blame."""

    exit_status = ExitStatus.ENVIRONMENT


def raise_all(kind: type[SyscraftError], findings: Iterable[Finding]) -> None:
    """Raise *kind* with every finding, in the order of their places."""
    ordered = sorted(
        findings, key=lambda f: (f.where.path, f.where.line or 0) if f.where else ("", 0)
    )
    if ordered:
        raise kind(*ordered)
