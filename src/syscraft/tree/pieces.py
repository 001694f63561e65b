"""What a piece of a kernel change is, and how all of them are found.

A piece is a module of ``tree/piece`` that defines ``PIECE``: what calls add to a tree in one
respect. Nothing else names it: the patch series, ``--apply`` and the table in docs/kernel.md are
made from :func:`all_pieces`.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import syscraft.tree.piece
from syscraft.model.call import Unit
from syscraft.tree.edit import Editor
from syscraft.tree.source import KernelTree


@dataclass(frozen=True)
class Mail:
    """A mail of the series, which is a commit that builds.

    Args:
        order: mails are in the order of these numbers.
        name: how docs/kernel.md calls it.
        subject: with ``{name}`` for the declaration's name, and ``{calls}`` for "the NAME() system
            call" or "the NAME system calls".
        message: (calls, numbers by name) -> why.
    """

    order: int
    name: str
    subject: str
    message: Callable[[Unit, Mapping[str, int]], str]


@dataclass(frozen=True)
class Site:
    """Where a piece works.

    Args:
        numbers: name of a call -> its number in the common sequence.
        tree: as the mails before this one left it.
        editor: collects the edits of this mail.
        created: the new files of this mail so far.
    """

    unit: Unit
    numbers: Mapping[str, int]
    tree: KernelTree
    editor: Editor
    created: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Piece:
    """One respect in which the calls of a declaration change a tree.

    Args:
        name: names it in tests and messages.
        mail: the mail that it is part of; None for what closes every mail.
        order: pieces of a mail are in the order of these numbers.
        where: the files, as docs/kernel.md shows them.
        summary: what is added, for docs/kernel.md.
        new_files: calls -> path -> text; pure.
        edit: changes files that the tree has.
        needs: a file without which a tree has no place for the piece.
        quiet: whether its edits only add names that no other file uses.
    """

    name: str
    mail: Mail | None
    order: int
    where: str
    summary: str
    new_files: Callable[[Unit], Mapping[str, str]] = lambda unit: {}
    edit: Callable[[Site], None] = lambda site: None
    needs: str | None = None
    quiet: bool = False

    def add(self, site: Site) -> None:
        """Add the piece to the mail that *site* is of; nothing where a tree has no place for it.

        Raises:
            TreeError: a file is there already, or an anchor is missing.
        """
        if self.needs is not None and site.tree.read(self.needs) is None:
            return
        for path, text in self.new_files(site.unit).items():
            site.editor.create(path, text)
            site.created.append(path)
        self.edit(site)


@functools.cache
def all_pieces() -> tuple[Piece, ...]:
    """Every piece, in the order of the series."""
    found = []
    for module_info in pkgutil.iter_modules(syscraft.tree.piece.__path__):
        module = importlib.import_module(f"syscraft.tree.piece.{module_info.name}")
        if isinstance(piece := getattr(module, "PIECE", None), Piece):
            found.append(piece)
    return tuple(sorted(found, key=_rank))


def _rank(piece: Piece) -> tuple[bool, int, int, str]:
    return (piece.mail is None, piece.mail.order if piece.mail else 0, piece.order, piece.name)


def by_mail() -> tuple[tuple[Mail, tuple[Piece, ...]], ...]:
    """Each mail of the series with its pieces, those that close every mail last."""
    closing = tuple(piece for piece in all_pieces() if piece.mail is None)
    mails: dict[Mail, list[Piece]] = {}
    for piece in all_pieces():
        if piece.mail is not None:
            mails.setdefault(piece.mail, []).append(piece)
    return tuple((mail, (*pieces, *closing)) for mail, pieces in mails.items())


def pieces_reference() -> str:
    """The table of docs/kernel.md."""
    rows = ["| mail | file | what is added |", "| --- " * 3 + "|"]
    shown = ""
    for piece in all_pieces():
        mail = piece.mail.name if piece.mail else "each of them"
        rows.append(f"| {mail if mail != shown else ''} | {piece.where} | {piece.summary} |")
        shown = mail
    return "\n".join(rows) + "\n"
