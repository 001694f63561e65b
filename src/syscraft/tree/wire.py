"""Wires a call into a kernel tree: every edit, the files that result, the patch series."""

from __future__ import annotations

import re
from dataclasses import dataclass

from syscraft.abi.base import GENERIC_TABLE, Pairs
from syscraft.abi.registry import all_abis
from syscraft.emit.ctext_layout import prose
from syscraft.emit.kernel import KernelTexts, kernel_texts
from syscraft.errors import TreeError
from syscraft.model.call import PRIVATE_NUMBERS, Call, NumberPolicy
from syscraft.tree.author_patches import apply_patches
from syscraft.tree.edit import Editor, FileEdit
from syscraft.tree.number_headers import add_entry, find_headers
from syscraft.tree.source import KernelTree
from syscraft.tree.tables import (
    choose_number,
    common_numbers,
    find_tables,
    read_table,
    style_of,
)

_SYSCALLS_H = "include/linux/syscalls.h"
_MAKEFILE_OBJECT = re.compile(r"^obj-\$\(CONFIG_\w+\) \+= [\w-]+\.o$")
_STRUCT_DECLARATION = re.compile(r"^struct \w+;$")


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
        config: lines that the kernel's configuration must have.
        quiet: files whose change only adds names that no other file uses.
        body_line_maps: where the compiler's messages about the bodies belong.
    """

    number: int
    files: dict[str, bytes]
    series: tuple[tuple[str, str], ...]
    config: tuple[str, ...]
    quiet: frozenset[str]
    body_line_maps: tuple[BodyLineMap, ...]


def wired(call: Call, tree: KernelTree) -> KernelChange:
    """Work out the change that adds *call* to *tree*.

    Raises:
        TreeError: an anchor is missing, a name or number is taken, a patch does not apply.
    """
    patched = apply_patches(call, tree)

    def read(path: str) -> str | None:
        if path in patched:
            return patched[path].decode("utf-8", errors="surrogateescape")
        return tree.read(path)

    texts = kernel_texts(call)
    editor = Editor(read, tree.where)
    number, tables = _add_rows(call, tree, editor)
    _add_texts(call, texts, editor)
    edits = editor.edits()
    files = {
        **patched,
        **{edit.path: edit.text().encode("utf-8", "surrogateescape") for edit in edits},
    }
    series = [(f"{i:04d}-{_stem(p.name)}.patch", p.text) for i, p in enumerate(call.patches, 1)]
    ours = f"{len(series) + 1:04d}-add-the-{call.name.replace('_', '-')}-system-call.patch"
    return KernelChange(
        number=number,
        files=files,
        series=(*series, (ours, _mail(call, number, edits))),
        config=(f"CONFIG_{call.kconfig.symbol}=y",),
        quiet=frozenset({*tables, _SYSCALLS_H}) - patched.keys(),
        body_line_maps=(BodyLineMap(call.kernel_path, call.body.shown_path, texts.body_offset),),
    )


def _stem(name: str) -> str:
    stem = name.rsplit("/", 1)[-1].removesuffix(".patch").removesuffix(".diff")
    return re.sub(r"^\d+-", "", stem)


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
    halves = _halving_tables() if call.has_wide_arguments else frozenset()
    for table in tables:
        if table.path in halves:
            continue
        style = style_of(table, common, tree.where(table.path))
        row = style.row(number, call.name, returns_twice=call.returns_twice)
        editor.insert(table.path, table.insertion_index(number + style.offset), row)
        edited.append(table.path)
    for path in find_headers(tree.root):
        if path not in halves:
            edited += add_entry(tree, editor, path, number, call.name)
    return number, tuple(dict.fromkeys(edited))


def _halving_tables() -> frozenset[str]:
    """Tables of programs that pass a 64-bit argument in halves.

    A 64-bit kernel would take each half for an argument of its own.
    """
    return frozenset(
        table.path
        for abi in all_abis()
        if abi.pairs is not Pairs.WHOLE and abi.table != GENERIC_TABLE
        for table in (abi.table, *abi.compat_tables)
    )


def _add_texts(call: Call, texts: KernelTexts, editor: Editor) -> None:
    editor.create(call.kernel_path, texts.source)
    if texts.uapi is not None:
        editor.create(call.uapi_path, texts.uapi)
    _add_prototypes(texts, editor)
    editor.insert("kernel/sys_ni.c", len(editor.lines("kernel/sys_ni.c")), "\n" + texts.stub)
    objects = editor.find(
        "kernel/Makefile",
        lambda line: bool(_MAKEFILE_OBJECT.match(line)),
        "obj-$(CONFIG_...) += ...o",
        last=True,
    )
    editor.insert("kernel/Makefile", objects + 1, texts.makefile_line)
    option = editor.find("init/Kconfig", lambda line: line == "config PC104\n", "config PC104")
    editor.insert("init/Kconfig", option, texts.kconfig)
    _add_maintainers(texts, editor)


def _add_prototypes(texts: KernelTexts, editor: Editor) -> None:
    lines = editor.lines(_SYSCALLS_H)
    heading = editor.find(
        _SYSCALLS_H,
        lambda line: line == " * Architecture-specific system calls\n",
        "the comment 'Architecture-specific system calls'",
    )
    end = heading - 1  # the comment's opening line
    while end and not lines[end - 1].strip():
        end -= 1
    editor.insert(_SYSCALLS_H, end, texts.prototypes)
    new = [text for text in texts.forward_declarations if text + "\n" not in lines]
    if new:
        includes = next(i for i, line in enumerate(lines) if line.startswith("#include"))
        declared = [i for i, line in enumerate(lines[:includes]) if _STRUCT_DECLARATION.match(line)]
        place = declared[-1] + 1 if declared else includes
        editor.insert(_SYSCALLS_H, place, "".join(f"{text}\n" for text in new))


def _add_maintainers(texts: KernelTexts, editor: Editor) -> None:
    lines = editor.lines("MAINTAINERS")
    start = editor.find(
        "MAINTAINERS", lambda line: line == "Maintainers List\n", "Maintainers List"
    )
    titles = [
        index
        for index in range(start + 2, len(lines) - 1)
        if lines[index + 1][1:3] == ":\t" and not lines[index - 1].strip()
    ]
    # The list ignores case: "iSCSI" stands among the entries with I. Some entries stand where
    # they do not belong, so the best place is the one that fewest of them contradict.
    smaller = [lines[index].strip().upper() < texts.maintainers_title for index in titles]
    score = smaller.count(True)
    best, place = score, 0
    for position, is_smaller in enumerate(smaller, 1):
        score += -1 if is_smaller else 1
        if score <= best:
            best, place = score, position
    index = titles[place] if place < len(titles) else len(lines)
    editor.insert("MAINTAINERS", index, texts.maintainers)


def _mail(call: Call, number: int, edits: tuple[FileEdit, ...]) -> str:
    """Write the patch as a mail that ``git am`` takes; no date, so equal input is equal output."""
    how = (
        f"The number {number} is private: it is outside of what the kernel hands out, so that "
        "no program built for this call can reach another one on a newer kernel."
    )
    message = prose([call.description or f"{call.summary}.", how], columns=74)
    added = sum(edit.added_lines() for edit in edits)
    removed = sum(edit.removed_lines() for edit in edits)
    gone = f", {removed} deletion{'s' if removed > 1 else ''}(-)" if removed else ""
    return (
        "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\n"
        f"From: {call.author}\n"
        f"Subject: [PATCH] {call.name}: add the {call.name}() system call\n"
        "\n"
        f"{message}\n"
        "\n"
        f"Signed-off-by: {call.author}\n"
        "---\n"
        f"{_stat(edits)} {len(edits)} files changed, {added} insertions(+)"
        f"{gone}\n"
        "\n" + "".join(edit.diff() for edit in edits) + "-- \nsyscraft\n"
    )


def _stat(edits: tuple[FileEdit, ...]) -> str:
    """The summary above the diffs, as git writes it."""
    paths = max(len(edit.path) for edit in edits)
    counts = max(len(str(edit.added_lines() + edit.removed_lines())) for edit in edits)
    lines = []
    for edit in edits:
        added, removed = edit.added_lines(), edit.removed_lines()
        bar = "+" * min(added, 40) + "-" * min(removed, 40)
        lines.append(f" {edit.path:<{paths}} | {added + removed:>{counts}} {bar}\n")
    return "".join(lines)


def default_number(call: Call) -> int | None:
    """The number to expect without a tree at hand; None if only a tree can tell."""
    if call.number.policy is NumberPolicy.FIXED:
        return call.number.fixed
    return PRIVATE_NUMBERS[0] if call.number.policy is NumberPolicy.PRIVATE else None
