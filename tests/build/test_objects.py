"""What is known of objects: after a build, after one that failed, after one that was killed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from syscraft.build.objects import Objects
from syscraft.build.relink import only_bodies
from syscraft.tree.adding import BodyLineMap, KernelChange
from syscraft.tree.source import KernelTree

MAKEFILE = (
    "build-dir\t:= .\n"
    "$(sort $(KBUILD_LDS) $(KBUILD_VMLINUX_OBJS) $(KBUILD_VMLINUX_LIBS)): . ;\n"
    "vmlinux.a: $(KBUILD_VMLINUX_OBJS) scripts/head-object-list.txt FORCE\n"
    "$(build-dir): prepare\n"
)
LONG_AGO = 10**18


class Work:
    """A working folder; its builds compile nothing."""

    def __init__(self, folder: Path) -> None:
        (folder / "tree").mkdir()
        self.tree = KernelTree(folder / "tree", "key", "the tree")
        self.source = folder / "src"
        (self.source / "kernel").mkdir(parents=True)
        (self.source / "Makefile").write_text(MAKEFILE)
        self.objects = Objects(folder, "plain", "linux", lambda _: None)
        self.objects.prepare()
        for name in ("linux", "built-in.a"):
            (self.objects.path / name).touch()
        self.command(self.objects.path, "call", "kernel/call.c")

    def command(self, folder: Path, name: str, *files: str) -> None:
        text = "".join(f"  ../src/{file} \\\n" for file in files)
        (folder / f".{name}.o.cmd").write_text(f"deps_{name}.o := \\\n{text}")

    def change(self, files: Mapping[str, str]) -> KernelChange:
        """Overlay *files*, as if they had been written long ago."""
        for path, text in files.items():
            target = self.source / path
            if not target.exists() or target.read_text() != text:
                target.write_text(text)
        bodies = (BodyLineMap("kernel/call.c", "call.c", 0),)
        contents = {path: text.encode() for path, text in files.items()}
        return KernelChange({}, contents, (), (), (), frozenset(), bodies)

    def bodies(self, files: Mapping[str, str], everything: str = "all") -> frozenset[str]:
        return only_bodies(self.objects, everything, self.source, self.change(files))

    def build(self, files: Mapping[str, str], *, fails: bool = False) -> frozenset[str]:
        """Returns the bodies, if only these were built."""
        change = self.change(files)
        bodies = only_bodies(self.objects, "all", self.source, change)
        self.objects.restore_times(self.source, self.tree, change)
        self.objects.begin(change, same_but_bodies=bool(bodies))
        if not fails:
            self.objects.settle("all", self.source, self.tree, change)
        return bodies

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
    work.objects.begin(change, same_but_bodies=False)
    assert not work.objects.restore_times(work.source, work.tree, change)
    work.objects.pinned(change.quiet, work.tree)
    again = replace(work.change(ONE), quiet=change.quiet)
    for next_one in (change, again):
        assert work.objects.restore_times(work.source, work.tree, next_one) == change.quiet


def test_only_a_body_has_changed(work: Work) -> None:
    assert work.build(ONE) == frozenset(), "nothing is known of the first build"
    assert work.build(TWO) == {"kernel/call.c"}
    assert work.build(TWO) == frozenset(), "nothing has changed"


def test_a_body_that_failed_to_compile(work: Work) -> None:
    work.build(ONE)
    assert work.build(TWO, fails=True) == {"kernel/call.c"}
    assert work.build(ONE) == {"kernel/call.c"}, "its object may be that of the other text"


def test_more_than_a_body_has_changed(work: Work) -> None:
    work.build(ONE)
    assert not work.bodies({**TWO, "kernel/Makefile": "obj-n"})
    assert not work.bodies({**TWO, "kernel/more.c": "more"})
    assert not work.bodies({"kernel/call.c": "two"})
    assert not work.bodies(TWO, everything="another configuration")


def test_a_build_of_more_that_failed(work: Work) -> None:
    work.build(ONE)
    work.build({**TWO, "kernel/Makefile": "obj-n"}, fails=True)
    assert not work.bodies(TWO)


def test_a_body_that_another_file_includes(work: Work) -> None:
    work.build(ONE)
    other = work.objects.path / "fs"
    other.mkdir()
    work.command(other, "other", "fs/other.c", "kernel/call.c")
    assert not work.bodies(TWO)


@pytest.mark.parametrize("line", MAKEFILE.splitlines(keepends=True))
def test_a_tree_that_links_in_another_way(work: Work, line: str) -> None:
    work.build(ONE)
    assert work.bodies(TWO)
    (work.source / "Makefile").write_text(MAKEFILE.replace(line, ""))
    assert not work.bodies(TWO)


@pytest.mark.parametrize("name", ["linux", "built-in.a"])
def test_what_linking_needs_is_gone(work: Work, name: str) -> None:
    work.build(ONE)
    (work.objects.path / name).unlink()
    assert not work.bodies(TWO)


def test_objects_that_a_killed_build_left(work: Work) -> None:
    work.build(ONE)
    assert work.bodies(TWO)
    (work.objects.notes / "building").touch()
    work.objects.prepare()
    (work.objects.path / "linux").touch()
    assert not work.bodies(TWO)
