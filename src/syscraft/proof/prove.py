"""Proves an ABI's wrappers: compiles one program with each of its compilers, and runs it."""

from __future__ import annotations

import errno
import os
import platform
import shutil
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from syscraft import proc
from syscraft.abi.abi import Abi
from syscraft.abi.toolchain import Toolchain
from syscraft.emit.discover import generate
from syscraft.errors import EnvironmentLacks
from syscraft.files import (
    FileLock,
    cache_root,
    digest,
    read_record,
    temporary_folder,
    write_if_changed,
    write_record,
)
from syscraft.hints import Progress, silent
from syscraft.lab.verdict import Verdict, read_ktap
from syscraft.lines import split_lines
from syscraft.model.compile import load
from syscraft.tree.headers import uapi_headers

_PROOF = Path(__file__).parent / "program"
_CALLS = ("proof_clone", "proof_clone3", "proof_length", "proof_read", "proof_twice")
_NUMBER = 900  # of no consequence: the program gives the wrappers numbers that kernels have
_DEADLINE_S = 120.0
_STRICT = ("-Wall", "-Wextra", "-Werror")
_HOSTED = ("-funwind-tables",)
_FREESTANDING = ("-ffreestanding", "-nostdlib", "-nostartfiles", "-fno-builtin", "-static")


@dataclass(frozen=True)
class Proof:
    """One cell of the matrix: an ABI, a compiler, a level of optimization.

    Args:
        compiled: whether the program compiled without a warning.
        ran_on: the emulator, or "this kernel"; empty if nothing could run the program.
        verdict: None if it did not run.
        passed, skipped: numbers of results; ``skips`` are the skipped ones with the reason.
        missing: the Debian packages that bring what is missing here.
        remark: what a reader of the matrix has to know.
        detail: for people who have to repair something.
    """

    abi: str
    toolchain: str
    level: str
    compiled: bool = False
    ran_on: str = ""
    verdict: Verdict | None = None
    passed: int = 0
    skips: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    remark: str = ""
    detail: str = ""


def prove(abis: Iterable[Abi], progress: Progress = silent) -> tuple[Proof, ...]:
    """Prove the wrappers of *abis* with every compiler that is here.

    A cell whose headers, program and tools are what they were is not run again. Results
    are kept for :func:`last_proofs`.
    """
    abis = tuple(abis)
    cells = [
        (abi, toolchain, level)
        for abi in abis
        for toolchain in abi.toolchains
        for level in toolchain.levels
    ]
    headers = {abi.key: _headers(abi) for abi in abis}
    done = 0

    def one(cell: tuple[Abi, Toolchain, str]) -> Proof:
        nonlocal done
        abi, toolchain, level = cell
        proof = _prove_cell(abi, toolchain, level, headers[abi.key])
        done += 1
        progress(f"proving wrappers: {done} of {len(cells)} {abi.key}, {toolchain.name} {level}")
        return proof

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        proofs = tuple(pool.map(one, cells))
    _keep(proofs)
    return proofs


def _headers(abi: Abi) -> dict[str, str]:
    """The generated headers that the program is made of, without the other ABIs."""
    files: dict[str, str] = {}
    for name in _CALLS:
        files |= generate(load(_PROOF / f"{name}.toml"), _NUMBER, (abi,))
    return {name: text for name, text in files.items() if name.endswith(".h")}


def _prove_cell(abi: Abi, toolchain: Toolchain, level: str, headers: dict[str, str]) -> Proof:
    proof = Proof(abi.key, toolchain.name, level, remark=toolchain.remark)
    compiler = shutil.which(toolchain.compiler)
    if compiler is None:
        return replace(proof, missing=toolchain.packages)
    sources = {
        **headers,
        **{path.name: path.read_text(encoding="utf-8") for path in _PROOF.glob("*.[ch]")},
        "probe.h": abi.template("probe.h") or "",
    }
    emulator = shutil.which(toolchain.emulator[0]) if toolchain.emulator else None
    key = digest(
        repr(toolchain), level, platform.release(), _state(compiler), _state(emulator),
        *(f"{name}\0{text}" for name, text in sorted(sources.items())),
    )  # fmt: skip
    folder = cache_root() / "proofs" / f"{abi.key}-{digest(toolchain.name, level)[:8]}"
    kept = folder / f"{key[:16]}.json"
    if found := read_record(kept):
        return _read(found)
    try:
        includes = uapi_headers(abi.linux_arch) if toolchain.kernel_headers else None
    except EnvironmentLacks as error:
        return replace(proof, missing=("linux-source-6.12",), detail=str(error))
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if found := read_record(kept):  # somebody else has proven it since
            return _read(found)
        for name, text in sources.items():
            write_if_changed(folder / name, text.encode())
        proof = _compile_and_run(proof, abi, toolchain, folder, includes)
        if proof.verdict is Verdict.PASS:
            write_record(kept, plain(proof))
    return proof


