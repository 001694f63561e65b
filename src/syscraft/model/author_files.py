"""Phase 9: the files that the declaration names are there and hold what they should."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from syscraft.declaration.cfunctions import find_functions
from syscraft.declaration.ctext import without_comments
from syscraft.declaration.ctype import CPrototype
from syscraft.declaration.scalars import normal_spelling
from syscraft.errors import Finding, Where
from syscraft.files import KIB, read_limited
from syscraft.model.call import TextFile
from syscraft.model.draft import Draft
from syscraft.model.tests import DEFAULT_LEVELS, Result, TestProgram, from_file

# A body, a test or a patch. Linux's largest file with a system call, kernel/events/core.c of
# 6.12, has 331 KiB.
MAX_SOURCE = 512 * KIB

_DEFINE = re.compile(r"^[ \t]*(?:COMPAT_)?SYSCALL_DEFINE\d[^\n]*", re.MULTILINE)


def read_files(draft: Draft) -> list[Finding]:
    findings = []
    body_name = draft.data.get("body", f"{draft.whole['name']}.c")
    body, problem = _read_text(draft, body_name, draft.where("body"), "the body")
    if problem:
        findings.append(problem)
    elif body:
        draft.body = body
        findings += _check_body(draft, body)
    patches = []
    for index, name in enumerate(draft.data.get("patches", ())):
        patch, problem = _read_text(draft, name, draft.where("patches", index), "the patch")
        if problem:
            findings.append(problem)
        elif patch:
            patches.append(patch)
    draft.patches = tuple(patches)
    tests, problems = _read_tests(draft)
    draft.tests = tests
    findings += problems
    return findings


_LEVEL = re.compile(r"-O(?:[0-3sgz]|fast)?")


def _read_tests(draft: Draft) -> tuple[tuple[TestProgram, ...], list[Finding]]:
    """The tests that the declaration lists, and the files whose names say that they are tests."""
    findings = []
    listed = []
    for index, data in enumerate(draft.data.get("tests", ())):
        place = ("tests", index)
        findings += _check_test(draft, data, place)
        sources = tuple(data["sources"])
        levels = () if sources and sources[0].endswith(".py") else DEFAULT_LEVELS
        result = data.get("result", Result.KTAP.value)
        listed.append(
            TestProgram(
                name=data.get("name") or (sources[0] if sources else ""),
                sources=sources,
                includes=tuple(data.get("includes", ())),
                libraries=tuple(data.get("libraries", ())),
                flags=tuple(data.get("flags", ())),
                args=tuple(data.get("args", ())),
                levels=tuple(data.get("levels", levels)) if levels else (),
                result=Result(result) if result in _RESULTS else Result.KTAP,
            )
        )
    taken = {source for test in listed for source in test.sources}
    for pattern in ("test_*.c", "test_*.py"):
        for path in sorted(draft.folder.glob(pattern)):
            if path.name in taken:
                continue
            _, problem = _read_text(draft, path.name, draft.where(), "the test")
            if problem:
                findings.append(problem)
            else:
                listed.append(from_file(path.name))
    names = [test.name for test in listed]
    findings += [
        Finding(f"duplicate test '{name}'", draft.where("tests"), "a unique name for each test")
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    return tuple(sorted(listed, key=lambda test: test.name)), findings


_RESULTS = tuple(result.value for result in Result)


def _check_test(draft: Draft, data: dict[str, Any], place: tuple[str, int]) -> list[Finding]:
    findings = []
    sources = data["sources"]
    if not sources:
        findings.append(Finding("the test has no source", draft.where(*place, "sources"), "a file"))
    for name in sources:
        _, problem = _read_text(draft, name, draft.where(*place, "sources"), "the test")
        findings += [problem] if problem else []
    if any(name.endswith(".py") for name in sources) and len(sources) > 1:
        findings.append(
            Finding("a script has one source", draft.where(*place, "sources"), found=str(sources))
        )
    for name in data.get("includes", ()):
        folder = (draft.folder / name).resolve()
        if not folder.is_relative_to(draft.folder.resolve()) or not folder.is_dir():
            findings.append(
                Finding(
                    "include folder not found", draft.where(*place, "includes"),
                    "a folder below the declaration's", name,
                )
            )  # fmt: skip
    for level in data.get("levels", ()):
        if not _LEVEL.fullmatch(level):
            findings.append(
                Finding(
                    "invalid optimization level", draft.where(*place, "levels"),
                    "such as -O0, -O2 or -Os", level,
                )
            )  # fmt: skip
    if (result := data.get("result", "ktap")) not in _RESULTS:
        findings.append(
            Finding(
                "unknown result format", draft.where(*place, "result"),
                "one of " + ", ".join(_RESULTS), result,
            )
        )  # fmt: skip
    return findings


def _read_text(
    draft: Draft, name: str, where: Where, what: str
) -> tuple[TextFile | None, Finding | None]:
    shown = str(Path(draft.file.shown_path).parent / name)
    try:
        folder = draft.folder.resolve()
        path = (folder / name).resolve()
        if not path.is_relative_to(folder):
            return None, Finding(
                f"{what} is outside the declaration's folder",
                where,
                "a file beside the declaration",
                name,
                "a declaration has to be self-contained",
            )
        return TextFile(name, shown, _text(read_limited(path, MAX_SOURCE))), None
    except UnicodeDecodeError:
        return None, Finding(f"{what} is not UTF-8 text", Where(shown))
    except (OSError, ValueError, RuntimeError) as error:  # a bad name, a loop of links
        reason = getattr(error, "strerror", None) or str(error)
        return None, Finding(f"{what} cannot be read: {reason}", where, "a file", shown)


def _text(data: bytes) -> str:
    """Decode a file; its lines end as in the kernel."""
    return data.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")


# What the kernel writes beside a function's type, and is no part of it.
_ANNOTATION = re.compile(r"\b(?:__\w+|noinline\w*|notrace|asmlinkage)\b")


def _is_long(function: CPrototype) -> bool:
    words = _ANNOTATION.sub("", function.returns.base).split()
    return not function.returns.is_pointer and normal_spelling(words) == "long"


def _check_body(draft: Draft, body: TextFile) -> list[Finding]:
    wanted = ", ".join(p.ctype.declare(p.name, kernel=True) for p in draft.parameters) or "void"
    expected = f"static long do_{draft.name}({wanted})"
    functions = [
        function.prototype
        for function in find_functions(
            body.text, lambda line, column: Where(body.shown_path, line + 1, column + 1)
        )
    ]
    mine = [f for f in functions if f.name == f"do_{draft.name}"]
    if macro := _DEFINE.search(without_comments(body.text)):
        return [
            Finding(
                "the body has a SYSCALL_DEFINE of its own",
                Where(body.shown_path, body.text.count("\n", 0, macro.start()) + 1),
                expected,
                macro[0].strip(),
                "the macro is generated; syscraft import FILE.c turns such code into a declaration",
            )
        ]
    if not mine:
        found = ", ".join(f"{f.name}()" for f in functions) or "no function"
        if draft.is_one_of_several:
            message = f"{body.name} does not define do_{draft.name}()"
            return [Finding(message, draft.where("name"), expected, found)]
        message = f"the body does not define do_{draft.name}()"
        return [Finding(message, Where(body.shown_path), expected, found)]
    for function in mine:  # one under #if, one under #else
        types_found = [p.ctype for p in function.parameters]
        if types_found == [p.ctype for p in draft.parameters] and _is_long(function):
            continue
        listed = ", ".join(p.ctype.declare(p.name, kernel=True) for p in function.parameters)
        found = f"{function.returns.base} do_{draft.name}({listed or 'void'})"
        return [
            Finding(
                f"do_{draft.name}() does not have the declared parameters",
                function.where,
                expected,
                found,
            )
        ]
    return []
