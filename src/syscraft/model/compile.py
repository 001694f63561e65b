"""From a declaration's file to the model, in numbered phases.

A phase runs only if the one before found nothing, so it may assume validity; all
findings of a phase are reported together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from syscraft.declaration.find import find_declaration
from syscraft.declaration.schema import check_keys
from syscraft.declaration.toml_file import TomlFile
from syscraft.errors import DeclarationError, Finding, UsageError, Where, raise_all
from syscraft.model.author_files import read_files
from syscraft.model.c_text import read_c_text
from syscraft.model.call import Call, Unit
from syscraft.model.case_table import read_cases
from syscraft.model.draft import Draft, share
from syscraft.model.kernel_side import shape_kernel_side
from syscraft.model.reserved import check_names
from syscraft.model.text import check_text
from syscraft.model.user_side import shape_user_side
from syscraft.model.whole import check_together, check_whole
from syscraft.model.words import check_words


def load_unit(path: str | Path) -> Unit:
    """Read a declaration.

    Args:
        path: the TOML file, or the folder that holds it.

    Raises:
        UsageError: there is no declaration at *path*.
        DeclarationError: the declaration is not valid; all findings of a phase at once.
    """
    file_path, shown_path = find_declaration(path)
    try:
        return _compile(file_path, shown_path)
    except RecursionError as error:
        raise DeclarationError.of(
            "the declaration is nested too deeply", Where(shown_path)
        ) from error


def load(path: str | Path) -> Call:
    """Read a declaration that has one call.

    Raises:
        UsageError: there is no declaration at *path*, or it has several calls.
        DeclarationError: the declaration is not valid; all findings of a phase at once.
    """
    calls = load_unit(path).calls
    if len(calls) > 1:
        raise UsageError.of(
            "this declaration has several calls",
            Where(str(path)),
            expected="one call",
            found=", ".join(call.name for call in calls),
        )
    return calls[0]


def _compile(path: Path, shown_path: str) -> Unit:
    # 1. The file is TOML, every key is known, in its place, and holds what it should.
    file = TomlFile(path, shown_path)
    _stop_on(check_keys(file))
    whole = Draft(file, path.parent)
    several = range(len(file.data.get("calls", ())))
    drafts = tuple(Draft(file, path.parent, index) for index in several) or (whole,)
    # 2. Names, numbers and words mean something.
    findings = check_text(whole) + (check_whole(whole, drafts) if several else [])
    _stop_on(findings + _each(check_words, drafts))
    # 3. The C text parses and its types are known.
    _stop_on(_each(read_c_text, drafts))
    # 4. No name is one that a language, a header or a generated file has already.
    _stop_on(check_names(drafts))
    # 5. The kernel's side: parameters fit, structs are laid out, orders are known.
    _stop_on(_each(shape_kernel_side, drafts))
    # 6. The user's side: every argument goes somewhere, every parameter has a source.
    _stop_on(_each(shape_user_side, drafts))
    # 7. What is made for one call does not bear the name of what is made for another.
    _stop_on(check_together(drafts))
    # 8. Cases call what exists with as many arguments as it takes.
    _stop_on(_each(read_cases, drafts))
    # 9. The files that the declaration names are there and hold what they should.
    _stop_on(_each(read_files, drafts))
    shared = share(drafts)
    return Unit(shared, tuple(draft.finish(shared) for draft in drafts))


def _each(phase: Callable[[Draft], list[Finding]], drafts: Sequence[Draft]) -> list[Finding]:
    """Run a phase on every call; what they share is found once."""
    return list(dict.fromkeys(finding for draft in drafts for finding in phase(draft)))


def _stop_on(findings: list[Finding]) -> None:
    raise_all(DeclarationError, findings)
