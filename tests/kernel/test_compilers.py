"""The examples' own tests, built by two compilers at three levels, on the new kernel."""

from __future__ import annotations

import itertools
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import Syscraft, need_tool

from kernel.examples import EXAMPLES, PAIR, Others, write_headers

CALLS = [*EXAMPLES, PAIR]
BUILDS = [
    (compiler, level, *extra)
    for compiler, level, extra in itertools.product(
        ("gcc", "clang"), ("-O0", "-O2", "-Os"), ((), ("-fPIE", "-pie", "-fno-omit-frame-pointer"))
    )
]


@pytest.mark.parametrize("example", CALLS, ids=lambda path: path.name)
def test_every_build_passes(
    example: Path, tmp_path: Path, syscraft: Syscraft, others: Others
) -> None:
    headers = tmp_path / "generated"
    together = EXAMPLES if example in EXAMPLES else others.folders
    write_headers(example, together, headers)
    sources = [*example.glob("test_*.c"), *headers.glob("test_*.c")]
    assert sources
    for compiler in ("gcc", "clang"):
        need_tool(compiler)

    def build(task: tuple[tuple[str, ...], Path]) -> Path:
        (compiler, *flags), source = task
        program = tmp_path / f"{source.stem}_{compiler}_{''.join(flags)}"
        done = subprocess.run(
            [compiler, "-std=gnu11", *flags, "-Wall", "-Wextra", "-Werror", "-I", headers,
             source, "-o", program],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return program

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        programs = list(pool.map(build, itertools.product(BUILDS, sources)))
    assert len(set(programs)) == len(BUILDS) * len(sources)
    script = 'for test; do echo "== $test"; "$test" || exit 1; done'
    done = syscraft("run", *together, "--", "sh", "-c", script, "sh", *programs)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("KTAP version 1") == len(programs)
    assert "not ok" not in done.stdout
