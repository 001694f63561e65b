"""What runs in a guest cannot change this machine, be syscraft root's or a user's."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from bystander import NOBODY, Bystander, bystander
from conftest import REPOSITORY, Syscraft, need_tool

from kernel.examples import EXAMPLES
from kernel.machines import GUESTS_WITH_FILES, ready_guest

USERS = [os.geteuid(), *([NOBODY] if os.geteuid() == 0 else [])]
IN_GUEST = Path(__file__).parent / "run_in_guest.py"


@pytest.fixture(scope="module", autouse=True)
def bubblewrap() -> None:
    need_tool("bwrap")


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that every user can read; pytest's own are of one user only."""
    folder = Path(tempfile.mkdtemp(prefix="shared-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def run_as(
    user: int, key: str, shared: Path, argv: Sequence[str], *options: str
) -> tuple[int, str]:
    """Run a command in a guest whose process is started by *user*.

    Returns: its exit status, and all that it printed.
    """
    image = shared / "image"
    shutil.copyfile(str(ready_guest(key).image), image)
    image.chmod(0o755)
    done = subprocess.run(
        [sys.executable, IN_GUEST, str(user), key, image, json.dumps(argv), *options],
        env={**os.environ, "SYSCRAFT_CACHE": str(shared)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(params=USERS, ids=lambda user: pwd.getpwuid(user).pw_name)
def other(request: pytest.FixtureRequest) -> Iterator[Bystander]:
    with bystander(request.param) as standing:
        yield standing


@pytest.mark.parametrize("key", GUESTS_WITH_FILES)
def test_attacks_from_inside(key: str, other: Bystander, shared: Path) -> None:
    user = other.folder.stat().st_uid
    status, told = run_as(user, key, shared, other.attack)
    assert status == 0, told
    # It believes that it has changed files: the layer took that.
    assert {"write", "create", "delete"} <= set(told.splitlines())
    other.check_unchanged()


@pytest.mark.parametrize("key", GUESTS_WITH_FILES[:1])
def test_the_same_attacks_without_a_sandbox(key: str, shared: Path) -> None:
    """They are real."""
    with bystander(USERS[-1]) as other:
        status, told = run_as(USERS[-1], key, shared, other.attack, "--unsafe")
        assert status == 0, told
        assert {"hostfs", "hostfs, other roots"} <= set(told.splitlines())
        with pytest.raises(AssertionError):
            other.check_unchanged()


@pytest.mark.parametrize("key", GUESTS_WITH_FILES)
def test_a_folder_that_was_opened(key: str, other: Bystander, shared: Path) -> None:
    user = other.folder.stat().st_uid
    opened = other.folder / "a folder, opened"
    opened.mkdir()
    os.chown(opened, user, user)
    script = f"cd '{opened}' && echo text > new && mkdir inner && mv new inner && echo x > ../kept"
    status, told = run_as(user, key, shared, ["sh", "-c", script], "--rw", str(opened))
    assert (status, told) == (0, "")
    assert (opened / "inner" / "new").read_text() == "text\n"
    assert (opened / "inner" / "new").stat().st_uid == user
    assert (other.folder / "kept").read_text() == "the host's\n"


def test_options(syscraft: Syscraft, tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    script = f"echo text > {tmp_path}/open/new; echo text > {tmp_path}/closed"
    done = syscraft("run", *EXAMPLES, "--rw", tmp_path / "open", "--", "sh", "-c", script)
    assert (done.returncode, done.stdout) == (0, "")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["new", "open"]
    hostfs = f"mkdir -p /mnt && mount -t hostfs none /mnt -o {tmp_path} && echo text > /mnt/new"
    done = syscraft("run", *EXAMPLES, "--", "sh", "-c", hostfs)
    assert "Read-only file system" in done.stderr
    done = syscraft("run", *EXAMPLES, "--unsafe", "--", "sh", "-c", hostfs)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "new").exists()


def test_a_machine_that_cannot_confine(syscraft: Syscraft, tmp_path: Path) -> None:
    """One sentence, and what to do about it."""
    (tmp_path / "bwrap").write_text("#!/bin/sh\necho 'bwrap: No permissions' >&2; exit 1\n")
    (tmp_path / "bwrap").chmod(0o755)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = syscraft("run", *EXAMPLES, "--", "true", env=env)
    assert done.returncode == 3
    assert "this machine cannot keep a guest from changing its files" in done.stderr
    assert "--unsafe" in done.stderr
    assert syscraft("run", *EXAMPLES, "--unsafe", "--", "true", env=env).returncode == 0


def test_nothing_is_left_in_the_home_folder(syscraft: Syscraft, tmp_path: Path) -> None:
    cache = os.environ.get("SYSCRAFT_CACHE", str(Path.home() / ".cache" / "syscraft"))
    env = {"HOME": str(tmp_path), "SYSCRAFT_CACHE": cache}
    # With the kernel built: its makefiles look for rustc, and rustup's makes a folder at home.
    assert syscraft("run", *EXAMPLES, "--", "true").returncode == 0
    for more in ((), ("--unsafe",)):
        assert syscraft("run", *EXAMPLES, *more, "--", "true", env=env).returncode == 0
    assert not list(tmp_path.iterdir())
    assert REPOSITORY.exists()
