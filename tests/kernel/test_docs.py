"""What the pages say of kernels is true: commands, tables, the recording, the library's example."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY, Syscraft, check_golden
from pages import PAGES, between, boots, copied_examples, run_commands


@pytest.mark.parametrize(
    "page", [page for page in PAGES if boots(page)], ids=lambda path: path.name
)
def test_commands_work(page: Path, tmp_path: Path, syscraft: Syscraft) -> None:
    run_commands(page, copied_examples(tmp_path), syscraft)


def test_golden_matrix(syscraft: Syscraft) -> None:
    """The README's table of what works where is what the tests of the examples say."""
    examples = [
        str(path.parent.relative_to(REPOSITORY))
        for path in sorted(REPOSITORY.glob("examples/*/*.toml"))
    ]
    done = syscraft("test", "--json", *examples, cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr
    rows = ["| call | test | ABI | kernel | guest | verdict |", "| --- " * 6 + "|"]
    # One row for all levels of optimization: they agree, or there are two rows.
    rows += dict.fromkeys(
        f"| {row['call']} | {row['test']} | {row['abi']} | Linux {row['linux'][4:]} "
        f"| {row['guest']} | {row['verdict']}, {row['detail']} |"
        for row in json.loads(done.stdout)
    )
    page = REPOSITORY / "README.md"
    check_golden(page, between(page, "matrix", "\n".join(rows) + "\n"))


def test_golden_recording() -> None:
    """The README shows what the demo prints; times and process IDs may differ."""
    argv = [sys.executable, "tools/demo.py"]
    done = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told = "== tests on the new kernel" + done.stdout.partition("== tests on the new kernel")[2]
    page = REPOSITORY / "README.md"
    recorded = page.read_text()
    shown = between(page, "recording", f"```\n{told}```\n")
    if numberless(shown) != numberless(recorded):
        check_golden(page, shown)


def numberless(text: str) -> str:
    """Numbers vary from run to run, and with their width the blanks."""
    return re.sub(r"[ \d.]+", " ", text)


def test_library_example_of_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ten lines run as they stand."""
    text = (REPOSITORY / "README.md").read_text()
    (code,) = re.findall(r"```python\n(import syscraft\n.*?)```", text, re.DOTALL)
    assert len(code.strip().splitlines()) <= 10
    copied = copied_examples(tmp_path)
    (copied / "my_script.py").write_text("import splork\n")
    monkeypatch.chdir(copied)
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    assert names["status"] == 0
    assert (copied / "out" / "splork.h").exists()
