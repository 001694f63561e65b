"""The page about the rules, made from the rules."""

from __future__ import annotations

import importlib

from syscraft.rules.base import Rule
from syscraft.rules.discover import all_rules


def rules_reference() -> str:
    """Every rule, family by family, as Markdown."""
    families: dict[str, list[Rule]] = {}
    for rule in all_rules():
        families.setdefault(rule.family, []).append(rule)
    return "\n".join(_family(name, rules) for name, rules in families.items())


def _family(name: str, rules: list[Rule]) -> str:
    module = importlib.import_module(f"syscraft.rules.family.{name}")
    title = (module.__doc__ or name).splitlines()[0].rstrip(".")
    return "\n".join([f"## {title}", "", *(_rule(rule) for rule in rules)])


def _rule(rule: Rule) -> str:
    places = ", ".join(dict.fromkeys(f"`{place.path}`" for place in rule.places))
    return "\n".join(
        (
            f"### {rule.id}: {rule.title}",
            "",
            f"* Level: {rule.severity.value}",
            f"* What it costs: {rule.cost}",
            f"* What to do: {rule.fix}",
            f"* Where it comes from: {rule.history}; see {places}, Linux 6.12",
            f"* Stated in: {rule.source}",
            "",
        )
    )
