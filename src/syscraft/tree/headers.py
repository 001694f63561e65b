"""The headers that a kernel exports to programs, made from a tree for any architecture."""

from __future__ import annotations

from pathlib import Path

from syscraft import proc
from syscraft.defaults import DEFAULT_LINUX
from syscraft.errors import TreeError
from syscraft.files import (
    FileLock,
    cache_root,
    folder_made_whole,
    is_whole,
    remove_drafts,
    remove_tree,
    seal,
)
from syscraft.hints import Progress, silent
from syscraft.tree.source import KernelTree, open_tree


def uapi_headers(
    linux_arch: str,
    tree: KernelTree | None = None,
    *,
    progress: Progress = silent,
) -> Path:
    """Export a tree's headers into the cache, or find them there.

    Args:
        linux_arch: ``ARCH=`` of the kernel build.
        tree: Debian's 6.12 by default.

    Returns: a folder for ``-isystem``, with ``asm/``, ``asm-generic/`` and ``linux/``.

    Raises:
        EnvironmentLacks: the tree, make or a compiler for the host is not there.
        TreeError: the tree's ``make headers`` fails.
    """
    tree = tree or open_tree(DEFAULT_LINUX, progress=progress)
    folder = cache_root() / "headers" / f"{tree.key}-{linux_arch}"
    if is_whole(folder):
        return folder / "usr" / "include"
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if not is_whole(folder):
            remove_tree(folder)
            remove_drafts(folder.parent, folder.name)
            progress(f"exporting the headers of {linux_arch}")
            if tree.watch:
                tree.watch.look_at_all()
            with folder_made_whole(folder) as draft:
                done = proc.run(
                    ["make", "-s", "-C", str(tree.root), f"O={draft}", f"ARCH={linux_arch}",
                     "headers"],
                    env={"TMPDIR": str(draft)},
                )  # fmt: skip
                if not done.ok:
                    raise TreeError.of(
                        f"the tree's headers for {linux_arch} cannot be exported",
                        tree.where("Makefile"),
                        found=done.output[-2000:],
                        hint=done.replay,
                    )
                seal(draft)
    return folder / "usr" / "include"
