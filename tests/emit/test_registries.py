"""A new emitter and a new ABI are one file or folder each: nothing else has to know them."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import REPOSITORY

import syscraft
import syscraft.abi
import syscraft.emit
from syscraft.abi import discover as abi_discover
from syscraft.cli.main import main
from syscraft.emit import discover as emit_discover
from syscraft.guest import qemu
from syscraft.proof import prove

PROOF = Path(prove.__file__).parent / "program"

TOY_EMITTER = """
from syscraft.emit.base import Emitter

EMITTER = Emitter("toy", "one line per call", lambda call, number, abis: {
    f"{call.name}.toy": f"{call.name} {number} {' '.join(abi.key for abi in abis)}\\n"
})
"""
TOY_ABI = """
from pathlib import Path

from syscraft.abi.abi import Abi, ElfIdentity, NumberTable
from syscraft.abi.clone_order import CloneOrder
from syscraft.abi.layout import Pairs
from syscraft.abi.toolchain import Toolchain
from syscraft.abi.trap import Register, Trap, registers

ABI = Abi(
    key="toy", summary="an ABI for tests", linux_arch="toy", macro="defined(__toy__)",
    elf=(ElfIdentity(machine=9999, bits=32, little_endian=False),), long_bytes=4,
    number_offset=4000, table=NumberTable("arch/toy/syscall.tbl", "toy"),
    clone_order=CloneOrder.BACKWARDS3, exit_number=4001, pairs=Pairs.EVEN,
    folder=Path(__file__).parent,
    traps=((None, Trap("toytrap", Register("t9"), registers("t1 t2 t3 t4 t5 t6"),
                       Register("t1"))),),
    toolchains=(Toolchain("gcc", "toy-linux-gnu-gcc", ("gcc-toy-linux-gnu",)),),
    texts={
        "clone.c.j2": '''{% extends "stack_switch.c.j2" %}
{% block note %}fn waits.{% endblock %}
{% block carry %}
	*--sp = (unsigned long)fn;
{% endblock %}
{% block child %}
	toycall
	1:
{% endblock %}''',
    },
)
"""


@pytest.fixture
def extended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Put a folder of modules beside those of both rooms."""
    for package in (syscraft.emit, syscraft.abi):
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    abi_discover.all_abis.cache_clear()
    abi_discover.register_names.cache_clear()
    emit_discover.all_emitters.cache_clear()
    importlib.invalidate_caches()
    yield tmp_path
    abi_discover.all_abis.cache_clear()
    abi_discover.register_names.cache_clear()
    emit_discover.all_emitters.cache_clear()
    for name in ("syscraft.emit.toy", "syscraft.abi.toy"):
        sys.modules.pop(name, None)


def test_toy_emitter(extended: Path) -> None:
    (extended / "toy.py").write_text(TOY_EMITTER)
    splork = syscraft.load(REPOSITORY / "examples" / "splork")
    assert splork.generate(only=["toy"], abis=["x86_64", "arm64", "x86_64"]) == {
        "splork.toy": "splork 900 x86_64 arm64\n"
    }
    assert "splork.toy" in splork.generate()


def test_toy_abi(extended: Path) -> None:
    """One file, and every emitter, the command line and the proofs know it."""
    (extended / "toy.py").write_text(TOY_ABI)
    files = syscraft.load(REPOSITORY / "examples" / "clone_nice").generate()
    raw, bare, module = (
        files[name] for name in ("clone_nice_raw.h", "bare_syscalls.h", "clone_nice.py")
    )
    assert "#elif defined(__toy__)\n/*\n * toy: switch to the child's stack" in raw
    assert '__asm__ volatile ("toytrap\\n\\t"\n\t\t\t  "toycall' in raw
    assert "#define SYSCALL_NUMBER(common)\t(4000 + (common))" in bare
    assert '__asm__ volatile ("toytrap"\n' in bare
    # clone has six parameters there: the new one takes the place of the unused stack size.
    assert re.search(r"SYSCALL_UNSIGNED\(stack\),\s+\(long\)nice,\s+SYSCALL_UNSIGNED\(ptid\)", raw)
    assert "(9999, 1, 2, 0): 4900,  # toy" in module
    assert '(9999, 1, 2, 0): ("flags", "stack", "nice", "ptid", "ctid", "tls"),' in module

    wide = syscraft.load(PROOF / "proof_length.toml").generate()
    assert "SYSCALL_FIRST(length)" in wide["proof_length_raw.h"]
    assert '(9999, 1, 2, 0): "EVEN",  # toy' in wide["proof_length.py"]


def test_every_machine_of_an_abi_is_a_guest(extended: Path) -> None:
    machines = "".join(
        f"Machine('{key}', Path(), 'toy', '', 'image', 'image', ('qemu',), (), {{}}, 'hvc0'), "
        for key in ("toy_smp", "toy")
    )
    text = TOY_ABI.replace("    texts={", f"    machines=({machines}),\n    texts={{")
    (extended / "toy.py").write_text("from syscraft.abi.machine import Machine\n" + text)
    keys = [guest.key for guest in qemu.guests() if guest.key.startswith("toy")]
    assert keys == ["toy_smp", "toy"]


def test_modules_of_types_are_no_abis() -> None:
    """What stands beside the folders of ABIs is not taken for one."""
    folder = Path(syscraft.abi.__path__[0])
    assert {abi.key for abi in abi_discover.all_abis()} == {
        path.name for path in folder.iterdir() if (path / "__init__.py").exists()
    }


def test_toy_abi_on_the_command_line(
    extended: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSCRAFT_CACHE", str(extended / "cache"))
    (extended / "toy.py").write_text(TOY_ABI)
    for arguments in (
        ["generate", str(REPOSITORY / "examples" / "splork"), "--abi", "toy",
         "-o", str(extended / "out")],
        ["list", "--abi", "toy", "--run"],
    ):  # fmt: skip
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 0
    assert "defined(__toy__)" in (extended / "out" / "bare_syscalls.h").read_text()
    told = capsys.readouterr().out
    assert re.search(r"^toy +yes +no +no +missing gcc-toy-linux-gnu$", told, re.MULTILINE)
    assert told.endswith("apt-get install gcc-toy-linux-gnu\n")


def test_unknown_emitter_and_abi_are_told(extended: Path) -> None:
    splork = syscraft.load(REPOSITORY / "examples" / "splork")
    with pytest.raises(syscraft.SyscraftError, match="did you mean 'header'"):
        splork.generate(only=["haeder"])
    with pytest.raises(syscraft.SyscraftError, match="did you mean 'x86_64'"):
        abi_discover.find_abi("x86-64")


@pytest.mark.parametrize("emitter", emit_discover.all_emitters(), ids=lambda e: e.name)
def test_every_emitter_alone_gives_what_it_gives_among_others(
    emitter: emit_discover.Emitter,
) -> None:
    call = syscraft.load(REPOSITORY / "examples" / "splork8")
    together = call.generate()
    alone = call.generate(only=[emitter.name])
    assert alone
    assert alone.items() <= together.items()


def test_a_call_that_returns_twice_is_entered_as_one(
    make_call: Callable[..., Path],
) -> None:
    """On some machines the child has another result register than the parent."""
    for twice, trap in ((False, "syscall1"), (True, "fork_syscall1")):
        name = f"cttwice{int(twice)}"
        folder = make_call(name, toml=f"returns_twice = {str(twice).lower()}")
        raw = syscraft.load(folder).generate(only=["raw-header"])[f"{name}_raw.h"]
        assert f"\treturn {trap}(__NR_{name}, (long)value);" in raw
