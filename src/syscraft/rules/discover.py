"""Finds the rules: every module of ``family`` that defines ``RULES``."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import pkgutil
import re
from collections.abc import Iterable

import syscraft.rules.family
from syscraft.model.call import Silence
from syscraft.rules.base import Hit, Place, Rule, RuleFinding, Severity, Subject


@functools.cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, ordered by its number."""
    found = []
    for info in pkgutil.iter_modules(syscraft.rules.family.__path__):
        module = importlib.import_module(f"syscraft.rules.family.{info.name}")
        found += [dataclasses.replace(r, family=info.name) for r in getattr(module, "RULES", ())]
    return tuple(sorted(found, key=lambda rule: int(re.sub(r"\D", "", rule.id))))


def judge(subject: Subject, silences: Iterable[Silence] = ()) -> tuple[RuleFinding, ...]:
    """Run every rule over *subject*.

    A silence puts the findings of its rule aside; one with no reason, of no rule, or of a
    rule that finds nothing is itself a finding.
    """
    reasons = {silence.rule: silence for silence in silences}
    findings = []
    for rule in all_rules():
        hits = dict.fromkeys(rule.check(subject))
        silence = reasons.get(rule.id)
        reason = silence.reason.strip() if silence else None
        findings += [RuleFinding(rule, subject.name, hit, reason or None) for hit in hits]
    hit_rules = {finding.rule.id for finding in findings}
    known = {rule.id for rule in all_rules()}
    for silence in reasons.values():
        if silence.rule not in known:
            message = f"unknown rule '{silence.rule}'"
        elif not silence.reason.strip():
            message = f"[silence] gives no reason for {silence.rule}"
        elif silence.rule not in hit_rules:
            message = f"{silence.rule} finds nothing here: this [silence] is unused"
        else:
            continue
        findings.append(RuleFinding(SILENCE, subject.name, Hit(silence.where, message)))
    return tuple(findings)


# Not among the rules: it judges the declaration's silences, and cannot be silenced itself.
SILENCE = Rule(
    id="S1",
    title="every [silence] entry names a rule that matches, and a reason",
    severity=Severity.ERROR,
    cost="an entry that is out of date hides the next mistake",
    fix="write the reason after the rule's id, or remove the line",
    history="clone() silently ignores CLONE_DETACHED, so nobody learns that it does nothing",
    places=(Place("include/uapi/linux/sched.h", "CLONE_DETACHED"),),
    source="include/uapi/linux/sched.h, Linux 6.12",
    check=lambda subject: (),
    family="silences",
)
