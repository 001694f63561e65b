"""What works where: the results of proofs as a table for people."""

from __future__ import annotations

from collections.abc import Sequence

from syscraft.abi.abi import Abi
from syscraft.lab.verdict import Verdict
from syscraft.proof.prove import Proof

HEAD = ("ABI", "generated", "compiled", "executed", "results")


def matrix(
    abis: Sequence[Abi], proofs: Sequence[Proof], *, levels: bool = False
) -> list[tuple[str, ...]]:
    """Rows of a table, the head first.

    Args:
        levels: a row for each compiler and level of optimization, and not for each ABI.
    """
    rows: list[tuple[str, ...]] = [HEAD]
    for abi in abis:
        mine = [proof for proof in proofs if proof.abi == abi.key]
        if not mine:
            why = "not run yet: --run" if abi.toolchains else "no known compiler"
            rows.append((abi.key, "yes", "no", "no", why))
        elif levels:
            rows += [_row(f"{p.abi}, {p.toolchain} {p.level}", [p]) for p in mine]
        else:
            rows.append(_row(abi.key, mine))
    return rows


def _row(name: str, proofs: Sequence[Proof]) -> tuple[str, ...]:
    compiled = list(dict.fromkeys(p.toolchain for p in proofs if p.compiled))
    ran = list(dict.fromkeys(p.ran_on for p in proofs if p.ran_on))
    return (name, "yes", "; ".join(compiled) or "no", ", ".join(ran) or "no", _results(proofs))


def _results(proofs: Sequence[Proof]) -> str:
    judged = [p for p in proofs if p.verdict]
    said = []
    if judged:
        worst = next((p for p in judged if p.verdict is not Verdict.PASS), judged[0])
        assert worst.verdict is not None
        said.append(f"{worst.verdict.name}, {_range([p.passed for p in judged])} passed")
        skipped = [len(p.skips) for p in judged]
        if any(skipped):
            said[-1] += f", {_range(skipped)} skipped"
    missing = sorted({package for p in proofs for package in p.missing})
    if missing:
        said.append("missing " + " ".join(missing))
    if not judged and not missing:
        said.append("nothing here can run its binaries")
    said += sorted({p.remark for p in proofs if p.remark})
    return "; ".join(said)


def _range(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"
