"""The wrappers under compiler flags that change what code means: syntax, calling convention."""

from __future__ import annotations

import platform
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import REPOSITORY, missing_packages, need_tool

import syscraft
from syscraft.abi.discover import find_abi
from syscraft.abi.toolchain import Toolchain
from syscraft.lab.verdict import Verdict
from syscraft.proof.prove import prove


@pytest.mark.parametrize("key", ["x86_64", "i386", "x32"])
def test_wrappers_in_intel_syntax(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSCRAFT_CACHE", str(tmp_path))
    abi = find_abi(key)
    toolchains = tuple(
        replace(toolchain, flags=(*toolchain.flags, "-masm=intel"), levels=("-O0", "-O2"))
        for toolchain in abi.toolchains
        if not toolchain.kernel_headers
    )
    proofs = prove([replace(abi, toolchains=toolchains)])
    for proof in proofs:
        assert proof.verdict in (None, Verdict.PASS), proof
        assert proof.compiled or proof.missing, proof
    if missing := {package for proof in proofs for package in proof.missing}:
        missing_packages(missing)


@pytest.mark.parametrize("level", ["-O0", "-O2"])
@pytest.mark.parametrize("toolchain", find_abi("i386").toolchains, ids=lambda t: t.name)
def test_parameters_in_registers(toolchain: Toolchain, level: str, tmp_path: Path) -> None:
    """i386: the compiler may let functions take their first three as the kernel's own do."""
    need_tool(toolchain.compiler)
    files = syscraft.load(REPOSITORY / "examples" / "clone_nice").generate(abis=["i386"])
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    for flags in ((), ("-mregparm=3",), ("-mregparm=3", "-masm=intel")):
        program = tmp_path / "program"
        subprocess.run(
            [toolchain.compiler, *toolchain.flags, level, *flags, "-static", "-fno-stack-protector",
             "-Wall", "-Wextra", "-Werror", "-I", tmp_path,
             REPOSITORY / "tests/abi/register_parameters.c", "-o", program],
            check=True,
        )  # fmt: skip
        native = platform.machine() in toolchain.native_on
        emulator = () if native else toolchain.emulator
        done = subprocess.run([*emulator, program], check=False, timeout=60)
        assert done.returncode == 0, flags
