"""A kernel tree's census: every table, every definition, and which row enters which."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from syscraft.abi.abi import PrivateCall
from syscraft.abi.discover import all_abis
from syscraft.calls.census import Census, Definition, Entry, to_text
from syscraft.errors import Finding, TreeError, UsageError, Where
from syscraft.files import write_together
from syscraft.hints import Progress, silent
from syscraft.scan.choose import Chooser
from syscraft.scan.definitions import CallFinding, Definitions, read_definitions
from syscraft.scan.numbers import Numbers
from syscraft.tree.source import KernelTree

_VERSION = re.compile(
    r"^(VERSION|PATCHLEVEL|SUBLEVEL|EXTRAVERSION)[ \t]*=[ \t]*(\S*)", re.MULTILINE
)


@dataclass(frozen=True)
class KernelCalls:
    """The calls of a tree, and what could not be read of it, each with its place."""

    census: Census
    findings: tuple[Finding, ...]

    def write(self, folder: str | Path) -> Path:
        """Keep the calls in *folder*, as ``6.12.json``; returns the path."""
        (path,) = write_calls([self], folder)
        return path


def write_calls(kernels: Sequence[KernelCalls], folder: str | Path) -> tuple[Path, ...]:
    """Keep the calls of several trees in *folder*, all of them or none; returns the paths.

    Raises:
        UsageError: two trees are of one version.
    """
    paths = tuple(Path(folder) / f"{kernel.census.version}.json" for kernel in kernels)
    if twice := [path for path in paths if paths.count(path) > 1]:
        releases = (k.census.release for k, p in zip(kernels, paths, strict=True) if p == twice[0])
        raise UsageError.of(
            "two trees would be written to one file",
            Where(str(twice[0])),
            expected="trees of different versions, or one command with -o for each",
            found=", ".join(releases),
        )
    texts = [to_text(kernel.census).encode() for kernel in kernels]
    write_together(dict(zip(paths, texts, strict=True)))
    return paths


def read_calls(
    tree: KernelTree,
    progress: Progress = silent,
    definitions: Definitions | None = None,
) -> KernelCalls:
    """Read all calls of a tree; what cannot be read is told, and the rest is read.

    Args:
        definitions: of the same tree, if they have been read already.

    Raises:
        TreeError: nothing of the tree is a kernel's.
    """
    release = release_of(tree)
    definitions = definitions or read_definitions(tree, progress)
    numbers = Numbers(tree)
    entries: dict[str, dict[str, Entry]] = {}
    for abi in all_abis():
        progress(f"resolving calls of {tree.shown}: {abi.key}")
        chooser = Chooser(definitions, abi)
        calls = {
            row.name: Entry(
                row.name, row.number + abi.number_offset, row.symbol, row.compat,
                chooser.definition(row),
            )
            for row in numbers.rows(abi)
        }  # fmt: skip
        for private, number in numbers.private(abi):
            calls.setdefault(private.name, _outside(tree, private, number))
        if calls:
            entries[abi.key] = dict(sorted(calls.items()))
    if not entries:
        raise TreeError.of(
            "no system calls found",
            tree.where("."),
            expected="the source of a Linux kernel",
            found="none of the tables of numbers",
            hint="name the folder that has arch/, kernel/ and Makefile, or deb:6.12",
        )
    used = {e.definition for calls in entries.values() for e in calls.values() if e.definition}
    kept = used | {d for group in definitions.found.values() for d in group if _is_call(d)}
    definitions.findings += _without_row(definitions, entries)
    ordered = tuple(sorted(kept, key=lambda d: (d.symbol, d.path, d.line)))
    census = Census.of_entries(release, tree.shown, ordered, entries)
    return KernelCalls(census, (*numbers.findings, *definitions.findings))


def _outside(tree: KernelTree, call: PrivateCall, number: int) -> Entry:
    """A call that no table has; its parameters are told where its number is passed."""
    before, found, _ = (tree.read(call.path) or "").partition(call.entry)
    line = before.count("\n") + 1
    definition = Definition(call.symbol, call.text, call.path, line) if found else None
    return Entry(call.name, number, call.symbol, None, definition)


def _without_row(
    definitions: Definitions, entries: Mapping[str, Mapping[str, Entry]]
) -> Iterator[CallFinding]:
    """The calls that a macro defines and nobody can enter, for no table has them."""
    entered = {e.definition.symbol for calls in entries.values() for e in calls.values()
               if e.definition} | {
        symbol for calls in entries.values() for e in calls.values()
        for symbol in (e.symbol, e.compat)
    }  # fmt: skip
    for symbol, group in sorted(definitions.found.items()):
        first = next((d for d in group if _is_call(d) and not d.assembly), None)
        if first is None or symbol in entered or not symbol.startswith("sys_"):
            continue
        text = definitions.tree.read(first.path) or ""
        name = symbol.removeprefix("sys_")
        # An architecture's own may be put into the table by a #define of its entry's name.
        if not _macro(name).search(text) or re.search(rf"sys_{name}\b", text):
            continue
        yield CallFinding(
            f"no table has a row for {name}",
            definitions.tree.where(first.path, first.line),
            f"a row with {name} and {symbol} in every table of numbers",
            "SYSCALL_DEFINE alone: no program can call it",
            "syscraft import makes a declaration of it, whose patch has the rows",
            symbol=symbol,
        )


def _macro(name: str) -> re.Pattern[str]:
    return re.compile(rf"^[ \t]*(?:PPC32_)?SYSCALL_DEFINE[0-6]\s*\(\s*{name}\b", re.MULTILINE)


def _is_call(definition: Definition) -> bool:
    """Whether it is worth keeping though no table enters it: code, and of a call."""
    of_a_call = definition.symbol.startswith(("sys_", "compat_sys_"))
    return of_a_call and not definition.is_prototype


def release_of(tree: KernelTree) -> str:
    """The release that the tree's Makefile tells, such as ``6.12.117``."""
    words: dict[str, str] = dict(_VERSION.findall((tree.read("Makefile") or "")[:2000]))
    if "VERSION" not in words or "PATCHLEVEL" not in words:
        raise TreeError.of(
            "not a kernel tree",
            tree.where("Makefile"),
            expected="VERSION and PATCHLEVEL in its first lines",
            found="not found" if words or tree.read("Makefile") else "no such file",
            hint="name a folder with a kernel's source, or deb:6.12",
        )
    numbers = (words["VERSION"], words["PATCHLEVEL"], words.get("SUBLEVEL") or "0")
    return ".".join(numbers) + words.get("EXTRAVERSION", "")
