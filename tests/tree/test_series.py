"""The series as maintainers want it: its pieces, and what has to be there for them.

What takes a compiled kernel is in tests/kernel/test_series.py.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import REPOSITORY, need_tool

import syscraft as library
from syscraft.emit.kernel.selftest import selftest_files
from syscraft.emit.man_page import man_page
from syscraft.tree.source import KernelTree

EXAMPLES = [REPOSITORY / "examples" / name for name in ("splork", "splork8", "clone_nice")]


def test_names_of_cases_become_names_of_c(make_call: Callable[..., Path]) -> None:
    names = ("exit", "64 bits", "exit", "a + b", "(+)", "!")
    toml = "".join(f'[[cases]]\nname = "{n}"\nargs = ["1"]\nreturns = 0\n' for n in names)
    text = selftest_files(library.load(make_call("ctnames", toml=toml)).unit)["ctnames_test.c"]
    found = re.findall(r"^TEST\((\w+)\)$", text, re.MULTILINE)
    assert found[0] == "case_exit"
    assert found[1:3] == ["case_64_bits", "case_exit_"]
    assert all(re.fullmatch(r"[a-z_][a-z0-9_]*", name) for name in found), found
    assert len(set(found)) == len(names) + 1


def test_pieces_and_what_goes_with_them() -> None:
    change = library.load(EXAMPLES[2]).patch()
    subjects = [
        next(line for line in text.splitlines() if line.startswith("Subject:"))
        for _, text in change.series
    ]
    assert subjects == [
        "Subject: [PATCH 1/5] fork: let a caller prepare the child before it runs",
        "Subject: [PATCH 2/5] clone_nice: add the clone_nice() system call",
        "Subject: [PATCH 3/5] arch: wire up the clone_nice() system call",
        "Subject: [PATCH 4/5] selftests/clone_nice: test the clone_nice() system call",
        "Subject: [PATCH 5/5] Documentation: describe the clone_nice() system call",
    ]
    assert [name for name, _ in change.extras] == ["0000-cover-letter.txt", "clone_nice.2"]
    letter = change.extras[0][1]
    assert "[PATCH 0/5]" in letter
    assert "tools/testing/selftests/clone_nice/config" in letter


@pytest.mark.parametrize("name", ['A "B" C', r'A "B\ (C)', "A, B: C", "A (B)", "É. O'Neil, Jr"])
def test_author_is_whom_git_reads(
    name: str, make_call: Callable[..., Path], tmp_path: Path
) -> None:
    need_tool("git")
    folder = make_call("quoted")
    file = folder / "quoted.toml"
    written = name.replace("\\", "\\\\").replace('"', '\\"').replace(" ", "  ", 1)
    text = re.sub(r"(?m)^author = .*$", "", file.read_text())
    file.write_text(f'author = "{written} <a@example.org>"\n{text}')
    mail = library.load(folder).patch().series[0][1]
    done = subprocess.run(
        ["git", "mailinfo", tmp_path / "message", tmp_path / "diff"], input=mail,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert f"Author: {name}\n" in done.stdout
    assert f"\nSigned-off-by: {name} <a@example.org>\n" in mail


def test_tree_without_tests_and_documentation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Vendors strip trees: the series is shorter then."""
    original = KernelTree.read

    def read(self: KernelTree, name: str) -> str | None:
        return None if name.startswith(("tools/", "Documentation/")) else original(self, name)

    monkeypatch.setattr(KernelTree, "read", read)
    change = library.load(EXAMPLES[0]).patch("deb:6.12")
    assert len(change.series) == 2
    assert not [path for path in change.files if path.startswith(("tools/", "Documentation/"))]


@pytest.mark.parametrize(
    ("path", "old", "new", "expected"),
    [
        ("include/linux/syscalls.h", "Architecture-specific", "Architecture", "the comment"),
        ("include/linux/compat.h", "#endif /* CONFIG_ARCH_HAS", "#endif /* ARCH_HAS", "#endif"),
        ("kernel/Makefile", "obj-$(CONFIG_", "obj-y += $(CONFIG_", "obj-$(CONFIG_...)"),
        ("init/Kconfig", "config ", "konfig ", "config ..._SYSCALL"),
        ("MAINTAINERS", "Maintainers List", "List", "Maintainers List"),
        ("tools/testing/selftests/Makefile", "TARGETS += ", "TARGET += ", "TARGETS += ..."),
        ("Documentation/userspace-api/index.rst", ".. toctree::", "..", ".. toctree::"),
    ],
)  # fmt: skip
def test_anchor_that_is_missing(
    path: str, old: str, new: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = KernelTree.read

    def read(self: KernelTree, name: str) -> str | None:
        text = original(self, name)
        return text.replace(old, new) if name == path and text else text

    monkeypatch.setattr(KernelTree, "read", read)
    with pytest.raises(library.SyscraftError) as caught:
        library.load(EXAMPLES[0]).patch("deb:6.12")
    assert path in str(caught.value)
    assert expected in str(caught.value)


def test_anchor_that_is_doubled(monkeypatch: pytest.MonkeyPatch) -> None:
    original = KernelTree.read
    path, line = "include/linux/syscalls.h", " * Architecture-specific system calls\n"

    def read(self: KernelTree, name: str) -> str | None:
        text = original(self, name)
        return text.replace(line, line + line) if name == path and text else text

    monkeypatch.setattr(KernelTree, "read", read)
    with pytest.raises(library.SyscraftError, match="not unique"):
        library.load(EXAMPLES[0]).patch("deb:6.12")


def test_manual_page_has_no_markup_by_accident(make_call: object) -> None:
    assert callable(make_call)
    need_tool("man")
    folder = make_call("ctpage", toml="description = '''\n.SH of evil\n'a quote \\ - end\n'''")
    page = man_page(library.load(folder).call)
    shown = subprocess.run(
        ["man", "-l", "-"], input=page, capture_output=True, text=True, check=True,
        env={**os.environ, "MANWIDTH": "80", "LC_ALL": "C"},
    ).stdout  # fmt: skip
    assert ".SH of evil" in shown
    assert "a quote \\ - end" in shown
