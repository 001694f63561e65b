"""Records are hints and the tree is the truth: what git does to a tree, and what kills leave."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import REPOSITORY, Syscraft, command
from small_tree import content, git, make_small, take_series

import syscraft as library
from syscraft.errors import EnvironmentLacks, TreeError
from syscraft.tree.applied import Done
from syscraft.tree.source import open_tree
from syscraft.tree.wire import wired

SPLORK = REPOSITORY / "examples" / "splork"
RING = REPOSITORY / "examples" / "ring"
CLONE_NICE = REPOSITORY / "examples" / "clone_nice"
UNISTD = "include/uapi/asm-generic/unistd.h"


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_small(tmp_path_factory.mktemp("small") / "linux", [SPLORK, RING, CLONE_NICE])


@pytest.fixture
def linux(pristine: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pristine, tmp_path / "linux", symlinks=True))


@pytest.mark.parametrize(
    "path", ["../x", "{outside}", "a/../../x", "behind/x", ".git/config", "./Makefile", "", "a\0b"]
)
@pytest.mark.parametrize("part", ["created", "removed", "edited"])
def test_a_record_does_not_reach_out_of_the_tree(
    path: str, part: str, linux: Path, tmp_path: Path
) -> None:
    library.load(SPLORK).apply(str(linux))
    outside = tmp_path / "x"
    outside.write_text("mine\n")
    (linux / "behind").symlink_to(tmp_path)
    kept = linux / ".syscraft" / "splork.json"
    record = json.loads(kept.read_text())
    hunk = {"index": 0, "removed": [], "added": ["mine\n"], "before": [], "after": []}
    record[part][path.format(outside=outside)] = [hunk] if part == "edited" else "mine\n"
    kept.write_text(json.dumps(record))
    before = content(linux)
    for verb in ("revert", "apply"):
        with pytest.raises(EnvironmentLacks, match="record of what was applied cannot be read"):
            getattr(library.load(SPLORK), verb)(str(linux))
    assert content(linux) == before
    assert outside.read_text() == "mine\n"


@pytest.mark.parametrize("kind", ["name", "number", "mode", "pipe", "link"])
def test_records_of_other_kinds(kind: str, linux: Path, tmp_path: Path) -> None:
    library.load(SPLORK).apply(str(linux))
    kept = linux / ".syscraft" / "splork.json"
    record = json.loads(kept.read_text())
    if kind in ("pipe", "link"):
        kept.rename(tmp_path / "other")
        os.mkfifo(kept) if kind == "pipe" else kept.symlink_to(tmp_path / "other")
    else:
        record["name"] = "other" if kind == "name" else record["name"]
        if kind == "number":
            record["created"]["kernel/splork.c"] = 5
        if kind == "mode":
            record["modes"]["kernel/splork.c"] = [None, 0o104755]
        kept.write_text(json.dumps(record))
    with pytest.raises(EnvironmentLacks, match="cannot be read"):
        library.load(SPLORK).revert(str(linux))


def test_the_folder_of_records_is_no_link(linux: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (linux / ".syscraft").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TreeError, match="a link stands where a folder of the tree is needed"):
        library.load(SPLORK).apply(str(linux))
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_folders_that_are_links(linux: Path, tmp_path: Path) -> None:
    """A tree may have links that lead out of it; nothing is written there."""
    shutil.move(linux / "Documentation", tmp_path / "docs")
    (linux / "Documentation").symlink_to(tmp_path / "docs")
    before = content(tmp_path / "docs")
    with pytest.raises(TreeError, match="a link stands"):
        library.load(SPLORK).apply(str(linux))
    assert content(tmp_path / "docs") == before


def switch_branch(root: Path) -> None:
    git(root, "checkout", "--quiet", "-b", "work")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "applied")
    git(root, "checkout", "--quiet", "main")


def lose_a_line(root: Path) -> None:
    git(root, "checkout", "--quiet", "kernel/Makefile", "include/linux/syscalls.h")


def lose_files(root: Path) -> None:
    (root / "kernel/splork.c").unlink()
    (root / "tools/testing/selftests/splork/Makefile").unlink()


def lose_edited_file(root: Path) -> None:
    (root / "kernel/sys_ni.c").unlink()
    git(root, "checkout", "--quiet", "kernel/sys_ni.c")


BROUGHT_BACK: dict[str, Callable[[Path], object]] = {
    "checkout": lambda root: git(root, "checkout", "--quiet", "--force"),
    "stash": lambda root: git(root, "stash", "--quiet"),
    "stash -u": lambda root: git(root, "stash", "--quiet", "--include-untracked"),
    "clean": lambda root: git(root, "clean", "--quiet", "--force", "-d"),
    "branch": switch_branch,
    "one line": lose_a_line,
    "new files": lose_files,
    "a file": lose_edited_file,
}


@pytest.mark.parametrize("how", BROUGHT_BACK)
def test_what_git_brings_back(how: str, linux: Path) -> None:
    """Both verbs do what they are for, whatever the record says."""
    before = content(linux)
    call = library.load(SPLORK)
    call.apply(str(linux))
    whole = content(linux)
    BROUGHT_BACK[how](linux)
    assert content(linux) != whole
    done, paths = call.apply(str(linux))
    assert done in (Done.APPLIED, Done.UPDATED)
    assert paths
    assert content(linux) == whole
    assert call.apply(str(linux)) == (Done.ALREADY, ())
    if how == "branch":
        git(linux, "stash", "--quiet", "--include-untracked")
        return
    BROUGHT_BACK[how](linux)
    assert call.revert(str(linux))[0] is Done.REVERTED
    assert content(linux) == before


def test_another_kernel_has_lines_like_ours(linux: Path) -> None:
    """A patch of the author's adds lines that may be anywhere in a tree without the call."""
    library.load(CLONE_NICE).apply(str(linux))
    record = json.loads((linux / ".syscraft" / "clone_nice.json").read_text())
    hunks = record["edited"]["kernel/fork.c"]
    git(linux, "checkout", "--quiet", "--force")
    fork = linux / "kernel/fork.c"
    lines = [line for hunk in hunks for line in hunk["added"]]
    other = "".join(f"{line}\n" for line in fork.read_text().splitlines(keepends=True)[::2])
    fork.write_text(other + "".join(reversed(lines)))
    before = fork.read_bytes()
    assert library.load(CLONE_NICE).revert(str(linux))[0] is Done.REVERTED
    assert fork.read_bytes() == before
    assert not (linux / ".syscraft").exists()


