"""The entry in MAINTAINERS: made by the first mail with new files, and added to by later ones."""

from __future__ import annotations

import re

from syscraft.tree.edit import Editor
from syscraft.tree.pieces import Piece, Site
from syscraft.tree.sorted_list import place_in

_MAINTAINERS = "MAINTAINERS"
_FIELD = re.compile(r"^[A-Z]:\t")


def _edit(site: Site) -> None:
    paths = sorted({_claimed(site, path) for path in site.created})
    if not paths:
        return
    title = f"{site.unit.name.upper()} SYSTEM CALL{'S' if len(site.unit.calls) > 1 else ''}"
    if f"{title}\n" not in site.editor.lines(_MAINTAINERS):
        _add_entry(site.unit.shared.author, title, paths, site.editor)
        return
    for path in paths:
        _add_line(title, path, site.editor)


def _claimed(site: Site, path: str) -> str:
    """The file, or the folder that was made for it."""
    folder = path.rpartition("/")[0]
    return path if site.tree.has_folder(folder) else f"{folder}/"


def _add_entry(author: str, title: str, paths: list[str], editor: Editor) -> None:
    lines = editor.lines(_MAINTAINERS)
    start = editor.find(_MAINTAINERS, lambda line: line == "Maintainers List\n", "Maintainers List")
    titles = [
        index
        for index in range(start + 2, len(lines) - 1)
        if lines[index + 1][1:3] == ":\t" and not lines[index - 1].strip()
    ]
    # The list ignores case: "iSCSI" stands among the entries with I.
    place = place_in([lines[index].strip().upper() for index in titles], title)
    entry = [
        title,
        f"M:\t{author}",
        "L:\tlinux-api@vger.kernel.org",
        "S:\tMaintained",
        *(f"F:\t{path}" for path in paths),
        "",
        "",
    ]
    index = titles[place] if place < len(titles) else len(lines)
    editor.insert(_MAINTAINERS, index, "\n".join(entry))


def _add_line(title: str, path: str, editor: Editor) -> None:
    """Name a new file in the entry; the lines are in the alphabet."""
    lines = editor.lines(_MAINTAINERS)
    index = editor.find(_MAINTAINERS, lambda line: line == f"{title}\n", title) + 1
    while _FIELD.match(lines[index]) and (lines[index][:2] != "F:" or lines[index][3:] < path):
        index += 1
    editor.insert(_MAINTAINERS, index, f"F:\t{path}\n")


PIECE = Piece(
    name="maintainers",
    mail=None,
    order=90,
    where=f"`{_MAINTAINERS}`",
    summary="an entry that lists the new files",
    edit=_edit,
)
