"""The page that describes the calls."""

from __future__ import annotations

from syscraft.emit.kernel.documentation import documentation
from syscraft.tree.mails import DOCUMENTATION
from syscraft.tree.pieces import Piece, Site

_FOLDER = "Documentation/userspace-api"
_INDEX = f"{_FOLDER}/index.rst"
_TOCTREE = ".. toctree::"


def _edit(site: Site) -> None:
    editor = site.editor
    lines = editor.lines(_INDEX)
    editor.find(_INDEX, lambda line: line.strip() == _TOCTREE, _TOCTREE, last=True)
    end = next(i for i, line in enumerate(lines) if line.strip() == _TOCTREE) + 1
    while end < len(lines) and (not lines[end].strip() or lines[end].startswith("   ")):
        end += 1
    while not lines[end - 1].strip():
        end -= 1
    editor.insert(_INDEX, end, f"   {site.unit.name}\n")


PIECE = Piece(
    name="documentation",
    mail=DOCUMENTATION,
    order=10,
    where=f"`{_FOLDER}/NAME.rst`",
    summary="description, prototype and errors",
    new_files=lambda unit: {f"{_FOLDER}/{unit.name}.rst": documentation(unit)},
    edit=_edit,
    needs=_INDEX,
)