@pytest.mark.parametrize("example", [SPLORK, RING, CLONE_NICE], ids=lambda path: path.name)
def test_a_series_that_git_took(example: Path, linux: Path, tmp_path: Path) -> None:
    before = content(linux)
    take_series(linux, example, tmp_path / "mails")
    taken = content(linux)
    call = library.load(example)
    assert call.apply(str(linux)) == (Done.ALREADY, ())
    assert content(linux) == taken
    # What is missing is not "already applied".
    (linux / call.unit.shared.kernel_path).unlink()
    git(linux, "checkout", "--quiet", "main~0", "--", "MAINTAINERS")
    makefile = linux / "kernel/Makefile"
    lines = makefile.read_text().splitlines(keepends=True)
    makefile.write_text("".join(line for line in lines if f"{call.unit.name}.o" not in line))
    change = wired(call.unit, open_tree(str(linux)))
    assert {call.unit.shared.kernel_path, "kernel/Makefile"} <= set(change.files)
    assert call.apply(str(linux))[0] is Done.UPDATED
    without = {path: found for path, found in content(linux).items() if ".syscraft" not in path}
    assert without == taken
    assert call.revert(str(linux))[0] is Done.REVERTED
    assert content(linux) == before


def test_a_series_that_was_edited_since(linux: Path, tmp_path: Path) -> None:
    take_series(linux, SPLORK, tmp_path / "mails")
    body = linux / "kernel/splork.c"
    body.write_text(body.read_text().replace("%lu", "%lo"))
    before = content(linux)
    with pytest.raises(TreeError, match="not as its declaration makes it") as caught:
        library.load(SPLORK).revert(str(linux))
    assert "kernel/splork.c" in str(caught.value)
    assert content(linux) == before


def test_a_record_of_another_branch(linux: Path, tmp_path: Path) -> None:
    """Here by --apply, of an older declaration; there by git am."""
    before = content(linux)
    older = Path(shutil.copytree(SPLORK, tmp_path / "older" / "splork"))
    body = older / "splork.c"
    body.write_text(body.read_text().replace("%lu", "%lx"))
    library.load(older).apply(str(linux))
    git(linux, "stash", "--quiet", "--include-untracked")
    git(linux, "checkout", "--quiet", "-b", "other")
    kept = (linux / ".syscraft" / "splork.json").read_text()
    shutil.rmtree(linux / ".syscraft")
    take_series(linux, SPLORK, tmp_path / "mails")
    taken = content(linux)
    for _ in range(2):
        (linux / ".syscraft").mkdir(exist_ok=True)
        (linux / ".syscraft" / "splork.json").write_text(kept)
        assert library.load(SPLORK).apply(str(linux)) == (Done.ALREADY, ())
        without = {path: f for path, f in content(linux).items() if ".syscraft" not in path}
        assert without == taken
    (linux / ".syscraft" / "splork.json").write_text(kept)
    assert library.load(SPLORK).revert(str(linux))[0] is Done.REVERTED
    assert content(linux) == before


@pytest.mark.parametrize("by", ["apply", "git am"])
def test_calls_that_came_since_are_counted(by: str, linux: Path, tmp_path: Path) -> None:
    """A newer kernel was merged: its calls are below ours, and the count is ours."""
    call = library.load(SPLORK)
    if by == "apply":
        call.apply(str(linux))
    else:
        take_series(linux, SPLORK, tmp_path / "mails")
    header = linux / UNISTD
    new = "#define __NR_newer 463\n__SYSCALL(__NR_newer, sys_newer)\n"
    text = header.read_text()
    assert "#define __NR_syscalls 901\n" in text
    header.write_text(text.replace("#define __NR_splork", f"{new}#define __NR_splork", 1))
    assert call.revert(str(linux))[0] is Done.REVERTED
    assert "#define __NR_syscalls 464\n" in header.read_text()


