"""Applies the patches that a declaration carries, outside of any tree."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from syscraft import proc
from syscraft.errors import DeclarationError, TreeError, Where
from syscraft.files import write_atomic
from syscraft.model.call import TextFile
from syscraft.tree.source import KernelTree

_FILE_LINE = re.compile(r"^(?:---|\+\+\+) (?:[ab]/)?([^\t\n]+)", re.MULTILINE)


def apply_patches(patches: Sequence[TextFile], tree: KernelTree) -> dict[str, bytes]:
    """Apply an author's patches in order.

    Returns: path -> content of every file that differs afterwards.

    Raises:
        TreeError: a patch does not apply; git's own words are in the message.
        DeclarationError: a patch leaves the tree, or changes nothing.
    """
    if not patches:
        return {}
    with tempfile.TemporaryDirectory(prefix="syscraft-patch-") as folder:
        scratch = Path(folder)
        touched: set[str] = set()
        for patch in patches:
            touched |= _touched(patch)
            for path in touched:
                _bring(path, tree, scratch)
            _apply(patch, scratch, tree)
        return {
            path: (scratch / path).read_bytes()
            for path in sorted(touched)
            if (scratch / path).is_file()
        }


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


def _touched(patch: TextFile) -> set[str]:
    paths = {path for path in _FILE_LINE.findall(patch.text) if path != "/dev/null"}
    paths = {path for path in paths if path.strip() and not path.startswith("-")}
    if not paths:
        raise DeclarationError.of(
            "this patch changes no file",
            Where(patch.shown_path),
            expected="a diff with --- a/FILE and +++ b/FILE lines",
        )
    for path in paths:
        if path.startswith("/") or ".." in Path(path).parts:
            raise DeclarationError.of(
                "this patch reaches outside of the kernel tree",
                Where(patch.shown_path),
                found=path,
            )
    return paths


def _git_apply(text: str, scratch: Path) -> proc.Result:
    return proc.run(
        ["git", "apply", "--whitespace=nowarn", "-"],
        cwd=scratch,
        # A repository around the scratch folder would change what git thinks of its paths.
        env={"GIT_CEILING_DIRECTORIES": str(scratch.parent)},
        input=text.encode("utf-8", "surrogateescape"),
    )


def _apply(patch: TextFile, scratch: Path, tree: KernelTree) -> None:
    done = _git_apply(patch.text, scratch)
    if not done.ok:
        raise TreeError.of(
            f"this patch does not apply to {tree.shown}",
            Where(patch.shown_path),
            found=done.output.strip(),
            hint="make it anew against this tree, with git format-patch",
        )
