"""What the calls of a declaration add to a tree that has nothing of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from syscraft.emit.kernel.source import kernel_source
from syscraft.emit.kernel.wording import the_calls
from syscraft.emit.man_page import man_page
from syscraft.errors import TreeError
from syscraft.lines import whole_lines
from syscraft.model.call import Unit
from syscraft.tree.author_patches import apply_patches, patch_key, touched_by
from syscraft.tree.edit import Editor
from syscraft.tree.line_diff import Span, changed_spans, edited, origins, spans_of
from syscraft.tree.mails import about_wiring, why
from syscraft.tree.pieces import Mail, Piece, Site, by_mail
from syscraft.tree.series import Commit, cover_letter, series
from syscraft.tree.source import LINK, KernelTree


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
        files: path -> the whole new content; of a link, where it points to.
        name: that of the declaration.
        removed: the files that are gone.
        modes: as git has them, of those ``files`` that do not keep the mode that they have.
        series: (file name, mail) pairs for ``git am``.
        extras: (file name, text) pairs of what goes with the series: its cover letter and the
            manual pages.
        config: lines that the kernel's configuration must have.
        quiet: files whose change only adds names that no other file uses.
        body_line_maps: where the compiler's messages about the bodies belong.
        standing_config: those lines of ``config`` whose options the tree has already.
        spans: path -> the places that differ, for files that pieces edit.
        shared_lines: path -> lines that other calls may need there as well.
        author_patches: key of each patch of the declaration -> the files that it is about.
    """

    numbers: Mapping[str, int]
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
    name: str = ""
    removed: frozenset[str] = frozenset()
    modes: Mapping[str, int] = field(default_factory=dict)

    def seen_in(self, tree: KernelTree) -> KernelTree:
        """The tree with the change."""
        return tree.with_files({**self.files, **dict.fromkeys(self.removed)}, self.modes)

    @property
    def number(self) -> int:
        """The number of the only call, or of the first."""
        return next(iter(self.numbers.values()))

    @property
    def new_config(self) -> tuple[str, ...]:
        """The lines of ``config`` whose options come with this change."""
        return tuple(line for line in self.config if line not in self.standing_config)


def added(unit: Unit, tree: KernelTree, numbers: Mapping[str, int]) -> KernelChange:
    """The change for a tree that does not have the calls."""
    patches = unit.shared.patches
    patched = apply_patches(patches, tree)
    work = _Work(unit, numbers, patched.seen_in(tree))
    for path, data in patched.files.items():
        work.start_from(tree.read(path), path, data)
    for mail, pieces in by_mail():
        work.add(mail, pieces)
    letter = f"{why(unit, numbers)}\n\n{about_wiring(unit, numbers)}"
    return KernelChange(
        numbers=numbers,
        files={**patched.files, **work.files},
        series=series(unit, patched.applied, work.commits),
        extras=(
            ("0000-cover-letter.txt", cover_letter(unit, patched.applied, work.commits, letter)),
            *man_pages(unit),
        ),
        config=(f"CONFIG_{unit.shared.kconfig.symbol}=y",),
        quiet=frozenset(work.quiet - work.loud - patched.files.keys()),
        body_line_maps=(line_map(unit),),
        spans=work.spans(tree),
        shared_lines={path: tuple(sorted(lines)) for path, lines in work.shared.items()},
        name=unit.name,
        removed=patched.removed,
        modes=patched.modes,
        author_patches={patch_key(p): tuple(sorted(touched_by(p))) for p in patches},
    )


def man_pages(unit: Unit) -> tuple[tuple[str, str], ...]:
    """(file name, page) of each call."""
    return tuple((f"{call.name}.2", man_page(call)) for call in unit.calls)


def line_map(unit: Unit) -> BodyLineMap:
    """Where the body is in the generated source."""
    shared = unit.shared
    offset = kernel_source(unit).body_offset
    return BodyLineMap(shared.kernel_path, shared.body.shown_path, offset)


class _Work:
    """A tree that gains one mail of the series after the other."""

    def __init__(self, unit: Unit, numbers: Mapping[str, int], tree: KernelTree) -> None:
        self.unit = unit
        self.numbers = numbers
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
        site = Site(self.unit, self.numbers, self.tree, editor)
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
        for edit in edits:
            _check_place(edit.path, self.tree)
        files = {edit.path: edit.text().encode("utf-8", "surrogateescape") for edit in edits}
        self.files |= files
        for edit in edits:
            if edit.lines is not None:
                before_edit = self._origins.get(edit.path, range(len(edit.lines)))
                self._origins[edit.path] = edited(before_edit, edit)
        self.tree = self.tree.with_files(files)
        subject = mail.subject.format(name=self.unit.name, calls=the_calls(self.unit))
        self.commits.append(Commit(subject, mail.message(self.unit, self.numbers), edits))


def _check_place(path: str, tree: KernelTree) -> None:
    """Refuse to write where a patch of the author's has put a link, as git would.

    Raises:
        TreeError: *path* is one, or behind one.
    """
    is_made = path in tree.overlay and tree.mode(path) == LINK
    if above := tree.link_above(path) or (path if is_made else None):
        raise TreeError.of(
            "a link stands in the way of the change",
            tree.where(above),
            expected=f"folders on the way to {path}, and a file",
            found=f"{above} -> {(tree.raw(above) or b'').decode(errors='replace')}",
        )
