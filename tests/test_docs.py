"""What the pages say is true: commands run, links lead somewhere, tables are made by the tests.

What takes a kernel is in tests/kernel/test_docs.py.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY, Syscraft, check_golden, missing_packages
from pages import PAGES, between, boots, copied_examples, run_commands

import syscraft as library
from syscraft.abi.discover import all_abis
from syscraft.build.flavour import all_flavours
from syscraft.declaration.reference import key_reference
from syscraft.guest.discover import all_guests
from syscraft.proof.prove import prove
from syscraft.rules.reference import rules_reference
from syscraft.tree.pieces import pieces_reference

_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize(
    "page", [page for page in PAGES if not boots(page)], ids=lambda path: path.name
)
def test_commands_work(page: Path, tmp_path: Path, syscraft: Syscraft) -> None:
    run_commands(page, copied_examples(tmp_path), syscraft)


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


def test_golden_key_reference() -> None:
    page = REPOSITORY / "docs" / "declaration.md"
    check_golden(page, between(page, "keys", key_reference()))


def test_golden_rules() -> None:
    page = REPOSITORY / "docs" / "rules.md"
    check_golden(page, between(page, "rules", rules_reference()))


def test_golden_pieces() -> None:
    page = REPOSITORY / "docs" / "kernel.md"
    check_golden(page, between(page, "pieces", pieces_reference()))


def test_golden_guests() -> None:
    head = ("guest", "what it is", "programs of", "this machine's files", "processors")
    rows = [f"| {' | '.join(head)} |", "| --- " * len(head) + "|"]
    rows += [
        f"| {guest.key} | `{guest.machine}` | {', '.join(guest.abis)} "
        f"| {'yes, with Python' if guest.has.python else '-'} | {guest.has.cpus} |"
        for guest in all_guests()
    ]
    page = REPOSITORY / "docs" / "lab.md"
    check_golden(page, between(page, "guests", "\n".join(rows) + "\n"))


def test_golden_flavours() -> None:
    rows = ["| flavour | what it finds | processors | deadlines |", "| --- " * 4 + "|"]
    rows += [f"| {f.key} | {f.summary} | {f.cpus} | {f.slower:g} times |" for f in all_flavours()]
    page = REPOSITORY / "docs" / "lab.md"
    check_golden(page, between(page, "flavours", "\n".join(rows) + "\n"))


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
    assert "mark_raw(path, (size_t)__builtin_strlen(path), 0);" in files["mark.h"]
    assert "def mark(path: Pointer, *, length: int) -> int:" in files["mark.py"]
