"""Phase 8: cases call what exists, with as many arguments as it takes."""

from __future__ import annotations

from typing import Any

from syscraft.declaration import ctext
from syscraft.declaration.clocals import local_names
from syscraft.declaration.ctext import CTextError
from syscraft.declaration.toml_file import KeyPath
from syscraft.errors import Finding, Where
from syscraft.model.call import Case
from syscraft.model.draft import Draft
from syscraft.model.reserved import C_KEYWORDS, TEST_USED, table


def read_cases(draft: Draft) -> list[Finding]:
    findings: list[Finding] = []
    arity = {wrapper.name: len(wrapper.parameters) for wrapper in draft.wrappers}
    if draft.is_clone:
        arity[draft.name] = 7 + len(draft.extras)
    elif draft.is_clone3:
        # The function and its argument stand between the kernel's parameters.
        arity = {draft.name: 2 + len(draft.parameters)}
    cases = []
    for index, entry in enumerate(draft.data.get("cases", ())):
        where = draft.where("cases", index, "name")
        wrapper = entry.get("call", next(iter(arity)))
        if wrapper not in arity:
            findings.append(
                Finding(
                    f"unknown wrapper '{wrapper}'",
                    draft.where("cases", index, "call"),
                    "one of " + ", ".join(arity),
                    wrapper,
                )
            )
        elif len(entry["args"]) != arity[wrapper]:
            findings.append(
                Finding(
                    f"{wrapper}() takes {arity[wrapper]} arguments",
                    draft.where("cases", index, "args"),
                    f"{arity[wrapper]} C expressions",
                    f"{len(entry['args'])}",
                )
            )
        if ("returns" in entry) == ("errno" in entry):
            findings.append(Finding("a case needs either 'returns' or 'errno'", where))
        findings += _check_case_text(draft, index, entry)
        returns = entry.get("returns")
        cases.append(
            Case(
                entry["name"],
                wrapper,
                entry.get("setup", "").strip("\n"),
                tuple(map(_one_line, entry["args"])),
                None if returns is None else _one_line(str(returns)),
                entry.get("errno"),
                _one_line(entry["check"]) if "check" in entry else None,
                where,
                frozenset(name for name, _ in local_names(entry.get("setup", ""), _anywhere)),
            )
        )
    draft.cases = tuple(cases)
    return findings


def _anywhere(row: int, column: int) -> Where:
    return Where("")


def _check_case_text(draft: Draft, index: int, entry: dict[str, Any]) -> list[Finding]:
    texts: list[tuple[KeyPath, str]] = [
        (("cases", index, "args", i), text) for i, text in enumerate(entry["args"])
    ]
    texts += [
        (("cases", index, key), entry[key])
        for key in ("returns", "check")
        if isinstance(entry.get(key), str)
    ]
    findings = []
    for path, text in texts:
        try:
            ctext.parse_expression(text, draft.locate(path))
        except CTextError as error:
            findings.append(error.finding)
    try:
        ctext.parse_statements(entry.get("setup", ""), draft.locate(("cases", index, "setup")))
    except CTextError as error:
        findings.append(error.finding)
    else:
        findings += _check_locals(draft, index, entry)
    name = entry["name"]
    if not name.strip() or any(not 32 <= ord(c) < 127 or c in '"\\#' for c in name):
        findings.append(
            Finding(
                "a case's name must be plain text, as it is printed as a test's name",
                draft.where("cases", index, "name"),
                "printable ASCII without quotes, backslashes and #",
            )
        )
    return findings


def _check_locals(draft: Draft, index: int, entry: dict[str, Any]) -> list[Finding]:
    """Judge what a setup declares: test programs call functions behind it."""
    functions = {prototype.name for prototype in draft.prototypes} | {draft.name}
    findings = []
    text = entry.get("setup", "")
    for name, where in local_names(text, draft.locate(("cases", index, "setup"))):
        if name in functions:
            message = f"'{name}' hides the function that the case calls"
        elif name in C_KEYWORDS:
            message = f"'{name}' is a C keyword"
        elif name in table("c_macros"):
            message = f"'{name}' is a macro in user space"
        elif TEST_USED.match(name):
            message = f"the generated test programs use the name '{name}'"
        else:
            continue
        findings.append(Finding(message, where, "a different name", name))
    return findings


def _one_line(expression: str) -> str:
    """An expression as one line; no comment in it, and no line of its own in a string."""
    return " ".join(filter(None, (line.strip() for line in expression.split("\n"))))
