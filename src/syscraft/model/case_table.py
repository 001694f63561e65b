"""Phase 8: cases call what exists, with as many arguments as it takes."""

from __future__ import annotations

from typing import Any

from syscraft.declaration import ctext
from syscraft.declaration.clocals import local_names
from syscraft.declaration.ctext import CTextError
from syscraft.declaration.toml_file import KeyPath
from syscraft.errors import Finding
from syscraft.model.call import Case
from syscraft.model.draft import Draft
from syscraft.model.reserved import Role, judge


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
        findings += _check_case_text(draft, index, entry, wrapper)
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
            )
        )
    draft.cases = tuple(cases)
    return findings


def _check_case_text(
    draft: Draft, index: int, entry: dict[str, Any], wrapper: str
) -> list[Finding]:
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
        setup = draft.locate(("cases", index, "setup"))
        ctext.parse_statements(entry.get("setup", ""), setup)
        for local, where in local_names(entry.get("setup", ""), setup):
            findings += judge(Role.LOCAL, local, where)
            if local == wrapper:
                hidden = "this hides the function that the case calls"
                findings.append(Finding(hidden, where, "a different name", local))
    except CTextError as error:
        findings.append(error.finding)
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


def _one_line(expression: str) -> str:
    """An expression as one line; no comment in it, and no line of its own in a string."""
    return " ".join(filter(None, (line.strip() for line in expression.split("\n"))))
