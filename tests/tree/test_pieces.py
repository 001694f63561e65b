"""A new piece of the kernel's side is one file: nothing else has to know it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import REPOSITORY

import syscraft as library
import syscraft.tree.piece
from syscraft.tree import pieces
from syscraft.tree.source import open_tree

SPLORK = REPOSITORY / "examples" / "splork"

IN_A_MAIL_OF_ITS_OWN = """
from syscraft.tree.pieces import Mail, Piece

PIECE = Piece(
    name="toy",
    mail=Mail(25, "tracing", "trace: show {calls}", lambda unit, numbers: f"It is {numbers}."),
    order=10,
    where="`toys/NAME/`",
    summary="a toy",
    new_files=lambda unit: {f"toys/{unit.name}/toy.txt": f"{unit.shared.summary}\\n"},
)
"""
IN_THE_FIRST_MAIL = """
from syscraft.tree.mails import CALL
from syscraft.tree.pieces import Piece

PIECE = Piece(
    name="toy",
    mail=CALL,
    order=5,
    where="`kernel/sys.c`",
    summary="a toy",
    edit=lambda site: site.editor.insert("kernel/sys.c", 0, f"/* {site.unit.name} */\\n"),
    quiet=True,
)
"""
WITHOUT_A_PLACE = """
from syscraft.tree.mails import CALL
from syscraft.tree.pieces import Piece

PIECE = Piece(
    "toy", CALL, 5, "`toys/NAME`", "a toy", needs="toys/Makefile",
    new_files=lambda unit: {"toys/new": "toy"},
)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose modules count as modules of tree/piece."""
    path = tmp_path / "piece"
    path.mkdir()
    monkeypatch.setattr(syscraft.tree.piece, "__path__", [*syscraft.tree.piece.__path__, str(path)])
    pieces.all_pieces.cache_clear()
    importlib.invalidate_caches()
    yield path
    pieces.all_pieces.cache_clear()
    sys.modules.pop("syscraft.tree.piece.toy", None)


def copy_of_what_changes(root: Path) -> Path:
    """A tree with the files of 6.12 that the call touches."""
    tree = open_tree("deb:6.12")
    for path in ("Makefile", "Kconfig", "kernel/fork.c", *library.load(SPLORK).patch().files):
        if (data := tree.read_bytes(path)) is not None:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)
    return root


def test_toy_piece_in_a_mail_of_its_own(folder: Path) -> None:
    (folder / "toy.py").write_text(IN_A_MAIL_OF_ITS_OWN)
    change = library.load(SPLORK).patch()
    assert change.files["toys/splork/toy.txt"].endswith(b"\n")
    names = [name for name, _ in change.series]
    assert names[2] == "0003-trace-show-the-splork-system-call.patch"
    mail = change.series[2][1]
    assert (
        "Subject: [PATCH 3/5] trace: show the splork() system call\n\nIt is {'splork': 900}.\n"
        in mail
    )
    assert "+++ b/toys/splork/toy.txt\n" in mail
    assert "+F:\ttoys/splork/\n" in mail
    assert "trace: show the splork() system call" in change.extras[0][1]
    assert "| tracing | `toys/NAME/` | a toy |\n" in pieces.pieces_reference()


def test_toy_piece_in_a_mail_that_is_there(folder: Path) -> None:
    (folder / "toy.py").write_text(IN_THE_FIRST_MAIL)
    change = library.load(SPLORK).patch()
    assert len(change.series) == 4
    assert "+/* splork */\n" in change.series[0][1]
    assert "kernel/sys.c" in change.quiet
    assert "| the call | `kernel/sys.c` | a toy |\n" in pieces.pieces_reference()


def test_toy_piece_in_a_tree_without_a_place_for_it(folder: Path) -> None:
    without = library.load(SPLORK).patch().files
    (folder / "toy.py").write_text(WITHOUT_A_PLACE)
    pieces.all_pieces.cache_clear()
    assert pieces.all_pieces()[0].name == "toy"
    assert library.load(SPLORK).patch().files == without


@pytest.mark.parametrize("text", [IN_A_MAIL_OF_ITS_OWN, IN_THE_FIRST_MAIL])
def test_toy_piece_is_applied_and_reverted(text: str, folder: Path, tmp_path: Path) -> None:
    root = copy_of_what_changes(tmp_path / "linux")
    (root / "kernel/sys.c").write_text("/* sys.c */\n")
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    (folder / "toy.py").write_text(text)
    pieces.all_pieces.cache_clear()
    call = library.load(SPLORK)
    _, paths = call.apply(str(root))
    assert {"toys/splork/toy.txt", "kernel/sys.c"} & set(paths)
    call.revert(str(root))
    after = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert after == before
    assert not (root / "toys").exists()


def test_every_piece_has_a_name_of_its_own() -> None:
    names = [piece.name for piece in pieces.all_pieces()]
    assert len(names) == len(set(names))
    assert [mail.name for mail, _ in pieces.by_mail()] == [
        "the call", "wiring", "selftest", "documentation",
    ]  # fmt: skip


def test_call_without_a_description(make_call: Callable[..., Path]) -> None:
    """Its summary is all that there is to say, in the source and in the mail."""
    change = library.load(make_call("ctbrief")).patch()
    source = change.files["kernel/ctbrief.c"].decode()
    assert "/*\n * ctbrief() - serve a test\n */\n" in source
    assert "\n\nServe a test.\n\nSigned-off-by:" in change.series[0][1]


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ('"private"', "The number 900 is private: it is outside the range"),
        ('"next"', "The number 463 is the next free one of the common sequence."),
        ("600", "The number 600 was chosen by hand; no table uses it."),
    ],
)
def test_mail_says_how_the_number_was_chosen(
    number: str, said: str, make_call: Callable[..., Path]
) -> None:
    change = library.load(make_call("ctnumber", toml=f"number = {number}")).patch()
    assert said in change.series[1][1]


def test_form_feed_ends_no_line(make_call: Callable[..., Path]) -> None:
    """Neither for the compiler nor for git."""
    folder = make_call("ctfeed", ["\f/* a page */", "return nothing;"])
    change = library.load(folder).patch()
    (lines,) = change.body_line_maps
    body = (folder / "ctfeed.c").read_text().split("\n").index("\treturn nothing;")
    source = change.files["kernel/ctfeed.c"].decode().split("\n")
    assert source[body + lines.offset] == "\treturn nothing;"
