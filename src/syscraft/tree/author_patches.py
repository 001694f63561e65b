"""Applies the patches that a declaration carries, outside of any tree."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from syscraft import proc
from syscraft.errors import DeclarationError, TreeError, Where
from syscraft.files import digest, write_atomic
from syscraft.model.call import TextFile
from syscraft.tree.source import KernelTree

_FILE_LINE = re.compile(r"^(?:---|\+\+\+) (?:[ab]/)?([^\t\n]+)", re.MULTILINE)


@dataclass(frozen=True)
class Patched:
    """What a declaration's patches do to a tree.

    Args:
        files: path -> content of every file that differs afterwards.
        applied: the patches that the tree did not have yet.
    """

    files: dict[str, bytes]
    applied: tuple[TextFile, ...]


def apply_patches(patches: Sequence[TextFile], tree: KernelTree) -> Patched:
    """Apply an author's patches in order; what the tree has already is left out.

    Two variants of a call may need the same change of the kernel, and carry the same patch.

    Raises:
        TreeError: a patch does not apply; git's own words are in the message.
        DeclarationError: a patch leaves the tree, or changes nothing.
    """
    if not patches:
        return Patched({}, ())
    with tempfile.TemporaryDirectory(prefix="syscraft-patch-") as folder:
        scratch = Path(folder)
        touched: set[str] = set()
        applied = []
        for patch in patches:
            paths = touched_by(patch)
            for path in paths:
                _bring(path, tree, scratch)
            if _apply(patch, scratch, tree):
                applied.append(patch)
                touched |= paths
        files = {
            path: (scratch / path).read_bytes()
            for path in sorted(touched)
            if (scratch / path).is_file()
        }
        return Patched(files, tuple(applied))


def patch_key(patch: TextFile) -> str:
    """Names a patch by what it says."""
    return digest(patch.text)


def repaired_files(tree: KernelTree, patch: str) -> dict[str, bytes]:
    """Apply a patch that repairs a tree; one that does not apply is not needed.

    Returns: path -> content of every file that differs afterwards.
    """
    with tempfile.TemporaryDirectory(prefix="syscraft-patch-") as folder:
        scratch = Path(folder)
        touched = sorted(set(_FILE_LINE.findall(patch)))
        for path in touched:
            _bring(path, tree, scratch)
        if not _git_apply(patch, scratch).ok:
            return {}
        return {path: (scratch / path).read_bytes() for path in touched}


def _bring(path: str, tree: KernelTree, scratch: Path) -> None:
    data = tree.read_bytes(path)
    if data is not None and not (scratch / path).exists():
        write_atomic(scratch / path, data)


def touched_by(patch: TextFile) -> set[str]:
    """The files that a patch is about.

    Raises:
        DeclarationError: there is none, or one outside of the tree.
    """
    paths = {path for path in _FILE_LINE.findall(patch.text) if path != "/dev/null"}
    paths = {path for path in paths if path.strip() and not path.startswith("-")}
    if not paths:
        raise DeclarationError.of(
            "this patch changes no files",
            Where(patch.shown_path),
            expected="a diff with --- a/FILE and +++ b/FILE lines",
        )
    for path in paths:
        if path.startswith("/") or ".." in Path(path).parts:
            raise DeclarationError.of(
                "this patch changes a file outside the kernel tree",
                Where(patch.shown_path),
                found=path,
            )
    return paths


def _git_apply(text: str, scratch: Path, *options: str) -> proc.Result:
    return proc.run(
        ["git", "apply", "--whitespace=nowarn", *options, "-"],
        cwd=scratch,
        # A repository around the scratch folder would change what git thinks of its paths.
        env={"GIT_CEILING_DIRECTORIES": str(scratch.parent)},
        input=text.encode("utf-8", "surrogateescape"),
    )


def _apply(patch: TextFile, scratch: Path, tree: KernelTree) -> bool:
    """Apply a patch; returns False where that has been done before."""
    done = _git_apply(patch.text, scratch)
    if done.ok:
        return True
    if _git_apply(patch.text, scratch, "--reverse", "--check").ok:
        return False
    raise TreeError.of(
        f"this patch does not apply to {tree.shown}",
        Where(patch.shown_path),
        found=done.output.strip(),
        hint="regenerate it against this tree with git format-patch",
    )
