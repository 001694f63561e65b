"""What the pages say is true: commands run, links lead somewhere, tables are made by the tests."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY, Syscraft, check_golden, missing_packages

import syscraft as library
from syscraft.abi.discover import all_abis
from syscraft.declaration.reference import key_reference
from syscraft.guest.qemu import machines
from syscraft.proof.prove import prove
from syscraft.rules.reference import rules_reference
from syscraft.tree.pieces import pieces_reference

PAGES = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/*.md")])
_COMMAND = re.compile(r"^ {4}(?:\.venv/bin/)?(syscraft .*)$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A folder with the examples, where commands may leave files."""
    shutil.copytree(REPOSITORY / "examples", tmp_path / "examples")
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_commands_work(page: Path, copied: Path, syscraft: Syscraft) -> None:
    """Placeholders in capitals (DECL, NAME) are not commands."""
    for text in _COMMAND.findall(page.read_text()):
        words = shlex.split(text, comments=True)[1:]
        if any(word.isupper() for word in words):
            continue
        done = syscraft(*words, cwd=copied)
        assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_paths_in_the_text_exist(page: Path) -> None:
    """A file of this repository that a page names is there."""
    named = re.findall(r"`((?:examples|tests|src|docs|tools|bench)/[\w./-]+)`", page.read_text())
    for path in named:
        if "NAME" in path:
            continue
        assert (REPOSITORY / path).exists(), path


def between(page: Path, mark: str, new: str) -> str:
    """The page with what stands between the marks replaced."""
    pattern = re.compile(rf"(<!-- {mark}[^>]*-->\n).*?(<!-- end of {mark} -->)", re.DOTALL)
    text, count = pattern.subn(lambda match: match[1] + new + match[2], page.read_text())
    assert count == 1, f"{page} has no marks for {mark}"
    return text


def test_golden_key_reference() -> None:
    page = REPOSITORY / "docs" / "declaration.md"
    check_golden(page, between(page, "keys", key_reference()))


def test_golden_rules() -> None:
    page = REPOSITORY / "docs" / "rules.md"
    check_golden(page, between(page, "rules", rules_reference()))


def test_golden_pieces() -> None:
    page = REPOSITORY / "docs" / "kernel.md"
    check_golden(page, between(page, "pieces", pieces_reference()))


def test_golden_machines() -> None:
    rows = ["| guest | machine | programs of |", "| --- " * 3 + "|"]
    rows += [
        f"| {machine.key} | `{' '.join(machine.command)}` | {', '.join(machine.programs)} |"
        for _, machine in machines()
    ]
    page = REPOSITORY / "docs" / "lab.md"
    check_golden(page, between(page, "machines", "\n".join(rows) + "\n"))


def test_golden_matrix(syscraft: Syscraft) -> None:
    """The README's table of what works where is what the tests of the examples say."""
    examples = [
        str(path.parent.relative_to(REPOSITORY))
        for path in sorted(REPOSITORY.glob("examples/*/*.toml"))
    ]
    done = syscraft("test", "--json", *examples, cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr
    rows = ["| call | test | ABI | kernel | guest | verdict |", "| --- " * 6 + "|"]
    rows += [
        f"| {row['call']} | {row['test']} | {row['abi']} | Linux {row['linux'][4:]} "
        f"| {row['guest']} | {row['verdict']}, {row['detail']} |"
        for row in json.loads(done.stdout)
    ]
    page = REPOSITORY / "README.md"
    check_golden(page, between(page, "matrix", "\n".join(rows) + "\n"))


def test_golden_abis() -> None:
    """The README's table of ABIs is what running the wrappers showed."""
    proofs = prove(all_abis())
    rows = ["| ABI | compiled with | executed by | verdict |", "| --- " * 4 + "|"]
    for abi in all_abis():
        mine = [proof for proof in proofs if proof.abi == abi.key]
        if missing := {package for proof in mine for package in proof.missing}:
            missing_packages(missing)
        compiled = list(dict.fromkeys(proof.toolchain for proof in mine if proof.compiled))
        runners = list(dict.fromkeys(t.emulator[0] for t in abi.toolchains if t.emulator))
        if any(t.native_on for t in abi.toolchains) and not runners:
            runners = ["a kernel that has it"]
        verdicts = {p.verdict.name for p in mine if p.verdict and runners[0].startswith("qemu")}
        rows.append(
            f"| {abi.key} | {'; '.join(compiled) or 'no compiler here'} "
            f"| {', '.join(runners) or 'nothing here'} | {', '.join(sorted(verdicts)) or '-'} |"
        )
    page = REPOSITORY / "README.md"
    check_golden(page, between(page, "abis", "\n".join(rows) + "\n"))


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


def test_library_example_of_the_readme(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ten lines run as they stand."""
    text = (REPOSITORY / "README.md").read_text()
    (code,) = re.findall(r"```python\n(import syscraft\n.*?)```", text, re.DOTALL)
    assert len(code.strip().splitlines()) <= 10
    (copied / "my_script.py").write_text("import splork\n")
    monkeypatch.chdir(copied)
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    assert names["status"] == 0
    assert (copied / "out" / "splork.h").exists()


def test_python_example_of_the_readme(tmp_path: Path) -> None:
    """It runs as it stands, and mypy --strict accepts it."""
    text = (REPOSITORY / "README.md").read_text()
    (code,) = re.findall(r"```python\n(from syscraft import calls.*?)```", text, re.DOTALL)
    program = tmp_path / "example.py"
    program.write_text(code)
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:2] == ["hello", "0"]
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", program],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout


DERIVED = """
name = "mark"
summary = "mark a path"
author = "A U Thor <author@example.org>"
{snippet}
"""


def test_derive_example_of_the_reference(tmp_path: Path) -> None:
    text = (REPOSITORY / "docs" / "declaration.md").read_text()
    (snippet,) = re.findall(r'^( {4}kernel = "const char.*?)\n\nIn Python', text, re.M | re.DOTALL)
    (tmp_path / "mark.toml").write_text(DERIVED.format(snippet=snippet.replace("\n    ", "\n")))
    (tmp_path / "mark.c").write_text(
        "static long do_mark(const char __user *path, size_t length, unsigned int flags)\n"
        "{\n\treturn 0;\n}\n"
    )
    files = library.load(tmp_path).generate()
    assert "mark_raw(path, (size_t)(__builtin_strlen(path)), 0);" in files["mark.h"]
    assert "def mark(path: Pointer, *, length: int) -> int:" in files["mark.py"]
