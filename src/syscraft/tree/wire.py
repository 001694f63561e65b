"""Wires calls into a kernel tree: every edit, the files that result, the patch series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from syscraft.emit.kernel.source import kernel_source
from syscraft.emit.kernel.wording import the_calls
from syscraft.emit.man_page import man_page
from syscraft.errors import UsageError
from syscraft.lines import whole_lines
from syscraft.model.call import PRIVATE_NUMBERS, Call, NumberPolicy, Unit
from syscraft.tree.author_patches import apply_patches, patch_key, touched_by
from syscraft.tree.edit import Editor
from syscraft.tree.line_diff import Span, changed_spans, edited, origins, spans_of
from syscraft.tree.mails import about_wiring, why
from syscraft.tree.number import numbers_of
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
        numbers: name of a call -> its number in the tables.
        files: path -> the whole new content.
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

    @property
    def number(self) -> int:
        """The number of the only call, or of the first."""
        return next(iter(self.numbers.values()))

    @property
    def new_config(self) -> tuple[str, ...]:
        """The lines of ``config`` whose options come with this change."""
        return tuple(line for line in self.config if line not in self.standing_config)


def wired(
    unit: Unit, tree: KernelTree, *, numbers: Mapping[str, int] | None = None
) -> KernelChange:
    """Work out the change that adds the calls of *unit* to *tree*.

    For a tree that has the calls already it is what differs between the two, as a rule nothing;
    numbers and options are those of the tree.

    Args:
        numbers: those to take, by name; by default what :func:`numbers_of` says.

    Raises:
        TreeError: an anchor is missing, a name or number is taken, a patch does not apply.
    """
    presence = presence_of(unit, tree)
    chosen = _numbers(unit, tree, numbers or {})
    if presence.standing in (Standing.EDITED, Standing.BY_HAND):
        change = _as_it_stands(unit, tree, chosen, presence.standing)
    else:
        change = _added(unit, presence.clean, chosen)
        if presence.taken:
            files = differing(tree, presence.taken, change.files, change.spans)
            # A line that is changed is not one that is only added.
            change = replace(change, files=files, quiet=frozenset())
    ours = {unit.name, *unit.shared.call_names}
    others = [f"CONFIG_{symbol}=y" for symbol in options_of_others(ours, tree)]
    config = tuple(dict.fromkeys((*change.config, *others)))
    return replace(
        change,
        config=config,
        standing_config=tuple(line for line in config if _has_option(line, tree)),
    )


def _numbers(unit: Unit, tree: KernelTree, given: Mapping[str, int]) -> dict[str, int]:
    """Every call's number: the one that is given, or what :func:`numbers_of` says."""
    names = unit.shared.call_names
    if given.keys() >= set(names):
        return {name: given[name] for name in names}
    calls = []
    for call in unit.calls:
        if call.name in given:
            kept = replace(call.number, policy=NumberPolicy.FIXED, fixed=given[call.name])
            call = replace(call, number=kept)
        calls.append(call)
    return dict(zip(names, numbers_of(calls, tree), strict=True))


def _added(unit: Unit, tree: KernelTree, numbers: Mapping[str, int]) -> KernelChange:
    """The change for a tree that does not have the calls."""
    patches = unit.shared.patches
    patched = apply_patches(patches, tree)
    work = _Work(unit, numbers, tree.with_files(patched.files))
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
            *_man_pages(unit),
        ),
        config=(f"CONFIG_{unit.shared.kconfig.symbol}=y",),
        quiet=frozenset(work.quiet - work.loud - patched.files.keys()),
        body_line_maps=(_line_map(unit),),
        spans=work.spans(tree),
        shared_lines={path: tuple(sorted(lines)) for path, lines in work.shared.items()},
        author_patches={patch_key(p): tuple(sorted(touched_by(p))) for p in patches},
    )


def _as_it_stands(
    unit: Unit, tree: KernelTree, numbers: Mapping[str, int], standing: Standing
) -> KernelChange:
    """The change for a tree that has the calls, and where nobody knows which lines are theirs."""
    files = {}
    if standing is Standing.BY_HAND and _is_from_declaration(unit, tree):
        generated = (piece.new_files(unit) for piece in all_pieces())
        files = {
            path: text.encode("utf-8", "surrogateescape")
            for texts in generated
            for path, text in texts.items()
            if tree.read(path) not in (None, text)
        }
    path = unit.shared.kernel_path
    is_ours = path in files or tree.read(path) == kernel_source(unit).text
    symbols = {option_of(name, tree) for name in unit.shared.call_names} - {None}
    return KernelChange(
        numbers=numbers,
        files=files,
        series=(),
        extras=_man_pages(unit),
        config=tuple(f"CONFIG_{symbol}=y" for symbol in sorted(filter(None, symbols))),
        quiet=frozenset(),
        body_line_maps=(_line_map(unit),) if is_ours else (),
    )


def _man_pages(unit: Unit) -> tuple[tuple[str, str], ...]:
    return tuple((f"{call.name}.2", man_page(call)) for call in unit.calls)


def _is_from_declaration(unit: Unit, tree: KernelTree) -> bool:
    """Whether the source file in *tree* was generated, maybe of an older declaration."""
    head = "".join(whole_lines(kernel_source(unit).text)[:2])
    found = tree.read(unit.shared.kernel_path) or ""
    names = ", ".join(f"{name}()" for name in unit.shared.call_names)
    title = " ".join(found.removeprefix(head).replace("\n *", "").split())
    defined = all(f"do_{name}(" in found for name in unit.shared.call_names)
    return found.startswith(head) and title.startswith(f"* {names} - ") and defined


def _line_map(unit: Unit) -> BodyLineMap:
    shared = unit.shared
    offset = kernel_source(unit).body_offset
    return BodyLineMap(shared.kernel_path, shared.body.shown_path, offset)


def _has_option(line: str, tree: KernelTree) -> bool:
    return has_option(line.partition("=")[0].removeprefix("CONFIG_"), tree)


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
        files = {edit.path: edit.text().encode("utf-8", "surrogateescape") for edit in edits}
        self.files |= files
        for edit in edits:
            if edit.lines is not None:
                before_edit = self._origins.get(edit.path, range(len(edit.lines)))
                self._origins[edit.path] = edited(before_edit, edit)
        self.tree = self.tree.with_files(files)
        subject = mail.subject.format(name=self.unit.name, calls=the_calls(self.unit))
        self.commits.append(Commit(subject, mail.message(self.unit, self.numbers), edits))


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
