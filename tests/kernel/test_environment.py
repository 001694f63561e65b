"""Caches that cannot be written, trees that are none, interruptions, two at once."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import REPOSITORY, Syscraft, command

from syscraft.files import cache_root

MakeCall = Callable[..., Path]


def test_path_that_is_no_kernel_tree(
    make_call: MakeCall, syscraft: Syscraft, tmp_path: Path
) -> None:
    folder = make_call("ctree")
    for tree in (tmp_path, tmp_path / "nothing"):
        done = syscraft("patch", folder, "--linux", tree)
        assert done.returncode == 2
        assert "not a Linux kernel tree" in done.stderr
        assert str(tree) in done.stderr


def test_unknown_debian_kernel(make_call: MakeCall, syscraft: Syscraft) -> None:
    done = syscraft("patch", make_call("ctdeb"), "--linux", "deb:0.1")
    assert done.returncode == 3
    assert "apt-get install linux-source-0.1" in done.stderr


@pytest.mark.parametrize("place", ["/sys/syscraft", "{file}/cache"])
def test_unwritable_cache(
    place: str, make_call: MakeCall, syscraft: Syscraft, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    cache = place.format(file=file)
    done = syscraft("test", make_call("ctcache"), env={"SYSCRAFT_CACHE": cache})
    assert done.returncode == 3
    assert "cannot write" in done.stderr
    assert cache.split("/cache")[0] in done.stderr


def test_full_disk(make_call: MakeCall, syscraft: Syscraft, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", str(small)], check=False
    )
    if mounted.returncode:
        if os.environ.get("CI") == "true":
            pytest.fail("cannot mount a small tmpfs")
        pytest.skip("only root can mount a small tmpfs")
    try:
        done = syscraft("test", make_call("ctfull"), env={"SYSCRAFT_CACHE": str(small)})
        assert done.returncode == 3
        assert "No space left" in done.stderr or "free some space" in done.stderr
        assert str(small) in done.stderr
        assert not list(small.glob("trees/*[!k]/Makefile")), "a half tree looks like a whole one"
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_cache_with_blanks(make_call: MakeCall, syscraft: Syscraft, tmp_path: Path) -> None:
    """Kernel makefiles cannot do it, and their own message would puzzle."""
    cache = tmp_path / "my cache"
    (cache / "trees").mkdir(parents=True)
    for tree in (cache_root() / "trees").iterdir():
        (cache / "trees" / tree.name).symlink_to(tree)
    done = syscraft("test", make_call("ctgap"), env={"SYSCRAFT_CACHE": str(cache)})
    assert done.returncode == 3
    assert f"{cache}: error: a kernel cannot be built in a folder with blanks" in done.stderr
    assert "SYSCRAFT_CACHE" in done.stderr


def never_built() -> tuple[str, str]:
    """A body that no cache can have a kernel for."""
    return (f"/* {time.time_ns()} */", "return 0;")


def start_and_wait_for(step: str, folder: Path) -> subprocess.Popen[str]:
    """Start the tests of *folder* and return when *step* is under way."""
    process = subprocess.Popen(
        command("test", folder),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if step in line:
            time.sleep(0.5)  # into the middle of it
            return process
    raise AssertionError(f"never came to: {step}")


def test_interrupted_build_goes_on(make_call: MakeCall, syscraft: Syscraft) -> None:
    folder = make_call("ctint", never_built())
    with start_and_wait_for("building the kernel", folder) as process:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "interrupted" in errors
    assert "Traceback" not in errors
    again = syscraft("test", folder)
    assert again.returncode == 0, again.stderr
    assert "building the kernel" in again.stderr


def test_killed_build_goes_on(make_call: MakeCall, syscraft: Syscraft) -> None:
    folder = make_call("ctkill", never_built())
    with start_and_wait_for("building the kernel", folder) as process:
        os.killpg(process.pid, signal.SIGKILL)
    again = syscraft("test", folder)
    assert again.returncode == 0, again.stderr
    assert "building the kernel" in again.stderr


def test_two_at_once_on_one_cache(make_call: MakeCall) -> None:
    folders = [make_call(name, never_built()) for name in ("ctone", "cttwo")]
    started = [
        subprocess.Popen(
            command("test", folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for folder in folders
    ]
    waited = 0
    for process in started:
        output, errors = process.communicate(timeout=600)
        assert process.returncode == 0, errors
        assert "PASS" in output
        waited += "waiting for another build" in errors
    assert waited == 1


def test_folder_with_blanks_and_letters_of_the_world(syscraft: Syscraft, tmp_path: Path) -> None:
    folder = tmp_path / "mein Ordner, мир 世界"
    shutil.copytree(REPOSITORY / "examples" / "splork", folder)
    done = syscraft("test", folder)
    assert done.returncode == 0, done.stderr
    done = syscraft("run", folder, "--", "pwd", cwd=folder)
    assert done.stdout == f"{folder}\n"
