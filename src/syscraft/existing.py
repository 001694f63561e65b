"""Existing calls: read from a tree, looked up in the data, judged by the rules."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from syscraft.errors import Finding, TreeError, UsageError, Where
from syscraft.hints import Progress, near, silent
from syscraft.tree.source import open_tree

if TYPE_CHECKING:  # these rooms load slowly
    from syscraft.calls.census import Census
    from syscraft.rules.base import RuleFinding
    from syscraft.scan.read import KernelCalls


def read_kernel(tree: str, *, progress: Progress = silent) -> KernelCalls:
    """Read every existing call of a kernel tree, ``deb:6.12`` or a path.

    Returns: the calls, and what could not be read, each with its place.

    Raises:
        TreeError: it is no kernel tree.
    """
    from syscraft.scan.read import read_calls

    return read_calls(open_tree(tree, progress=progress), progress)


def known_kernel(name: str, *, progress: Progress = silent) -> Census:
    """The calls of a kernel.

    Args:
        name: a version whose data come with syscraft, such as ``6.1``; a file that
            :meth:`KernelCalls.write` wrote; or a kernel tree, ``deb:6.12`` or a path.

    Raises:
        UsageError: a file cannot be read.
        TreeError: it is none of these.
    """
    from syscraft.calls.kernels import read_file, shipped

    for census in shipped().censuses:
        if name in (census.version, census.release):
            return census
    if Path(name).is_file():
        return read_file(Path(name))
    return read_kernel(name, progress=progress).census


def _is_about(finding: Finding, call: str) -> bool:
    from syscraft.scan.definitions import CallFinding

    return isinstance(finding, CallFinding) and finding.symbol == f"sys_{call}"


def check_kernel(
    tree: str, calls: Sequence[str] = (), *, progress: Progress = silent
) -> tuple[tuple[RuleFinding, ...], tuple[Finding, ...]]:
    """Judge the existing calls of a kernel tree, ``deb:6.12`` or a path.

    Args:
        calls: their names; all if empty.

    Returns: the findings, and what is wrong with the tree itself: tables and definitions that
    cannot be read, or do not fit together; of the named calls, where there are any.

    Raises:
        UsageError: the kernel has no such call.
        TreeError: it is no kernel tree, or the call's definition cannot be read.
    """
    from syscraft.rules.discover import judge
    from syscraft.rules.kernel_calls import read_kernel

    kernel = read_kernel(open_tree(tree, progress=progress), progress)
    known = {subject.name: subject for subject in kernel.subjects}
    for name in calls:
        if name not in known:
            if lost := [f for f in kernel.unread if _is_about(f, name)]:
                raise TreeError(*lost)
            raise UsageError.of(
                f"this kernel does not define a call '{name}'",
                Where(tree),
                expected="a name as in SYSCALL_DEFINE",
                found=name,
                hint=near(name, known, at_most=3),
            )
    chosen = [known[name] for name in dict.fromkeys(calls)] or kernel.subjects
    findings = tuple(finding for subject in chosen for finding in judge(subject))
    about = tuple(f for f in kernel.unread if any(_is_about(f, name) for name in calls))
    return findings, about if calls else kernel.unread