def _state(tool: str | None) -> str:
    """What changes when a tool does."""
    if tool is None:
        return ""
    stat = os.stat(tool)
    return f"{tool} {stat.st_size} {stat.st_mtime_ns}"


def _compile_and_run(
    proof: Proof, abi: Abi, toolchain: Toolchain, folder: Path, includes: Path | None
) -> Proof:
    native = platform.machine() in toolchain.native_on
    if native:
        told = _compile(toolchain, proof.level, folder, includes, native=True)
        if not told.ok:
            return replace(proof, verdict=Verdict.FAIL, detail=f"{told.output}\n{told.replay}")
        proof = replace(proof, compiled=True)
        try:
            return _judge(replace(proof, ran_on="this kernel"), _run([str(folder / "wrappers")]))
        except OSError as error:
            if error.errno != errno.ENOEXEC:
                raise
    told = _compile(toolchain, proof.level, folder, includes, native=False)
    if not told.ok:
        return replace(proof, verdict=Verdict.FAIL, detail=f"{told.output}\n{told.replay}")
    proof = replace(proof, compiled=True)
    if not toolchain.emulator:
        return proof
    if shutil.which(toolchain.emulator[0]) is None:
        return replace(proof, missing=("qemu-user",))
    argv = [*toolchain.emulator, str(folder / "wrappers")]
    return _judge(replace(proof, ran_on=toolchain.emulator[0]), _run(argv))


def _compile(
    toolchain: Toolchain, level: str, folder: Path, includes: Path | None, *, native: bool
) -> proc.Result:
    argv = [
        toolchain.compiler, *toolchain.flags, level, *_STRICT, "-fno-stack-protector",
        *(_HOSTED if toolchain.libc else _FREESTANDING),
        *(("-DNATIVE",) if native else ()),
        *(("-isystem", str(includes)) if includes else ()),
        "-I", str(folder), str(folder / "wrappers.c"), "-o", str(folder / "wrappers"),
        *toolchain.link,
    ]  # fmt: skip
    with temporary_folder(folder) as scratch:
        return proc.run(argv, env={"TMPDIR": str(scratch)})


def _run(argv: Sequence[str]) -> proc.Result:
    return proc.run(argv, deadline_s=_DEADLINE_S)


def _judge(proof: Proof, result: proc.Result) -> Proof:
    if result.status == proc.TIMED_OUT:
        return replace(
            proof, verdict=Verdict.TIMEOUT, detail=f"{result.output[-2000:]}\n{result.replay}"
        )
    verdict, detail = read_ktap(result.output, result.status)
    lines = split_lines(result.output)
    skips = tuple(line.partition(" ")[2] for line in lines if "# SKIP" in line)
    passed = sum(line.startswith("ok ") for line in lines) - len(skips)
    if verdict is not Verdict.PASS:
        detail = f"{detail}\n{result.replay}"
    return replace(proof, verdict=verdict, passed=passed, skips=skips, detail=detail)


def plain(proof: Proof) -> dict[str, object]:
    """A proof as JSON takes it."""
    return {**asdict(proof), "verdict": proof.verdict.name if proof.verdict else None}


def _read(plain: dict[str, object]) -> Proof:
    fields = dict(plain)
    name = fields.pop("verdict")
    for key in ("skips", "missing"):
        value = fields[key]
        assert isinstance(value, list)
        fields[key] = tuple(value)
    return Proof(**fields, verdict=Verdict[str(name)] if name else None)  # type: ignore[arg-type]


def _path() -> Path:
    return cache_root() / "proofs" / "last.json"


def _keep(proofs: Iterable[Proof]) -> None:
    """Replace the kept results of the ABIs that were proven now."""
    new = list(proofs)
    proven = {proof.abi for proof in new}
    with FileLock(_path().with_suffix(".lock")):
        old = [proof for proof in last_proofs() if proof.abi not in proven]
        ordered = sorted([*old, *new], key=lambda proof: proof.abi)
        write_record(_path(), [plain(p) for p in ordered])


def last_proofs(abis: Iterable[Abi] | None = None) -> tuple[Proof, ...]:
    """The results of the last run of each ABI; empty before the first one."""
    kept = read_record(_path()) or ()
    keys = None if abis is None else {abi.key for abi in abis}
    return tuple(proof for proof in map(_read, kept) if keys is None or proof.abi in keys)
