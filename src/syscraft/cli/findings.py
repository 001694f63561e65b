"""Findings as plain values, for ``--json``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syscraft.errors import Finding

if TYPE_CHECKING:
    from syscraft.rules.base import RuleFinding


def plain_finding(finding: Finding) -> dict[str, str | int | None]:
    """What, where, expected, found, and what to do."""
    where = finding.where
    return {
        "severity": "note" if finding.is_note else "error",
        "message": finding.message,
        "path": where.path if where else None,
        "line": where.line if where else None,
        "column": where.column if where else None,
        "expected": finding.expected,
        "found": finding.found,
        "hint": finding.hint,
    }


def plain_rule_finding(finding: RuleFinding) -> dict[str, str | int | None]:
    """The rule, what it found and where, what that costs, and what to do."""
    where = finding.hit.where
    return {
        "rule": finding.rule.id,
        "severity": finding.rule.severity.value,
        "call": finding.call,
        "message": finding.hit.message,
        "path": where.path,
        "line": where.line,
        "column": where.column,
        "cost": finding.rule.cost,
        "fix": finding.rule.fix,
        "history": finding.rule.history,
        "silenced": finding.silenced,
    }