def test_a_link_is_put_back(linux: Path, tmp_path: Path) -> None:
    """A tree may be made of links to another one."""
    for path in ("kernel/sys_ni.c", "kernel/Makefile"):
        target = tmp_path / "pristine" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(linux / path, target)
        (linux / path).symlink_to(target)
    before, other = content(linux), content(tmp_path / "pristine")
    first, second = library.load(SPLORK), library.load(RING)
    first.apply(str(linux))
    assert not (linux / "kernel/sys_ni.c").is_symlink()
    second.apply(str(linux))
    first.revert(str(linux))
    second.revert(str(linux))
    assert content(linux) == before
    first.apply(str(linux))
    with (linux / "kernel/sys_ni.c").open("a") as file:
        file.write("/* mine */\n")
    first.revert(str(linux))
    assert (linux / "kernel/sys_ni.c").read_text().endswith("/* mine */\n")
    assert (linux / "kernel/Makefile").is_symlink()
    assert content(tmp_path / "pristine") == other


def test_umask(linux: Path, syscraft: Syscraft) -> None:
    before = os.umask(0o077)
    try:
        assert syscraft("patch", SPLORK, "--linux", linux, "--apply").returncode == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE((linux / "kernel/splork.c").stat().st_mode) == 0o600
    assert stat.S_IMODE((linux / "kernel/Makefile").stat().st_mode) == 0o644
    assert stat.S_IMODE((linux / "tools/testing/selftests/splork").stat().st_mode) == 0o700


def test_calls_of_a_group_that_git_took(linux: Path, tmp_path: Path, syscraft: Syscraft) -> None:
    take_series(linux, RING, tmp_path / "mails")
    taken = content(linux)
    done = syscraft("check", RING, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    done = syscraft("generate", RING, "--linux", linux, "-o", tmp_path / "out", "--abi", "arm64")
    assert done.returncode == 0, done.stderr
    for name, number in (("ring_put", 900), ("ring_get", 901)):
        assert f"({number})" in (tmp_path / "out" / f"{name}_raw.h").read_text()
    done = syscraft("patch", RING, "--linux", linux)
    assert (done.returncode, done.stdout) == (0, "")
    assert "has the call already: ring_put() as 900, ring_get() as 901" in done.stderr
    done = syscraft("patch", SPLORK, RING, "--linux", linux, "-o", tmp_path / "series")
    assert done.returncode == 0
    rows = "".join(path.read_text() for path in (tmp_path / "series").glob("*.patch"))
    assert "+902\tcommon\tsplork" in rows
    assert "sys_ring_put\n+" not in rows
    done = syscraft("patch", RING, "--linux", linux, "--apply")
    assert "ring: already applied" in done.stderr
    assert content(linux) == taken
    (linux / "kernel/ring.c").unlink()
    done = syscraft("patch", RING, "--linux", linux)
    assert "not as declared: kernel/ring.c" in done.stderr
    git(linux, "checkout", "--quiet", "kernel/ring.c")
    done = syscraft("patch", RING, "--linux", linux, "--revert")
    assert done.returncode == 0, done.stderr
    assert "ring: reverted" in done.stderr
    assert git(linux, "diff", "--stat", "main~4") == ""
    done = syscraft("patch", RING, "--linux", linux, "--revert")
    assert "ring: not applied" in done.stderr


SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


@pytest.mark.parametrize("verb", ["apply", "revert"])
def test_killed_at_any_moment(
    verb: str, linux: Path, syscraft: Syscraft, request: pytest.FixtureRequest
) -> None:
    """The same command again gives the right answer, and nothing is left over."""
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    call = library.load(CLONE_NICE)
    before = content(linux)
    call.apply(str(linux))
    whole = content(linux)
    words = ("patch", CLONE_NICE, "--linux", linux, f"--{verb}")
    record = linux / ".syscraft" / "clone_nice.json"
    for count in range(request.config.getoption("--kills")):
        (call.revert if verb == "apply" else call.apply)(str(linux))
        at_work = record.stat().st_mtime_ns if record.exists() else 0
        how = SIGNALS[count % len(SIGNALS)]
        with subprocess.Popen(
            command(*words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            # Most kills shall come while files are written, which takes a moment only.
            if count % 5:
                while process.poll() is None:
                    now = record.stat().st_mtime_ns if record.exists() else 0
                    if now != at_work:
                        break
                    time.sleep(0.0005)
            time.sleep(chance.uniform(0, 0.06 if count % 5 else 1.0))
            process.send_signal(how)
        done = syscraft(*words)
        assert done.returncode == 0, (seed, count, how, done.stderr)
        found = content(linux)
        assert found == (whole if verb == "apply" else before), (seed, count, how)
