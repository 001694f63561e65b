"""Findings as plain values, for ``--json``."""

from __future__ import annotations

from syscraft.errors import Finding


def plain_finding(finding: Finding) -> dict[str, str | int | None]:
    """What, where, expected, found, and what to do."""
    where = finding.where
    return {
        "message": finding.message,
        "path": where.path if where else None,
        "line": where.line if where else None,
        "column": where.column if where else None,
        "expected": finding.expected,
        "found": finding.found,
        "hint": finding.hint,
    }
