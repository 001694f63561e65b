"""The kernel's own test of the call."""

from __future__ import annotations

import re

from syscraft.emit.kernel.selftest import selftest_files
from syscraft.model.call import Unit
from syscraft.tree.mails import SELFTEST
from syscraft.tree.pieces import Piece, Site
from syscraft.tree.sorted_list import place_in

_FOLDER = "tools/testing/selftests"
_MAKEFILE = f"{_FOLDER}/Makefile"
_TARGET = re.compile(r"^TARGETS \+= (?P<name>\S+)$")


def _files(unit: Unit) -> dict[str, str]:
    return {f"{_FOLDER}/{unit.name}/{name}": text for name, text in selftest_files(unit).items()}


def _edit(site: Site) -> None:
    editor, name = site.editor, site.unit.name
    editor.find(_MAKEFILE, lambda line: bool(_TARGET.match(line)), "TARGETS += ...", last=True)
    targets = [
        (index, match["name"])
        for index, line in enumerate(editor.lines(_MAKEFILE))
        if (match := _TARGET.match(line))
    ]
    place = place_in([target for _, target in targets], name)
    index = targets[place][0] if place < len(targets) else targets[-1][0] + 1
    editor.insert(_MAKEFILE, index, f"TARGETS += {name}\n")


PIECE = Piece(
    name="selftest",
    mail=SELFTEST,
    order=10,
    where=f"`{_FOLDER}/NAME/`",
    summary="the declared cases, and a child of each call that returns twice, as a kselftest",
    new_files=_files,
    edit=_edit,
    needs=_MAKEFILE,
)
