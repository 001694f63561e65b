"""Wires a call into a kernel tree: every edit, the files that result, the patch series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from syscraft.emit.kernel.source import kernel_source
from syscraft.emit.man_page import man_page
from syscraft.lines import whole_lines
from syscraft.model.call import PRIVATE_NUMBERS, Call, NumberPolicy
from syscraft.tree.author_patches import apply_patches, patch_key, touched_by
from syscraft.tree.edit import Editor
from syscraft.tree.line_diff import Span, changed_spans, edited, origins, spans_of
from syscraft.tree.mails import about_wiring, why
from syscraft.tree.number import number_of
from syscraft.tree.options import has_option, option_of, options_of_others
from syscraft.tree.pieces import Mail, Piece, Site, all_pieces, by_mail
from syscraft.tree.record import differing
from syscraft.tree.series import Commit, cover_letter, series
from syscraft.tree.source import KernelTree
from syscraft.tree.standing import Standing, presence_of


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
        standing_config: those lines of ``config`` whose options the tree has already.
        spans: path -> the places that differ, for files that pieces edit.
        shared_lines: path -> lines that other calls may need there as well.
        author_patches: key of each patch of the declaration -> the files that it is about.
    """

    number: int
    files: dict[str, bytes]
    series: tuple[tuple[str, str], ...]
    extras: tuple[tuple[str, str], ...]
    config: tuple[str, ...]
    quiet: frozenset[str]
    body_line_maps: tuple[BodyLineMap, ...]
    standing_config: tuple[str, ...] = ()
    spans: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)
    shared_lines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    author_patches: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def new_config(self) -> tuple[str, ...]:
        """The lines of ``config`` whose options come with this change."""
        return tuple(line for line in self.config if line not in self.standing_config)


def wired(call: Call, tree: KernelTree, *, number: int | None = None) -> KernelChange:
    """Work out the change that adds *call* to *tree*.

    For a tree that has the call already it is what differs between the two, as a rule nothing;
    number and options are those of the tree.

    Args:
        number: the one to take, if it is free; by default what :func:`number_of` says.

    Raises:
        TreeError: an anchor is missing, a name or number is taken, a patch does not apply.
    """
    presence = presence_of(call, tree)
    if number is None:
        number = number_of(call, tree)
    if presence.standing in (Standing.EDITED, Standing.BY_HAND):
        change = _as_it_stands(call, tree, number, presence.standing)
    else:
        change = _added(call, presence.clean, number)
        if presence.taken:
            files = differing(tree, presence.taken, change.files, change.spans)
            # A line that is changed is not one that is only added.
            change = replace(change, files=files, quiet=frozenset())
    others = [f"CONFIG_{symbol}=y" for symbol in options_of_others((call.name,), tree)]
    config = tuple(dict.fromkeys((*change.config, *others)))
    return replace(
        change,
        config=config,
        standing_config=tuple(line for line in config if _has_option(line, tree)),
    )


def _added(call: Call, tree: KernelTree, number: int) -> KernelChange:
    """The change for a tree that does not have the call."""
    patched = apply_patches(call, tree)
    work = _Work(call, number, tree.with_files(patched.files))
    for path, data in patched.files.items():
        work.start_from(tree.read(path), path, data)
    for mail, pieces in by_mail():
        work.add(mail, pieces)
    letter = f"{why(call)}\n\n{about_wiring(call, number)}"
    return KernelChange(
        number=number,
        files={**patched.files, **work.files},
        series=series(call, patched.applied, work.commits),
        extras=(
            ("0000-cover-letter.txt", cover_letter(call, patched.applied, work.commits, letter)),
            (f"{call.name}.2", man_page(call)),
        ),
        config=(f"CONFIG_{call.kconfig.symbol}=y",),
        quiet=frozenset(work.quiet - work.loud - patched.files.keys()),
        body_line_maps=(_line_map(call),),
        spans=work.spans(tree),
        shared_lines={path: tuple(sorted(lines)) for path, lines in work.shared.items()},
        author_patches={patch_key(p): tuple(sorted(touched_by(p))) for p in call.patches},
    )


