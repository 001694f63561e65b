"""Archives for guests of different architectures are different, though all else is the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import need_tool

from syscraft.abi.discover import find_abi
from syscraft.guest.initramfs import initramfs


def test_archive_is_of_its_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYSCRAFT_CACHE", str(tmp_path))
    toolchains = [find_abi(key).toolchains[0] for key in ("ppc64le", "s390x")]
    assert toolchains[0].flags == toolchains[1].flags
    assert toolchains[0].link == toolchains[1].link
    for toolchain in toolchains:
        need_tool(toolchain.compiler)
    first, second = (initramfs(toolchain) for toolchain in toolchains)
    assert first != second
    assert first.read_bytes() != second.read_bytes()
    assert initramfs(toolchains[0]) == first
