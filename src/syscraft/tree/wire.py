"""Wires calls into a kernel tree: every edit, the files that result, the patch series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from syscraft.emit.kernel.source import kernel_source
from syscraft.emit.kernel.wording import the_calls
from syscraft.emit.man_page import man_page
from syscraft.errors import UsageError
from syscraft.model.call import PRIVATE_NUMBERS, Call, NumberPolicy, Unit
from syscraft.tree.author_patches import apply_patches
from syscraft.tree.edit import Editor
from syscraft.tree.mails import about_wiring, why
from syscraft.tree.number import numbers_of
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
        numbers: name of a call -> its number in the tables.
        files: path -> the whole new content.
        series: (file name, mail) pairs for ``git am``.
        extras: (file name, text) pairs of what goes with the series: its cover letter and the
            manual pages.
        config: lines that the kernel's configuration must have.
        quiet: files whose change only adds names that no other file uses.
        body_line_maps: where the compiler's messages about the bodies belong.
    """

    numbers: Mapping[str, int]
    files: dict[str, bytes]
    series: tuple[tuple[str, str], ...]
    extras: tuple[tuple[str, str], ...]
    config: tuple[str, ...]
    quiet: frozenset[str]
    body_line_maps: tuple[BodyLineMap, ...]

    @property
    def number(self) -> int:
        """The number of the only call, or of the first."""
        return next(iter(self.numbers.values()))


def wired(unit: Unit, tree: KernelTree) -> KernelChange:
    """Work out the change that adds the calls of *unit* to *tree*.

    Raises:
        TreeError: an anchor is missing, a name or number is taken, a patch does not apply.
    """
    shared = unit.shared
    patched = apply_patches(shared.patches, tree)
    work = _Work(unit, tree.with_files(patched))
    for mail, pieces in by_mail():
        work.add(mail, pieces)
    letter = f"{why(unit, work.numbers)}\n\n{about_wiring(unit, work.numbers)}"
    offset = kernel_source(unit).body_offset
    return KernelChange(
        numbers=work.numbers,
        files={**patched, **work.files},
        series=series(unit, work.commits),
        extras=(
            ("0000-cover-letter.txt", cover_letter(unit, work.commits, letter)),
            *((f"{call.name}.2", man_page(call)) for call in unit.calls),
        ),
        config=(f"CONFIG_{shared.kconfig.symbol}=y",),
        quiet=frozenset(work.quiet - work.loud - patched.keys()),
        body_line_maps=(BodyLineMap(shared.kernel_path, shared.body.shown_path, offset),),
    )


class _Work:
    """A tree that gains one mail of the series after the other."""

    def __init__(self, unit: Unit, tree: KernelTree) -> None:
        self.unit = unit
        self.numbers = numbers_of(unit, tree)
        self.tree = tree
        self.files: dict[str, bytes] = {}
        self.commits: list[Commit] = []
        self.quiet: set[str] = set()
        self.loud: set[str] = set()

    def add(self, mail: Mail, pieces: tuple[Piece, ...]) -> None:
        """Add a mail; a tree that has no place for any of its pieces goes without."""
        editor = Editor(self.tree.read, self.tree.where)
        site = Site(self.unit, self.numbers, self.tree, editor)
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
        subject = mail.subject.format(name=self.unit.name, calls=the_calls(self.unit))
        self.commits.append(Commit(subject, mail.message(self.unit, self.numbers), edits))


def keeping_numbers(unit: Unit, numbers: Mapping[str, int]) -> Unit:
    """Let calls keep the numbers that they have in a tree already, unless theirs is pinned."""
    pinned = {call.number.fixed for call in unit.calls}
    calls = []
    for call in unit.calls:
        number = numbers.get(call.name)
        if number not in pinned and call.number.policy is not NumberPolicy.FIXED:
            kept = replace(call.number, policy=NumberPolicy.FIXED, fixed=number)
            call = replace(call, number=kept)
        calls.append(call)
    return replace(unit, calls=tuple(calls))


def default_numbers(calls: Sequence[Call]) -> dict[str, int]:
    """The number of each call, by name, to expect without a tree at hand.

    Raises:
        UsageError: only a tree can tell.
    """
    taken = {call.number.fixed for call in calls}
    numbers = {}
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
        numbers[call.name] = number
    return numbers
