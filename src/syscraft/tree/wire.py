"""Wires a call into a kernel tree: every edit, the files that result, the patch series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from syscraft.emit.ctext_layout import prose
from syscraft.emit.kernel import kernel_texts
from syscraft.emit.kernel_compat import compat_clone_abis
from syscraft.emit.man_page import man_page
from syscraft.errors import TreeError, UsageError
from syscraft.model.call import PRIVATE_NUMBERS, Call, NumberPolicy
from syscraft.tree.author_patches import apply_patches
from syscraft.tree.edit import Editor
from syscraft.tree.entries import add_fork_entries, fork_rows
from syscraft.tree.number_headers import add_entry, find_headers
from syscraft.tree.series import Piece, cover_letter, series
from syscraft.tree.source import KernelTree
from syscraft.tree.tables import (
    CompatPlace,
    Style,
    Table,
    choose_number,
    common_numbers,
    find_tables,
    read_table,
    style_of,
)
from syscraft.tree.texts import COMPAT_H, SYSCALLS_H, add_core, add_documentation, add_selftest


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
    texts = kernel_texts(call)
    patched = apply_patches(call, tree)
    work = _Work(tree.with_files(patched))
    number: int = 0
    tables: tuple[str, ...] = ()

    def core(editor: Editor) -> str:
        add_core(call, texts, editor)
        return _why(call)

    def wiring(editor: Editor) -> str:
        nonlocal number, tables
        number, tables = _add_rows(call, work.tree, editor)
        if call.returns_twice:
            add_fork_entries(call, work.tree, editor)
        return _about_wiring(call, number)

    def selftest(editor: Editor) -> str | None:
        if not add_selftest(call, texts, work.tree, editor):
            return None
        return "Hold the call to what it promises: results, and errors."

    def document(editor: Editor) -> str | None:
        if not add_documentation(call, texts, work.tree, editor):
            return None
        return "Say what the call does, and when it fails."

    shown = f"the {call.name}() system call"
    work.do(f"{call.name}: add {shown}", core)
    work.do(f"arch: wire up {shown}", wiring)
    work.do(f"selftests/{call.name}: test {shown}", selftest)
    work.do(f"Documentation: describe {shown}", document)
    letter = f"{_why(call)}\n\n{_about_wiring(call, number)}"
    return KernelChange(
        number=number,
        files={**patched, **work.files},
        series=series(call, work.pieces),
        extras=(
            ("0000-cover-letter.txt", cover_letter(call, work.pieces, letter)),
            (f"{call.name}.2", man_page(call)),
        ),
        config=(f"CONFIG_{call.kconfig.symbol}=y",),
        quiet=frozenset({*tables, SYSCALLS_H, COMPAT_H} & work.files.keys()) - patched.keys(),
        body_line_maps=(BodyLineMap(call.kernel_path, call.body.shown_path, texts.body_offset),),
    )


class _Work:
    """A tree that gains one piece after the other."""

    def __init__(self, tree: KernelTree) -> None:
        self.tree = tree
        self.files: dict[str, bytes] = {}
        self.pieces: list[Piece] = []

    def do(self, subject: str, add: Callable[[Editor], str | None]) -> None:
        """Make a piece of what *add* does; it returns why, or None if there is no place for it."""
        editor = Editor(self.tree.read, self.tree.where)
        message = add(editor)
        if message is None:
            return
        edits = editor.edits()
        files = {edit.path: edit.text().encode("utf-8", "surrogateescape") for edit in edits}
        self.files |= files
        self.tree = self.tree.with_files(files)
        self.pieces.append(Piece(subject, message, edits))


def _why(call: Call) -> str:
    return prose([call.description or f"{call.summary}."], columns=74)


def _about_wiring(call: Call, number: int) -> str:
    if call.number.policy is NumberPolicy.NEXT:
        how = f"The number {number} is the next one of the common sequence."
    else:
        how = (
            f"The number {number} is private: it is outside of what the kernel hands out, so that "
            "no program built for this call can reach another one on a newer kernel."
        )
    entries = (
        "A child inherits registers that an ordinary call does not save. Architectures that "
        "have entry code for clone() on that account have it for this call too."
    )
    return prose([how, entries if call.returns_twice else ""], columns=74)


def _add_rows(call: Call, tree: KernelTree, editor: Editor) -> tuple[int, tuple[str, ...]]:
    """Give every table of numbers that the call is right in its entry; returns the edited files."""
    paths = find_tables(tree.root)
    tables = tuple(read_table(path, editor.lines(path)) for path in paths)
    if not tables:
        raise TreeError.of(
            "the tree has no table of system call numbers",
            tree.where("arch"),
            expected="arch/*/entry/syscalls/*.tbl, arch/*/kernel/syscalls/*.tbl or the like",
            hint="this kernel tree is laid out in a way that syscraft does not know",
        )
    common = common_numbers(tables)
    number = choose_number(call, tables, common, tree.where("arch"))
    edited = []
    entries = fork_rows(call.name) if call.returns_twice else {}
    for table in tables:
        style = style_of(table, common, tree.where(table.path))
        row = style.rows(
            number,
            call.name,
            returns_twice=call.returns_twice,
            entry=entries.get(table.path),
            compat=_compat_entry(call, table, style),
        )
        editor.insert(table.path, table.insertion_index(number + style.offset), row)
        edited.append(table.path)
    for path in find_headers(tree.root):
        edited += add_entry(tree, editor, path, number, call.name, compat=call.needs_compat)
    return number, tuple(dict.fromkeys(edited))


def _compat_entry(call: Call, table: Table, style: Style) -> str | None:
    """The function that a row has for programs of 32 bits on a kernel of 64."""
    for abi in compat_clone_abis(call):
        if abi.compat_clone and abi.table.path == table.path:
            return f"compat_sys_{abi.compat_clone[0]}{call.name}"
    # A table of their own is of programs with wide registers: a 64-bit value travels whole there.
    if not call.needs_compat or (style.compat is CompatPlace.INSTEAD and call.has_wide_arguments):
        return None
    return f"compat_sys_{call.name}"


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
