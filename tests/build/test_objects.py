"""What is known of objects: after a build, after one that failed, after one that was killed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from syscraft.build.objects import Objects
from syscraft.tree.adding import BodyLineMap, KernelChange
from syscraft.tree.source import KernelTree

LONG_AGO = 10**18


class Work:
    """A working folder; its builds compile nothing."""

    def __init__(self, folder: Path) -> None:
        (folder / "tree").mkdir()
        self.tree = KernelTree(folder / "tree", "key", "the tree")
        self.source = folder / "src"
        (self.source / "kernel").mkdir(parents=True)
        self.objects = Objects(folder, "plain", "linux", lambda _: None)
        self.objects.prepare()

    def change(self, files: Mapping[str, str]) -> KernelChange:
        """Overlay *files*, as if they had been written long ago."""
        for path, text in files.items():
            target = self.source / path
            if not target.exists() or target.read_text() != text:
                target.write_text(text)
        bodies = (BodyLineMap("kernel/call.c", "call.c", 0),)
        contents = {path: text.encode() for path, text in files.items()}
        return KernelChange({}, contents, (), (), (), frozenset(), bodies)

    def build(self, files: Mapping[str, str], *, fails: bool = False) -> None:
        change = self.change(files)
        self.objects.restore_times(self.source, self.tree, change)
        self.objects.begin(change)
        if not fails:
            self.objects.settle(self.source, self.tree, change)

    def time(self, path: str) -> int:
        return (self.source / path).stat().st_mtime_ns

    def age(self, path: str, by: int = 0) -> None:
        os.utime(self.source / path, ns=(LONG_AGO + by, LONG_AGO + by))


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path)


ONE = {"kernel/call.c": "one", "kernel/Makefile": "obj-y"}
TWO = {**ONE, "kernel/call.c": "two"}


def test_a_file_that_is_again_what_it_was_gets_its_time(work: Work) -> None:
    work.build(ONE)
    then = work.time("kernel/call.c")
    work.age("kernel/call.c")
    work.objects.restore_times(work.source, work.tree, work.change(ONE))
    assert work.time("kernel/call.c") == then


def test_a_file_that_another_flavour_has_given_an_old_time(work: Work) -> None:
    work.build(ONE)
    work.change(TWO)
    work.age("kernel/call.c")
    work.objects.restore_times(work.source, work.tree, work.change(TWO))
    assert work.time("kernel/call.c") > LONG_AGO


def test_after_a_failed_build_it_does_not(work: Work) -> None:
    """The failed build may have compiled it, and the object is newer than its old time."""
    work.build(ONE)
    body, makefile = work.time("kernel/call.c"), work.time("kernel/Makefile")
    work.build(TWO, fails=True)
    work.objects.restore_times(work.source, work.tree, work.change(ONE))
    assert work.time("kernel/call.c") > body
    assert work.time("kernel/Makefile") == makefile, "it was the same in both"


def test_a_file_that_a_failed_build_did_not_have(work: Work) -> None:
    more = {**ONE, "kernel/more.c": "more"}
    work.build(more)
    then = work.time("kernel/more.c")
    work.build(ONE, fails=True)
    work.objects.restore_times(work.source, work.tree, work.change(more))
    assert work.time("kernel/more.c") > then


def test_quiet_files_of_a_failed_build(work: Work) -> None:
    """Until they are pinned, objects may see them; from then on, no object does."""
    work.build(ONE)
    change = replace(work.change(TWO), quiet=frozenset(["kernel/call.c"]))
    assert work.objects.restore_times(work.source, work.tree, change) == change.quiet
    work.objects.begin(change)
    assert not work.objects.restore_times(work.source, work.tree, change)
    work.objects.pinned(change.quiet, work.tree)
    again = replace(work.change(ONE), quiet=change.quiet)
    for next_one in (change, again):
        assert work.objects.restore_times(work.source, work.tree, next_one) == change.quiet
