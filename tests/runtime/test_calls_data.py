"""The data of calls: made again they are the same, and compilers' headers have the same numbers."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY, check_golden
from header_numbers import header_numbers

from syscraft.abi.abi import Abi
from syscraft.abi.discover import all_abis
from syscraft.abi.toolchain import Toolchain
from syscraft.calls.kernels import shipped
from syscraft.errors import ExitStatus
from syscraft.tree.headers import uapi_headers

sys.path.insert(0, str(REPOSITORY / "tools"))
import make_calls

RUNTIME = REPOSITORY / "src" / "syscraft" / "runtime"
DATA = RUNTIME / "data"
SIZE_AT_MOST = 300_000


def test_golden_calls_are_what_the_registry_says() -> None:
    files = make_calls.make(shipped().newest)
    for name, text in files.items():
        check_golden(RUNTIME / name, text)
    kept = {f"data/{path.name}" for path in DATA.iterdir()}
    assert kept == set(files) - {"calls.pyi"}


def test_data_are_small() -> None:
    assert sum(path.stat().st_size for path in DATA.iterdir()) < SIZE_AT_MOST


def numbers(abi: Abi) -> dict[str, int]:
    rows = json.loads((DATA / f"calls-{abi.key}.json").read_text())
    return {name: row if isinstance(row, int) else row[0] for name, row in rows.items()}


def with_headers(abi: Abi) -> list[Toolchain]:
    """Those of Debian's compilers that come with headers; the kernel tells the other numbers."""
    return [toolchain for toolchain in abi.toolchains if toolchain.libc or toolchain.kernel_headers]


@pytest.mark.parametrize("abi", list(filter(with_headers, all_abis())), ids=lambda abi: abi.key)
def test_numbers_are_those_of_the_compilers_headers(abi: Abi) -> None:
    own = not with_headers(abi)[0].kernel_headers
    found = header_numbers(abi, None if own else uapi_headers(abi.linux_arch))
    ours = numbers(abi)
    assert len(found.keys() & ours.keys()) > 250
    assert {name: ours[name] for name in found if name in ours} == {
        name: number for name, number in found.items() if name in ours
    }
    # Headers of a libc may be older than the kernel, never newer.
    assert found.keys() <= ours.keys()


def test_the_tool_reports_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert make_calls.main(["--linux", str(tmp_path)]) == ExitStatus.USAGE
    assert "this is no Linux kernel tree" in capsys.readouterr().err


def test_the_tool_writes_and_removes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_calls, "RUNTIME", tmp_path)
    monkeypatch.setattr(make_calls, "make", lambda census: {"data/a.json": "{}\n", "calls.pyi": ""})
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "calls-gone.json").write_text("{}")
    assert make_calls.main([]) == 0
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        "a.json", "calls.pyi",
    ]  # fmt: skip
