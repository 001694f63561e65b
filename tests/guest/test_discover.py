"""A new guest is one file: everything finds it there, and believes it no more than it shows."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import syscraft.api
import syscraft.guest
from syscraft.cli.main import main
from syscraft.errors import LabError, UsageError
from syscraft.guest import discover
from syscraft.guest.discover import all_guests, find_guest
from syscraft.guest.host import host_abi
from syscraft.lab.plan import toolchains

MakeCall = Callable[..., Path]

# A guest that is this machine itself: no kernel is built, and every program finds no such call.
TOY = """
import subprocess
import time

from syscraft.files import digest
from syscraft.guest.base import Guest, Has, Ready
from syscraft.guest.channel import End, Ended
from syscraft.guest.host import host_abi


class Session:
    boot_seconds = 0.0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def log(self):
        return ""

    def run(self, argv, *, cwd, env, stdin=None, on_output, on_error, window=None,
            deadline_s=None):
        started = time.monotonic()
        try:
            done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, check=False)
        except OSError as error:
            return End(Ended.NO_START, error.errno, 0.0)
        on_output(done.stdout)
        on_error(done.stderr)
        return End(Ended.EXIT, done.returncode, time.monotonic() - started)


class Toy(Guest):
    key = "toy"
    summary = "this machine as it is"
    machine = "no machine at all"
    has = Has({has})
    quick = {quick}

    @property
    def abis(self):
        return {abis}

    def tools(self):
        return {{"sh": ("dash",)}}

    def numbers(self, work):
        return tuple(900 for _ in work.calls)

    def prepare(self, work, flavour, progress):
        return Ready(digest("toy", flavour.key), lambda files: Session(), how=lambda: "itself")


def guests():
    return (Toy(),)
"""


@pytest.fixture
def add_toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Make a file with a guest that modules of guests are looked for in, too."""

    def add(
        has: str = "host_files=True, python=True, kernel_log=False",
        abis: str = "{host_abi().key: host_abi().toolchains[0].name}",
        quick: str = "True",
    ) -> None:
        (tmp_path / "room").mkdir(exist_ok=True)
        (tmp_path / "room" / "toy.py").write_text(TOY.format(has=has, abis=abis, quick=quick))
        monkeypatch.setattr(
            syscraft.guest, "__path__", [*syscraft.guest.__path__, str(tmp_path / "room")]
        )
        discover.all_guests.cache_clear()

    yield add
    discover.all_guests.cache_clear()
    sys.modules.pop("syscraft.guest.toy", None)


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    status = ended.value.code
    assert isinstance(status, int)
    return status


def test_toy_guest_is_found(
    add_toy: Callable[..., None], make_call: MakeCall, capsys: pytest.CaptureFixture[str]
) -> None:
    add_toy()
    assert "toy" in [guest.key for guest in all_guests()]
    assert find_guest("toy").summary == "this machine as it is"
    assert run("doctor", "--guests") in (0, 3)  # others may lack something
    assert "guest toy" in capsys.readouterr().out
    assert run("list", "--guests") == 0
    assert "no machine at all" in capsys.readouterr().out
    # The running kernel has no such call: the case fails, and the report says where.
    assert run("test", make_call("cttoy"), "--on", "toy", "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert {(row["guest"], row["verdict"], row["runs_by"]) for row in told} == {
        ("toy", "FAIL", "itself")
    }
    assert {row["level"] for row in told} == {"-O0", "-O2"}


def test_quick_guests_come_first(add_toy: Callable[..., None]) -> None:
    add_toy(quick="False")
    keys = [guest.key for guest in all_guests()]
    assert keys[0] == "uml"
    assert keys[1:] == sorted(keys[1:])


@pytest.mark.parametrize(
    ("abis", "words"),
    [
        ('{"pdp11": "gcc"}', "unknown ABI"),
        ('{host_abi().key: "cc-of-my-own"}', "unknown toolchain"),
    ],
)
def test_guest_of_an_abi_that_does_not_exist(
    add_toy: Callable[..., None],
    make_call: MakeCall,
    capsys: pytest.CaptureFixture[str],
    abis: str,
    words: str,
) -> None:
    add_toy(abis=abis)
    with pytest.raises(LabError, match=words):
        toolchains(find_guest("toy"))
    assert run("test", make_call("cttoy"), "--on", "toy") == 3
    assert words in capsys.readouterr().err


def test_guest_that_has_not_what_it_says(
    add_toy: Callable[..., None], make_call: MakeCall, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says that it is given programs, and has nothing where they should be."""
    add_toy(has="host_files=False, kernel_log=False")
    assert run("test", make_call("cttoy"), "--on", "toy") == 3
    told = capsys.readouterr()
    assert "cannot be started in the guest" in told.err
    assert "INFRA" in told.out


def test_scripts_alone_where_there_is_no_python(
    add_toy: Callable[..., None], make_call: MakeCall, capsys: pytest.CaptureFixture[str]
) -> None:
    add_toy(has="host_files=True, kernel_log=False")
    folder = make_call("cttoy")
    toml = folder / "cttoy.toml"
    toml.write_text(toml.read_text().partition("[[cases]]")[0])
    (folder / "test_cttoy.py").write_text("")
    assert run("test", folder, "--on", "toy", "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["verdict"], "no Python" in row["detail"]) == ("SKIP", True)


def test_unknown_guest_is_told_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSCRAFT_CACHE", str(tmp_path / "cache"))
    with pytest.raises(UsageError, match="did you mean 'x86_64'"):
        find_guest("x86-64")
    with pytest.raises(UsageError, match="unknown guest 'nonsense'"):
        syscraft.api.test_on([tmp_path / "nothing"], ["nonsense"])
    assert not (tmp_path / "cache").exists()


def test_this_machines_guests_say_what_they_have() -> None:
    abi = host_abi().key
    for guest in all_guests():
        assert guest.has.host_files == guest.has.python
        assert not guest.has.host_files or abi in guest.abis
        assert guest.has.cpus in (1, 2)
