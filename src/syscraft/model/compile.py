"""From a declaration's file to the model, in numbered phases.

A phase runs only if the one before found nothing, so it may assume validity; all
findings of a phase are reported together.
"""

from __future__ import annotations

from pathlib import Path

from syscraft.declaration.find import find_declaration
from syscraft.declaration.schema import check_keys
from syscraft.declaration.toml_file import TomlFile
from syscraft.errors import DeclarationError, Finding, Where, raise_all
from syscraft.model.author_files import read_files
from syscraft.model.c_text import read_c_text
from syscraft.model.call import Call
from syscraft.model.case_table import read_cases
from syscraft.model.draft import Draft
from syscraft.model.kernel_side import shape_kernel_side
from syscraft.model.user_side import shape_user_side
from syscraft.model.words import check_words


def load(path: str | Path) -> Call:
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


def _compile(path: Path, shown_path: str) -> Call:
    # 1. The file is TOML, every key is known and holds what it should.
    file = TomlFile(path, shown_path)
    _stop_on(check_keys(file))
    draft = Draft(file, path.parent)
    # 2. Names, numbers and words mean something.
    _stop_on(check_words(draft))
    # 3. The C text parses and its types are known.
    _stop_on(read_c_text(draft))
    # 4. The kernel's side: parameters fit, structs are laid out, orders are known.
    _stop_on(shape_kernel_side(draft))
    # 5. The user's side: every argument goes somewhere, every parameter has a source.
    _stop_on(shape_user_side(draft))
    # 6. Cases call what exists with as many arguments as it takes.
    _stop_on(read_cases(draft))
    # 7. The files that the declaration names are there and hold what they should.
    _stop_on(read_files(draft))
    return draft.finish()


def _stop_on(findings: list[Finding]) -> None:
    raise_all(DeclarationError, findings)
