"""Two runs that prove the same wrappers at once do not compile into each other's folder."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from syscraft.abi.discover import find_abi
from syscraft.lab.verdict import Verdict
from syscraft.proof import prove
from syscraft.proof.prove import Proof


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYSCRAFT_CACHE", str(tmp_path))


def test_a_cell_is_proven_once(monkeypatch: pytest.MonkeyPatch) -> None:
    abi = find_abi("x86_64")
    proven = []

    def slow(proof: Proof, *_: object) -> Proof:
        proven.append(proof)
        time.sleep(0.2)
        return replace(proof, compiled=True, verdict=Verdict.PASS)

    monkeypatch.setattr(prove, "_compile_and_run", slow)
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(prove._prove_cell, abi, abi.toolchains[0], "-O0", {}) for _ in range(4)]
    assert {job.result().verdict for job in jobs} == {Verdict.PASS}
    assert len(proven) == 1


def test_results_of_both_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    before = prove.last_proofs

    def slow(*words: object) -> tuple[Proof, ...]:
        found = before(*words)  # type: ignore[arg-type]
        time.sleep(0.1)
        return found

    monkeypatch.setattr(prove, "last_proofs", slow)
    keys = ["arm", "m68k", "x86_64"]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda key: prove._keep([Proof(key, "gcc", "-O0")]), keys))
    assert [proof.abi for proof in before()] == keys
