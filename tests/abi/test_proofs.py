"""The wrappers of every ABI, run: by this kernel, or by QEMU's user emulators."""

from __future__ import annotations

import re

import pytest
from conftest import REPOSITORY, missing_packages

from syscraft.abi.abi import Abi
from syscraft.abi.discover import all_abis
from syscraft.lab.verdict import Verdict
from syscraft.proof.prove import Proof, prove


@pytest.fixture(scope="module")
def proofs() -> dict[str, list[Proof]]:
    by_abi: dict[str, list[Proof]] = {abi.key: [] for abi in all_abis()}
    for proof in prove(all_abis()):
        by_abi[proof.abi].append(proof)
    return by_abi


@pytest.mark.parametrize("abi", all_abis(), ids=lambda abi: abi.key)
def test_wrappers(abi: Abi, proofs: dict[str, list[Proof]]) -> None:
    missing = set()
    for proof in proofs[abi.key]:
        assert proof.verdict in (None, Verdict.PASS), f"{proof.toolchain} {proof.level}: {proof}"
        assert proof.compiled or proof.missing, proof
        missing |= set(proof.missing)
    if missing:
        missing_packages(missing)


def test_nothing_is_skipped_but_what_an_emulator_cannot_do(
    proofs: dict[str, list[Proof]],
) -> None:
    for listed in proofs.values():
        for proof in listed:
            assert proof.ran_on != "this kernel" or not proof.skips, proof
            reasons = {skip.partition("# SKIP ")[2] for skip in proof.skips}
            assert reasons <= {
                "the emulator forks",
                "the emulator has no clone3",
                "the emulator hands on 32 bits of it",
                "pread64 has a gap of its own here",
            }, proof


def test_many_are_executed(proofs: dict[str, list[Proof]]) -> None:
    """Every ABI that there is an emulator for runs, and these are most."""
    emulated = {abi.key for abi in all_abis() if any(t.emulator for t in abi.toolchains)}
    listed = [proof for found in proofs.values() for proof in found]
    if missing := {package for proof in listed for package in proof.missing}:
        missing_packages(missing)
    assert emulated <= {proof.abi for proof in listed if proof.verdict}
    assert len(emulated) >= 17


def test_packages_of_every_toolchain_are_listed() -> None:
    """What make test installs is what toolchains and guests want, and nothing else."""
    lines = (REPOSITORY / "packages.txt").read_text().splitlines()
    wanted = {"qemu-user", "linux-source-6.1", "sparse"}
    for abi in all_abis():
        wanted |= {name for machine in abi.machines for name in machine.packages}
        wanted |= {name for kernel in abi.linked for name in kernel.packages}
        for toolchain in abi.toolchains:
            wanted |= set(toolchain.packages)
            if toolchain.cxx and toolchain.cxx.endswith("-g++"):
                wanted |= {_cxx_package(name) for name in toolchain.packages}
    tagged = {line.split()[0] for line in lines if "# ABI:" in line}
    others = {line.split()[0] for line in lines if line[:1].isalnum()} - tagged
    assert tagged == wanted - others


def _cxx_package(name: str) -> str:
    """Debian has the C++ compiler apart, but for bare-metal ones."""
    return re.sub(r"^gcc-(?=[\w-]+-linux-)(?!multilib)", "g++-", name)
