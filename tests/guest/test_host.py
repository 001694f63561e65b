"""The machine's ABI, and one that nobody knows."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from syscraft.abi.abi import ElfIdentity
from syscraft.abi.discover import all_abis
from syscraft.errors import EnvironmentLacks
from syscraft.guest import host
from syscraft.guest.channel import INPUT_MAX

GUEST = Path(host.__file__).parent / "init" / "guest.h"


def test_host_abi_is_what_uname_says_of_a_native_program() -> None:
    assert host.host_abi().key == platform.machine()


def test_big_endian_header(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF\x02\x02\x01" + b"\0" * 9 + b"\0\x02\0\x16" + b"\0" * 32)
    assert host.read_identity(program) == ElfIdentity(22, 64, False)  # s390x


def test_flags_tell_abis_of_one_machine_apart(tmp_path: Path) -> None:
    program = tmp_path / "program"
    head = b"\x7fELF\x01\x02\x01" + b"\0" * 9 + b"\0\x02\0\x08"  # 32-bit MIPS
    for flags, key in ((b"\x70\x00\x10\x05", "mips_o32"), (b"\x60\0\0\x27", "mips_n32")):
        program.write_bytes(head + b"\0" * 16 + flags + b"\0" * 12)
        identity = host.read_identity(program)
        found = [abi.key for abi in all_abis() if any(elf.matches(identity) for elf in abi.elf)]
        assert found == [key]


def test_unknown_machine_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "read_identity", lambda path: ElfIdentity(1234, 64, True))
    host.host_abi.cache_clear()
    with pytest.raises(EnvironmentLacks, match="ELF machine 1234, 64 bits"):
        host.host_abi()
    host.host_abi.cache_clear()


def test_both_ends_of_the_line_agree() -> None:
    assert f"#define INPUT_MAX\t{INPUT_MAX}\n" in GUEST.read_text()
