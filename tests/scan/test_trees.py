"""Debian's kernels: what comes with the package is what the trees say."""

from __future__ import annotations

import pytest
from conftest import REPOSITORY, check_golden, missing_packages

from syscraft.abi.discover import all_abis, find_abi
from syscraft.api import read_kernel
from syscraft.calls.census import to_text
from syscraft.errors import EnvironmentLacks
from syscraft.scan.read import KernelCalls

DATA = REPOSITORY / "src" / "syscraft" / "calls" / "data"
VERSIONS = ("6.1", "6.12")
# Calls that no code answers, only the stub of kernel/sys_ni.c; a header tells their parameters.
# The row of map_shadow_stack is everybody's, the code is x86's. lookup_dcookie lost its code, and
# arm's pciconfig_iobase its own, before these kernels; the rows stayed.
STUBS = {
    "6.1": {"lookup_dcookie", "pciconfig_iobase"},
    "6.12": {"map_shadow_stack", "pciconfig_iobase"},
}
WITH_CODE = {"map_shadow_stack": {"i386", "x32", "x86_64"}}


@pytest.fixture(scope="module", params=VERSIONS)
def calls(request: pytest.FixtureRequest) -> KernelCalls:
    try:
        return read_kernel(f"deb:{request.param}")
    except EnvironmentLacks:
        missing_packages([f"linux-source-{request.param}"])


def test_golden_data_are_what_the_trees_say(calls: KernelCalls) -> None:
    check_golden(DATA / f"{calls.census.version}.json", to_text(calls.census))


def test_all_of_a_tree_is_read(calls: KernelCalls) -> None:
    """Both kernels have one slip: a word that no generator asks for, on a table of all words."""
    (slip,) = calls.findings
    assert slip.where is not None
    assert "arch/mips/kernel/syscalls/syscall_n64.tbl:" in str(slip.where)
    assert slip.message == "'common' is not an ABI of this table"
    assert slip.is_note  # and so is no reason for an exit status


def test_rows_are_tied_to_code(calls: KernelCalls) -> None:
    """Every call of every ABI has its definition; those that only a stub answers are named."""
    assert set(calls.census.abis) == {abi.key for abi in all_abis()}
    stubs = set()
    for key in calls.census.abis:
        for entry in calls.census.on(find_abi(key)).values():
            if entry.is_retired:
                continue
            assert entry.definition is not None, f"{entry.name} of {key}"
            if entry.definition.is_prototype:
                stubs.add(entry.name)
                assert key not in WITH_CODE.get(entry.name, ()), f"{entry.name} of {key}"
                assert entry.definition.optional, entry.name
    assert stubs == STUBS[calls.census.version]
