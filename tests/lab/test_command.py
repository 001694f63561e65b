"""What a guest without this machine's files can run: one static program, built for it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from conftest import need_tool

from syscraft.errors import UsageError
from syscraft.guest.discover import all_guests, find_guest
from syscraft.guest.host import host_abi
from syscraft.lab.command import check_command

BARE = next(g for g in all_guests() if not g.has.host_files and host_abi().key not in g.abis)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A static and a dynamic program of this machine."""
    folder = tmp_path_factory.mktemp("programs")
    need_tool("gcc")
    (folder / "a.c").write_text("int main(void) { return 0; }\n")
    for name, flags in (("static", ["-static"]), ("dynamic", [])):
        subprocess.run(["gcc", *flags, folder / "a.c", "-o", folder / name], check=True)
    (folder / "script").write_text("#!/bin/sh\n")
    return folder


def refusal(guest: str, program: Path) -> str:
    with pytest.raises(UsageError) as refused:
        check_command(find_guest(guest), str(program))
    assert str(program) in str(refused.value)
    return str(refused.value)


def test_any_command_where_this_machines_files_are() -> None:
    check_command(find_guest("uml"), "no-such-command")  # the guest's shell will say so


def test_missing_program(tmp_path: Path) -> None:
    assert "no such file" in refusal(BARE.key, tmp_path / "nothing")


def test_script(programs: Path) -> None:
    assert "not an ELF program" in refusal(BARE.key, programs / "script")


def test_program_of_another_abi(programs: Path) -> None:
    told = refusal(BARE.key, programs / "static")
    assert "cannot run programs of this ABI" in told
    assert " or ".join(BARE.abis) in told


def test_dynamic_program(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guest = next(g for g in all_guests() if host_abi().key in g.abis and not g.quick)
    monkeypatch.setattr(guest, "has", BARE.has)  # as on another host
    check_command(guest, str(programs / "static"))
    told = refusal(guest.key, programs / "dynamic")
    assert "has no shared libraries" in told
    assert "-static" in told
    assert "ld-linux" in told
