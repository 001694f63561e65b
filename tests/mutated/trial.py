"""Tries one input: load, judge, generate, and the series for a kernel tree."""

from __future__ import annotations

import shutil
import traceback
from pathlib import Path

import syscraft
from syscraft.api import Declaration
from syscraft.errors import DeclarationError, SyscraftError
from syscraft.rules.declared import judge_declared
from syscraft.scaffold.from_source import import_call
from syscraft.tree.source import KernelTree, open_tree
from syscraft.tree.wire import wired

from .seeds import Input, seeds

SOURCE = str(Path(syscraft.__file__).parent)


def small_tree(root: Path, linux: str = "deb:6.12") -> KernelTree:
    """A tree with no more files than the seeds' changes touch."""
    whole = open_tree(linux)
    paths = {"Makefile", "Kconfig", "kernel/fork.c", "include/linux/syscalls.h"}
    for index, seed in enumerate(dict.fromkeys(seed.toml for seed in seeds())):
        known = next(s for s in seeds() if s.toml == seed)
        try:
            declared = syscraft.load(write(known, root / f"seed-{index}"))
            paths |= set(declared.patch(linux).files)
        except SyscraftError:
            continue
        finally:
            shutil.rmtree(root / f"seed-{index}")
    for path in sorted(paths):
        if (data := whole.read_bytes(path)) is not None:
            (root / "linux" / path).parent.mkdir(parents=True, exist_ok=True)
            (root / "linux" / path).write_bytes(data)
    return open_tree(str(root / "linux"))


def write(made: Input, folder: Path) -> Path:
    """Write an input into a new folder; returns the declaration's path."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, data in made.files.items():
        (folder / name).write_bytes(data)
    return folder / made.toml


def try_one(path: Path, tree: KernelTree | None) -> tuple[str, str]:
    """Do with a declaration all that can be done without a kernel.

    Args:
        tree: where to work a series out; None to leave it.

    Returns: how far it came; and, if it fell, where and how. What it fell over has one line.
    """
    reached = "refused"
    try:
        if path.suffix == ".c":
            imported = import_call(path, None, path.parent / "made")
            if imported.findings:
                return "imported", ""
            path = imported.files[0].parent
        declared = syscraft.load(path)
        for call in declared.calls:
            [str(finding) for finding in judge_declared(call)]
        reached = "accepted"
        _generate(declared, tree)
        reached = "generated"
        if tree is not None:
            for _, text in wired(declared.unit, tree).series:
                text.encode("utf-8", "surrogateescape")
            reached = "in a series"
    except SyscraftError as error:
        return reached, _mute(error)
    except Exception as error:
        return reached, _told(error)
    return reached, ""


def _generate(declared: Declaration, tree: KernelTree | None) -> None:
    # Without a tree only some numbers are known; the others are refused.
    for name, text in declared.generate(str(tree.root) if tree else None).items():
        text.encode()
        if name.endswith(".py"):
            compile(text, name, "exec")


def _mute(error: SyscraftError) -> str:
    """What is wrong with the findings themselves."""
    if not error.findings:
        return f"{type(error).__name__} without a finding"
    for finding in error.findings:
        if len(str(finding)) > 20_000:
            return f"a finding of {len(str(finding))} characters: {finding.message[:60]}"
        if isinstance(error, DeclarationError) and finding.where is None:
            return f"a finding without a place: {finding.message[:60]}"
        str(finding).encode("utf-8", "backslashreplace")
    return ""


def _told(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename.startswith(SOURCE)]
    last = (own or frames)[-1]
    place = f"{last.filename.removeprefix(SOURCE + '/')}:{last.lineno} {last.name}"
    return f"{type(error).__name__} in {place}: {' '.join(str(error).split())[:100]}"
