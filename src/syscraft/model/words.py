"""Phase 2: names, numbers and words mean something."""

from __future__ import annotations

from syscraft.errors import Finding, Where
from syscraft.hints import near
from syscraft.model import names
from syscraft.model.call import PRIVATE_NUMBERS, NumberPolicy
from syscraft.model.draft import FORK_LIKE, Draft
from syscraft.model.existing import check_free, check_like
from syscraft.model.reserved import Role, judge
from syscraft.model.text import check_prose, has_words

# Common numbers start at 424; 512 to 547 are x32's own.
# Source: arch/x86/entry/syscalls/syscall_64.tbl, Linux 6.12
FIRST_COMMON_NUMBER = 424
X32_NUMBERS = range(512, 548)
LAST_NUMBER = PRIVATE_NUMBERS[-1]


def check_words(draft: Draft) -> list[Finding]:
    data = draft.data
    findings = check_name(draft.name, draft.where("name"))
    findings += check_texts(draft)
    findings += check_prose(draft)
    findings += _check_combinations(draft)
    if "like" in data and not draft.is_clone:
        findings += check_like(draft)
    number = data.get("number", "private")
    findings += _check_number(number, draft.where("number")) or check_free(draft, number)
    for where, errno in _errno_names(draft):
        if errno not in names.ERRNOS:
            hint = near(errno, sorted(names.ERRNOS))
            findings.append(Finding("unknown errno", where, "a name from errno(3)", errno, hint))
    for index, flag in enumerate(data.get("flags", ())):
        if not names.CONSTANT_NAME.match(flag["name"]):
            findings.append(
                Finding(
                    "the name of a constant must be in capitals",
                    draft.where("flags", index, "name"),
                    "letters A-Z, digits and _",
                    flag["name"],
                )
            )
    symbol = data.get("kconfig", {}).get("symbol", "X")
    if not names.CONFIG_SYMBOL.match(symbol):
        findings.append(
            Finding(
                "not a valid Kconfig symbol",
                draft.where("kconfig", "symbol"),
                "letters A-Z, digits and _, without CONFIG_",
                symbol,
            )
        )
    return findings


def check_texts(draft: Draft) -> list[Finding]:
    """Summary and author are a line of text each, and the author can sign off."""
    data = draft.data
    findings = []
    if not names.AUTHOR.match(data["author"]):
        findings.append(
            Finding(
                "'author' is not 'Name <mail>'",
                draft.where("author"),
                "Name <mail@example.org>",
                data["author"][:60],
            )
        )
    for key in ("summary", "author"):
        if not has_words(data[key]) or "\n" in data[key].strip("\n"):
            findings.append(Finding(f"'{key}' must be one line of text", draft.where(key)))
    return findings


def check_name(name: str, where: Where, *, is_module: bool = True) -> list[Finding]:
    """Judge a name; *is_module* says whether a Python module bears it."""
    expected = "a C identifier in lower case: letters a-z, digits and _"
    shown = name if len(name) <= 40 else f"{name[:37]}..."
    if len(name) > names.MAX_CALL_NAME:
        found = f"{len(name)} characters"
        return [
            Finding(
                f"the name is longer than {names.MAX_CALL_NAME} characters", where, expected, found
            )
        ]
    if findings := judge(Role.CALL if is_module else Role.UNIT, name, where):
        return findings
    if not names.CALL_NAME.match(name):
        return [Finding("the name is not a valid identifier", where, expected, shown)]
    return []


def _check_combinations(draft: Draft) -> list[Finding]:
    data = draft.data
    findings = []
    if data.get("retry") and draft.returns_twice:
        findings.append(
            Finding(
                "'retry' for a call that returns twice",
                draft.where("retry"),
                "no 'retry': the kernel starts such calls again by itself",
            )
        )
    if draft.is_clone:
        for key in ("kernel", "user", "derive"):
            if key in data:
                findings.append(
                    Finding(
                        f"'{key}' and like = \"clone\" are mutually exclusive",
                        draft.where(key),
                        "only 'add': clone provides everything else",
                    )
                )
        if not data.get("add"):
            findings.append(
                Finding(
                    "like = \"clone\" without 'add'",
                    draft.where("like"),
                    'the parameters to add, for example add = ["int nice"]',
                )
            )
        return findings
    if data.get("returns_twice") is False and data.get("like") in FORK_LIKE:
        findings.append(
            Finding(
                f"{data['like']} returns twice",
                draft.where("returns_twice"),
                "returns_twice = true, or no such line",
                "returns_twice = false",
            )
        )
    if draft.is_clone3:
        findings += [
            Finding(
                f"'{key}' and like = \"clone3\" are mutually exclusive",
                draft.where(key),
                "only 'add': clone3 provides the struct, and the wrapper's shape is libc's",
            )
            for key in ("user", "derive", "pack")
            if key in data
        ]
    if "like" in data:
        if "kernel" in data:
            findings.append(
                Finding(
                    "'kernel' and 'like' are mutually exclusive",
                    draft.where("kernel"),
                    "only 'add': the existing call provides the other parameters",
                )
            )
    else:
        for key, meaning in (
            ("kernel", "the kernel's parameters"), ("user", "the user's prototype"),
        ):  # fmt: skip
            if key not in data:
                findings.append(Finding(f"the key '{key}' is missing", draft.where(), meaning))
        if "add" in data:
            findings.append(
                Finding("'add' without 'like'", draft.where("add"), 'like = "CALL" beside it')
            )
    if data.get("user") == []:
        findings.append(Finding("'user' is empty", draft.where("user"), "at least one prototype"))
    if "versions" in data and not data.get("pack"):
        findings.append(
            Finding(
                "'versions' without pack = true",
                draft.where("versions"),
                "pack = true",
            )
        )
    return findings


def _check_number(value: str | int, where: Where) -> list[Finding]:
    if isinstance(value, str):
        if value in [p.value for p in (NumberPolicy.PRIVATE, NumberPolicy.NEXT)]:
            return []
        return [Finding("invalid number", where, "private, next or a number", value)]
    expected = (
        f"{FIRST_COMMON_NUMBER} to {LAST_NUMBER}, and not "
        f"{X32_NUMBERS[0]} to {X32_NUMBERS[-1]}, which are x32's"
    )
    if value in X32_NUMBERS or not FIRST_COMMON_NUMBER <= value <= LAST_NUMBER:
        return [Finding("the number is out of range", where, expected, str(value))]
    return []


def _errno_names(draft: Draft) -> list[tuple[Where, str]]:
    data = draft.data
    found = []
    if "missing" in data:
        found.append((draft.where("missing"), data["missing"]))
    for table in ("errors", "cases"):
        for index, entry in enumerate(data.get(table, ())):
            if "errno" in entry:
                found.append((draft.where(table, index, "errno"), entry["errno"]))
    return found
