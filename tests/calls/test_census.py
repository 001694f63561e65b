"""A census: questions to it, and the text that keeps it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from header_numbers import private_numbers

from syscraft.abi.discover import all_abis, find_abi
from syscraft.calls.census import Census, Definition, Entry, from_text, to_text
from syscraft.calls.compare import Kind, compare
from syscraft.calls.kernels import Kernels, read_file, shipped
from syscraft.errors import SyscraftError, TreeError, Where

PLACE = ("fs/toy.c", 7)


def definition(symbol: str, text: str) -> Definition:
    return Definition(symbol, text, *PLACE, ("!CONFIG_TINY", "A || B"), ("CONFIG_TOY",), True)


def census(release: str, calls: dict[str, dict[str, tuple[int, str | None]]]) -> Census:
    """A census of calls: ABI -> name -> number and parameters, None for a retired one."""
    entries = {
        key: {
            name: Entry(
                name, number, None if text is None else f"sys_{name}", None,
                None if text is None else definition(f"sys_{name}", text),
            )
            for name, (number, text) in named.items()
        }
        for key, named in calls.items()
    }  # fmt: skip
    found = {e.definition for named in entries.values() for e in named.values()} - {None}
    return Census.of_entries(release, "here", tuple(d for d in found if d), entries)


def test_text_keeps_everything() -> None:
    for kept in shipped().censuses:
        again = from_text(to_text(kept), Where("x"))
        assert again == kept
        assert to_text(again) == to_text(kept)
        for abi in all_abis():
            assert again.on(abi) == kept.on(abi)


def test_numbers_are_those_that_programs_pass() -> None:
    newest = shipped().newest
    numbers = {key: entry.number for key, entry in newest.of("clone3").items()}
    assert numbers["x86_64"] == 435
    assert numbers["x32"] == 0x40000000 + 435
    assert (numbers["mips_o32"], numbers["mips_n64"], numbers["mips_n32"]) == (4435, 5435, 6435)
    assert numbers["alpha"] == 545


def test_parameters() -> None:
    found = definition("sys_x", "int fd, const char __user *const __user *argv, char *p")
    assert [(p.ctype, p.name) for p in found.parameters] == [
        ("int", "fd"),
        ("const char __user *const __user *", "argv"),
        ("char *", "p"),
    ]
    assert found.user_text == "int fd, const char *const *argv, char *p"
    assert found.removed_by == ("CONFIG_TOY", "!CONFIG_TINY")
    openat2 = shipped().newest.of("openat2")["x86_64"].definition
    assert openat2 is not None
    assert [p.struct for p in openat2.parameters] == [None, None, "open_how", None]


def test_clone_has_four_orders() -> None:
    orders = {d.user_text.split(", ")[0] for d in shipped().newest.variants("sys_clone")}
    assert orders == {"unsigned long newsp", "unsigned long clone_flags"}
    assert len(shipped().newest.variants("sys_clone")) == 4
    for abi in all_abis():
        clone = shipped().newest.of("clone").get(abi.key)
        if clone is None or clone.definition is None:
            continue
        names = [p.name for p in clone.definition.parameters]
        assert (names[0] == "newsp") == (abi.key == "s390x")
        assert (names[-1] == "tls") == (abi.clone_order.condition != "CONFIG_CLONE_BACKWARDS")


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[1]", '{"format": 0}', '{"format":1,"release":"6","source":"","abis":3}', "\x00"],
)
def test_a_file_that_is_no_census(tmp_path: Path, text: str) -> None:
    path = tmp_path / "6.9.json"
    path.write_text(text)
    with pytest.raises(TreeError) as raised:
        read_file(path)
    assert str(raised.value).startswith(f"{path}: error: not a census of a kernel's calls")


def test_a_file_of_another_format(tmp_path: Path) -> None:
    text = to_text(shipped().newest).replace('"format":1', '"format":2')
    with pytest.raises(TreeError, match="format 2"):
        from_text(text, Where("x"))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SyscraftError, match="this file cannot be read"):
        read_file(tmp_path / "none.json")


def test_a_folder_without_data(tmp_path: Path) -> None:
    with pytest.raises(SyscraftError, match="this folder has no data of kernels"):
        shipped(tmp_path)


OLD = census("6.1.3", {
    "x86_64": {"stays": (1, "int a"), "goes": (2, ""), "moves": (3, ""), "grows": (4, "int a"),
               "dies": (5, "int a"), "wakes": (6, None)},
    "mips_n64": {"stays": (5001, "int a"), "goes": (5002, "")},
    "ppc": {"stays": (1, "int a")},
})  # fmt: skip
NEW = census("6.12.1", {
    "x86_64": {"stays": (1, "int a"), "comes": (2, ""), "moves": (9, ""), "grows": (4, "long a"),
               "dies": (5, None), "wakes": (6, "int a")},
    "mips_n64": {"stays": (5001, "int a"), "comes": (5002, "")},
    "riscv64": {"stays": (1, "int a")},
})  # fmt: skip


def test_compare() -> None:
    assert [(c.kind, c.name, c.before, c.after, c.abis) for c in compare(OLD, NEW)] == [
        (Kind.APPEARED, "comes", "", "2", ("mips_n64", "x86_64")),
        (Kind.GONE, "goes", "2", "", ("mips_n64", "x86_64")),
        (Kind.MOVED, "moves", "3", "9", ("x86_64",)),
        (Kind.PARAMETERS, "grows", "int a", "long a", ("x86_64",)),
        (Kind.RETIRED, "dies", "sys_dies", "", ("x86_64",)),
        (Kind.REVIVED, "wakes", "", "sys_wakes", ("x86_64",)),
    ]
    assert compare(OLD, OLD) == ()


def test_first_kernel() -> None:
    kernels = Kernels([NEW, OLD])
    assert kernels.newest is NEW
    assert kernels.since("stays") == "6.1"
    assert kernels.since("comes") == "6.12"
    assert kernels.since("stays", "riscv64") == "6.12"
    assert kernels.find("goes") is OLD  # the newest that has it
    assert kernels.find("stays") is NEW


def test_who_has_a_number() -> None:
    kernels = Kernels([OLD, NEW])
    abi = find_abi("mips_n64")
    assert [e.name for e in kernels.numbered(5002, abi)] == ["comes"]
    assert [e.name for e in kernels.numbered(2, abi)] == ["comes"]  # as the table has it
    assert kernels.numbered(77, abi) == ()
    with pytest.raises(SyscraftError, match="did you mean 'stays'"):
        kernels.find("stay")


def test_data_are_read_without_the_c_core() -> None:
    """The tool asks for them; only programs that make calls need the core and its tables."""
    code = (
        "import sys; sys.modules['syscraft.runtime._core'] = None\n"
        "import syscraft.calls.census\n"
        "assert 'syscraft.runtime.call_table' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_private_calls_of_arm_are_those_of_its_header() -> None:
    """They stand in no table; each has the number that a program's own header gives to it."""
    arm = find_abi("arm")
    found = private_numbers(arm)
    assert len(found) == 6
    for census in shipped().censuses:
        calls = census.on(arm)
        for name, number in found.items():
            assert calls[name].number == number
            assert calls[name].symbol == "arm_syscall"
    entry = shipped().newest.on(arm)["cacheflush"]
    assert entry.definition is not None
    assert entry.definition.text == "unsigned long start, unsigned long end, unsigned long flags"
    assert not shipped().newest.has("set_tls", "arm64")