def _as_it_stands(call: Call, tree: KernelTree, number: int, standing: Standing) -> KernelChange:
    """The change for a tree that has the call, and where nobody knows which lines are its."""
    files = {}
    if standing is Standing.BY_HAND and _is_from_declaration(call, tree):
        generated = (piece.new_files(call) for piece in all_pieces())
        files = {
            path: text.encode("utf-8", "surrogateescape")
            for texts in generated
            for path, text in texts.items()
            if tree.read(path) not in (None, text)
        }
    source = kernel_source(call)
    is_ours = call.kernel_path in files or tree.read(call.kernel_path) == source.text
    symbol = option_of(call.name, tree)
    return KernelChange(
        number=number,
        files=files,
        series=(),
        extras=((f"{call.name}.2", man_page(call)),),
        config=(f"CONFIG_{symbol}=y",) if symbol else (),
        quiet=frozenset(),
        body_line_maps=(_line_map(call),) if is_ours else (),
    )


def _is_from_declaration(call: Call, tree: KernelTree) -> bool:
    """Whether the call's source file in *tree* was generated, maybe of an older declaration."""
    head = "".join(whole_lines(kernel_source(call).text)[:2])
    found = tree.read(call.kernel_path) or ""
    return found.startswith(f"{head} * {call.name}() - ") and f"do_{call.name}(" in found


def _line_map(call: Call) -> BodyLineMap:
    return BodyLineMap(call.kernel_path, call.body.shown_path, kernel_source(call).body_offset)


def _has_option(line: str, tree: KernelTree) -> bool:
    return has_option(line.partition("=")[0].removeprefix("CONFIG_"), tree)


class _Work:
    """A tree that gains one mail of the series after the other."""

    def __init__(self, call: Call, number: int, tree: KernelTree) -> None:
        self.call = call
        self.number = number
        self.tree = tree
        self.files: dict[str, bytes] = {}
        self.commits: list[Commit] = []
        self.quiet: set[str] = set()
        self.loud: set[str] = set()
        self.shared: dict[str, set[str]] = {}
        self._origins: dict[str, list[int]] = {}

    def start_from(self, before: str | None, path: str, patched: bytes) -> None:
        """Know what the author's patches have changed in a file."""
        old, new = (
            whole_lines(before or ""),
            whole_lines(patched.decode("utf-8", "surrogateescape")),
        )
        self._origins[path] = origins(len(old), tuple(changed_spans(old, new)))

    def spans(self, tree: KernelTree) -> dict[str, tuple[Span, ...]]:
        """The places of each edited file that differ from *tree*."""
        return {
            path: tuple(spans_of(lines, len(whole_lines(tree.read(path) or ""))))
            for path, lines in self._origins.items()
        }

    def add(self, mail: Mail, pieces: tuple[Piece, ...]) -> None:
        """Add a mail; a tree that has no place for any of its pieces goes without."""
        editor = Editor(self.tree.read, self.tree.where)
        site = Site(self.call, self.number, self.tree, editor)
        for piece in pieces:
            before = editor.sizes()
            piece.add(site)
            touched = {path for path, size in editor.sizes().items() if size != before.get(path)}
            (self.quiet if piece.quiet else self.loud).update(touched)
        for path, lines in editor.shared.items():
            self.shared.setdefault(path, set()).update(lines)
        edits = editor.edits()
        if not edits:
            return
        files = {edit.path: edit.text().encode("utf-8", "surrogateescape") for edit in edits}
        self.files |= files
        for edit in edits:
            if edit.lines is not None:
                before_edit = self._origins.get(edit.path, range(len(edit.lines)))
                self._origins[edit.path] = edited(before_edit, edit)
        self.tree = self.tree.with_files(files)
        subject = mail.subject.format(name=self.call.name)
        self.commits.append(Commit(subject, mail.message(self.call, self.number), edits))


def default_number(call: Call) -> int | None:
    """The number to expect without a tree at hand; None if only a tree can tell."""
    if call.number.policy is NumberPolicy.FIXED:
        return call.number.fixed
    return PRIVATE_NUMBERS[0] if call.number.policy is NumberPolicy.PRIVATE else None
