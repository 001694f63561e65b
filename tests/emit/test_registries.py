"""A new emitter and a new ABI are one file or folder each: nothing else has to know them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import REPOSITORY

import syscraft
import syscraft.abi
import syscraft.emit
from syscraft.abi import registry as abi_registry
from syscraft.emit import registry as emit_registry

TOY_EMITTER = """
from syscraft.emit.base import Emitter

EMITTER = Emitter("toy", "one line per call", lambda call, number, abis: {
    f"{call.name}.toy": f"{call.name} {number} {' '.join(abi.key for abi in abis)}\\n"
})
"""
TOY_ABI = """
from pathlib import Path

from syscraft.abi.base import Abi, CloneOrder, ElfIdentity, NumberTable

ABI = Abi(
    key="toy", summary="an ABI for tests", linux_arch="toy", macro="defined(__toy__)",
    elf=ElfIdentity(machine=9999, bits=32, little_endian=False), long_bytes=4,
    number_offset=4000, table=NumberTable("arch/toy/syscall.tbl", "toy"),
    clone_order=CloneOrder.BACKWARDS3, folder=Path(__file__).parent,
)
"""


@pytest.fixture
def extended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Put a folder of modules beside those of both rooms."""
    for package in (syscraft.emit, syscraft.abi):
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    abi_registry.all_abis.cache_clear()
    emit_registry.all_emitters.cache_clear()
    importlib.invalidate_caches()
    yield tmp_path
    abi_registry.all_abis.cache_clear()
    emit_registry.all_emitters.cache_clear()
    for name in ("syscraft.emit.toy", "syscraft.abi.toy"):
        sys.modules.pop(name, None)


def test_toy_emitter(extended: Path) -> None:
    (extended / "toy.py").write_text(TOY_EMITTER)
    splork = syscraft.load(REPOSITORY / "examples" / "splork")
    assert splork.generate(only=["toy"]) == {"splork.toy": "splork 900 x86_64\n"}
    assert "splork.toy" in splork.generate()


def test_toy_abi(extended: Path) -> None:
    folder = extended / "toy"
    folder.mkdir()
    (folder / "__init__.py").write_text(TOY_ABI)
    (folder / "bare_syscalls.c.j2").write_text("/* toy traps */\n")
    (folder / "clone.c.j2").write_text("/* toy {{ arguments | join(' ') }} */\n")
    files = syscraft.load(REPOSITORY / "examples" / "clone_nice").generate()
    raw = files["clone_nice_raw.h"]
    assert "#if defined(__toy__)\n#define __NR_clone_nice\t4900\n#elif defined(__x86" in raw
    assert "/* toy flags stack nice ptid ctid tls */" in raw
    # clone has six parameters there: the new one takes the place of the unused stack size.
    assert "(long)flags, (long)stack, (long)nice," in raw
    assert "/* toy traps */" in files["bare_syscalls.h"]
    assert "(9999, 1, 2): 4900,  # toy" in files["clone_nice.py"]


def test_unknown_emitter_and_abi_are_told(extended: Path) -> None:
    splork = syscraft.load(REPOSITORY / "examples" / "splork")
    with pytest.raises(syscraft.SyscraftError, match="did you mean 'header'"):
        splork.generate(only=["haeder"])
    with pytest.raises(syscraft.SyscraftError, match="did you mean 'x86_64'"):
        abi_registry.find_abi("x86-64")


@pytest.mark.parametrize("emitter", emit_registry.all_emitters(), ids=lambda e: e.name)
def test_every_emitter_alone_gives_what_it_gives_among_others(
    emitter: emit_registry.Emitter,
) -> None:
    call = syscraft.load(REPOSITORY / "examples" / "splork8")
    together = call.generate()
    alone = call.generate(only=[emitter.name])
    assert alone
    assert alone.items() <= together.items()
