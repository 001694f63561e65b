"""Wires a call into a kernel tree: every edit, the files that result, the patch series."""

from __future__ import annotations

import re
from dataclasses import dataclass

from syscraft.abi.base import GENERIC_TABLE
from syscraft.abi.registry import all_abis
from syscraft.emit.ctext_layout import prose
from syscraft.emit.kernel import KernelTexts, kernel_texts
from syscraft.model.call import PRIVATE_NUMBERS, Call, NumberPolicy
from syscraft.tree.author_patches import apply_patches
from syscraft.tree.edit import Editor, FileEdit
from syscraft.tree.source import KernelTree
from syscraft.tree.tables import choose_number, format_row, read_table

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
        body_line_map: where the compiler's messages about the body belong.
    """

    number: int
    files: dict[str, bytes]
    series: tuple[tuple[str, str], ...]
    config: tuple[str, ...]
    quiet: frozenset[str]
    body_line_map: BodyLineMap


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
        body_line_map=BodyLineMap(call.kernel_path, call.body.shown_path, texts.body_offset),
    )


def _stem(name: str) -> str:
    stem = name.rsplit("/", 1)[-1].removesuffix(".patch").removesuffix(".diff")
    return re.sub(r"^\d+-", "", stem)


def _add_rows(call: Call, tree: KernelTree, editor: Editor) -> tuple[int, tuple[str, ...]]:
    # Trees before the generic table have its rows in a header instead.
    known = {abi.table for abi in all_abis() if abi.table.wired}
    words = {
        table.path: table.abi_word
        for table in sorted(known, key=lambda table: table.path)
        if table != GENERIC_TABLE or tree.read(table.path) is not None
    }
    tables = tuple(read_table(path, editor.lines(path)) for path in words)
    number = choose_number(call, tables, tree.where(tables[0].path))
    for table in tables:
        row = format_row(number, words[table.path], call.name, table)
        editor.insert(table.path, table.insertion_index(number), row)
    return number, tuple(words)


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
    total = sum(edit.added_lines() for edit in edits)
    return (
        "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\n"
        f"From: {call.author}\n"
        f"Subject: [PATCH] {call.name}: add the {call.name}() system call\n"
        "\n"
        f"{message}\n"
        "\n"
        f"Signed-off-by: {call.author}\n"
        "---\n"
        f"{_stat(edits)} {len(edits)} files changed, {total} insertions(+)\n"
        "\n" + "".join(edit.diff() for edit in edits) + "-- \nsyscraft\n"
    )


def _stat(edits: tuple[FileEdit, ...]) -> str:
    """The summary above the diffs, as git writes it."""
    paths = max(len(edit.path) for edit in edits)
    counts = max(len(str(edit.added_lines())) for edit in edits)
    lines = []
    for edit in edits:
        added = edit.added_lines()
        lines.append(f" {edit.path:<{paths}} | {added:>{counts}} {'+' * min(added, 40)}\n")
    return "".join(lines)


def default_number(call: Call) -> int | None:
    """The number to expect without a tree at hand; None if only a tree can tell."""
    if call.number.policy is NumberPolicy.FIXED:
        return call.number.fixed
    return PRIVATE_NUMBERS[0] if call.number.policy is NumberPolicy.PRIVATE else None
