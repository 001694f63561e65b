"""Wires a call into a kernel tree: every edit, the files that result, the patch series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from syscraft.emit.kernel.source import kernel_source
from syscraft.emit.man_page import man_page
from syscraft.errors import UsageError
from syscraft.model.call import PRIVATE_NUMBERS, Call, NumberPolicy
from syscraft.tree.author_patches import apply_patches
from syscraft.tree.edit import Editor
from syscraft.tree.mails import about_wiring, why
from syscraft.tree.number import number_of
from syscraft.tree.pieces import Mail, Piece, Site, by_mail
from syscraft.tree.series import Commit, cover_letter, series
from syscraft.tree.source import KernelTree


@dataclass(frozen=True)
class BodyLineMap:
    """Line N of the author's body is line N + ``offset`` of ``kernel_path``."""

    kernel_path: str
    shown_path: str
    offset: int


@dataclass(frozen=True)
class KernelChange:
    """Everything that tells a patched tree from the pristine one.

    Args:
        number: the call's number in the tables.
        files: path -> the whole new content.
        series: (file name, mail) pairs for ``git am``.
        extras: (file name, text) pairs of what goes with the series: its cover letter and the
            manual page.
        config: lines that the kernel's configuration must have.
        quiet: files whose change only adds names that no other file uses.
        body_line_maps: where the compiler's messages about the bodies belong.
    """

    number: int
    files: dict[str, bytes]
    series: tuple[tuple[str, str], ...]
    extras: tuple[tuple[str, str], ...]
    config: tuple[str, ...]
    quiet: frozenset[str]
    body_line_maps: tuple[BodyLineMap, ...]

    @property
    def numbers(self) -> tuple[int, ...]:
        return (self.number,)


def wired(call: Call, tree: KernelTree) -> KernelChange:
    """Work out the change that adds *call* to *tree*.

    Raises:
        TreeError: an anchor is missing, a name or number is taken, a patch does not apply.
    """
    patched = apply_patches(call, tree)
    work = _Work(call, tree.with_files(patched))
    for mail, pieces in by_mail():
        work.add(mail, pieces)
    letter = f"{why(call)}\n\n{about_wiring(call, work.number)}"
    offset = kernel_source(call).body_offset
    return KernelChange(
        number=work.number,
        files={**patched, **work.files},
        series=series(call, work.commits),
        extras=(
            ("0000-cover-letter.txt", cover_letter(call, work.commits, letter)),
            (f"{call.name}.2", man_page(call)),
        ),
        config=(f"CONFIG_{call.kconfig.symbol}=y",),
        quiet=frozenset(work.quiet - work.loud - patched.keys()),
        body_line_maps=(BodyLineMap(call.kernel_path, call.body.shown_path, offset),),
    )


class _Work:
    """A tree that gains one mail of the series after the other."""

    def __init__(self, call: Call, tree: KernelTree) -> None:
        self.call = call
        self.number = number_of(call, tree)
        self.tree = tree
        self.files: dict[str, bytes] = {}
        self.commits: list[Commit] = []
        self.quiet: set[str] = set()
        self.loud: set[str] = set()

    def add(self, mail: Mail, pieces: tuple[Piece, ...]) -> None:
        """Add a mail; a tree that has no place for any of its pieces goes without."""
        editor = Editor(self.tree.read, self.tree.where)
        site = Site(self.call, self.number, self.tree, editor)
        for piece in pieces:
            before = editor.sizes()
            piece.add(site)
            edited = {path for path, size in editor.sizes().items() if size != before.get(path)}
            (self.quiet if piece.quiet else self.loud).update(edited)
        edits = editor.edits()
        if not edits:
            return
        files = {edit.path: edit.text().encode("utf-8", "surrogateescape") for edit in edits}
        self.files |= files
        self.tree = self.tree.with_files(files)
        subject = mail.subject.format(name=self.call.name)
        self.commits.append(Commit(subject, mail.message(self.call, self.number), edits))


def default_numbers(calls: Sequence[Call]) -> tuple[int, ...]:
    """The number of each call to expect without a tree at hand.

    Raises:
        UsageError: only a tree can tell.
    """
    taken = {call.number.fixed for call in calls}
    numbers = []
    for call in calls:
        number = call.number.fixed
        if call.number.policy is NumberPolicy.PRIVATE:
            number = next((n for n in PRIVATE_NUMBERS if n not in taken), None)
        if number is None:
            raise UsageError.of(
                "only a kernel tree can tell the next number",
                call.number.where,
                hint="add --linux deb:6.12, or the path of your tree",
            )
        taken.add(number)
        numbers.append(number)
    return tuple(numbers)
