"""Several calls in one tree: what they may not share, and the patch that they do."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import REPOSITORY, Syscraft

import syscraft as library
from syscraft.errors import DeclarationError
from syscraft.tree.applied import Done
from syscraft.tree.source import open_tree
from syscraft.tree.together import wired_together
from syscraft.tree.wire import wired

MakeCall = Callable[..., Path]
CLONE_NICE = REPOSITORY / "examples" / "clone_nice"
SPLORK = REPOSITORY / "examples" / "splork"


@pytest.mark.parametrize(
    ("names", "tomls", "message", "line"),
    [
        (("ctone", "ctone"), ("", ""), "duplicate name ctone in two declarations", 1),
        (("ctone", "cttwo"), ("number = 950", "number = 950"), "duplicate number 950", 6),
        (
            ("ctone", "cttwo"),
            ('[kconfig]\nsymbol = "CT"', '[kconfig]\nsymbol = "CT"'),
            "duplicate option CONFIG_CT",
            7,
        ),
        (
            ("ctone", "cttwo"),
            ('[kconfig]\nsymbol = "CTTWO_SYSCALL"', ""),
            "duplicate option CONFIG_CTTWO_SYSCALL",
            1,
        ),
    ],
)
def test_what_two_calls_may_not_share(
    names: tuple[str, str],
    tomls: tuple[str, str],
    message: str,
    line: int,
    make_call: MakeCall,
    tmp_path: Path,
) -> None:
    folders = [
        make_call(name, toml=toml, folder=tmp_path / str(index) / name)
        for index, (name, toml) in enumerate(zip(names, tomls, strict=True))
    ]
    calls = [library.load(folder).unit for folder in folders]
    with pytest.raises(DeclarationError) as caught:
        wired_together(calls, open_tree("deb:6.12"))
    (finding,) = caught.value.findings
    assert message in finding.message
    assert str(finding.where).startswith(f"{folders[1]}/{names[1]}.toml:{line}:")
    assert f"{folders[0]}/{names[0]}.toml:" in (finding.found or "")


@pytest.fixture
def variants(tmp_path: Path) -> tuple[Path, Path]:
    """Two variants of clone with one patch."""
    other = tmp_path / "variant" / "clone_mild"
    shutil.copytree(CLONE_NICE, other)
    for path in list(other.iterdir()):
        if path.suffix in (".c", ".py", ".toml") and path.is_file():
            path.write_text(path.read_text().replace("clone_nice", "clone_mild"))
            path.rename(path.with_name(path.name.replace("clone_nice", "clone_mild")))
    return CLONE_NICE, other


@pytest.fixture
def linux(variants: tuple[Path, Path], tmp_path: Path) -> Path:
    """A tree with the files of 6.12 that the calls here touch."""
    root = tmp_path / "linux"
    tree = open_tree("deb:6.12")
    for path in ("Makefile", "Kconfig", *library.load(CLONE_NICE).patch().files):
        if (data := tree.read_bytes(path)) is not None:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)
    return root


def content(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_patch_of_two_declarations_applies_once(variants: tuple[Path, Path]) -> None:
    calls = [library.load(folder).unit for folder in variants]
    assert calls[0].shared.patches[0].text == calls[1].shared.patches[0].text
    first, second = wired_together(calls, open_tree("deb:6.12"))
    assert "kernel/fork.c" in first.files
    assert "kernel/fork.c" not in second.files
    assert [len(first.series), len(second.series)] == [5, 4]
    assert second.series[0][1].count("[PATCH 1/4]") == 1
    assert "(4):" in second.extras[0][1]


@pytest.mark.parametrize("leaves_first", [0, 1])
def test_shared_patch_stays_while_somebody_needs_it(
    leaves_first: int, variants: tuple[Path, Path], linux: Path
) -> None:
    before = content(linux)
    loaded = [library.load(folder) for folder in variants]
    loaded[0].apply(str(linux))
    fork = (linux / "kernel/fork.c").read_bytes()
    assert fork != before["kernel/fork.c"]
    loaded[1].apply(str(linux))
    for call in loaded:
        assert call.apply(str(linux)) == (Done.ALREADY, ())
        assert wired(call.unit, open_tree(str(linux))).files == {}
    loaded[leaves_first].revert(str(linux))
    assert (linux / "kernel/fork.c").read_bytes() == fork
    stays = loaded[1 - leaves_first]
    assert stays.apply(str(linux)) == (Done.ALREADY, ())
    assert wired(stays.unit, open_tree(str(linux))).files == {}
    stays.revert(str(linux))
    assert content(linux) == before


def test_with_calls_that_the_tree_has(variants: tuple[Path, Path], linux: Path) -> None:
    """They come first, whatever the order, and all options are on."""
    calls = [library.load(folder).unit for folder in variants]
    library.load(variants[1]).apply(str(linux))
    first, second = wired_together(calls, open_tree(str(linux)))
    assert (first.number, second.number) == (901, 900)
    assert second.files == {}
    assert "kernel/fork.c" not in first.files
    options = {"CONFIG_CLONE_NICE_SYSCALL=y", "CONFIG_CLONE_MILD_SYSCALL=y"}
    assert set(first.config) | set(second.config) == options
    assert first.new_config == ("CONFIG_CLONE_NICE_SYSCALL=y",)
    assert second.new_config == ()


def test_options_of_all_are_in_the_last(linux: Path, variants: tuple[Path, Path]) -> None:
    calls = [library.load(folder).unit for folder in variants]
    changes = wired_together(calls, open_tree(str(linux)))
    assert [change.new_config for change in changes] == [
        ("CONFIG_CLONE_NICE_SYSCALL=y",),
        ("CONFIG_CLONE_MILD_SYSCALL=y", "CONFIG_CLONE_NICE_SYSCALL=y"),
    ]
    assert all(change.standing_config == () for change in changes)


@pytest.mark.parametrize("leaves_first", [0, 1])
def test_shared_lines_stay_while_somebody_needs_them(
    leaves_first: int, linux: Path, make_call: MakeCall
) -> None:
    """A struct is declared once, for all calls with a pointer to it."""
    before = content(linux)
    time = "struct __kernel_timespec __user *b"
    loaded = []
    both = f"struct __kernel_itimerspec __user *a, {time}"
    for name, kernel in (("ctone", both), ("cttwo", time)):
        folder = make_call(name)
        body = folder / f"{name}.c"
        body.write_text(body.read_text().replace("int value", kernel))
        args = '["0", "0"]' if "," in kernel else '["0"]'
        user = kernel.replace("__user ", "")
        toml = folder / f"{name}.toml"
        text = toml.read_text().replace('kernel = "int value"', f'kernel = "{kernel}"')
        text = text.replace("int value", user)
        text = text.replace('args = ["1"]', f"args = {args}")
        toml.write_text(text)
        loaded.append(library.load(folder))
    for call in loaded:
        call.apply(str(linux))
    header = linux / "include/linux/syscalls.h"
    line = "struct __kernel_timespec;\n"
    assert header.read_text().count(line) == 1
    loaded[leaves_first].revert(str(linux))
    assert header.read_text().count(line) == 1
    stays = loaded[1 - leaves_first]
    assert stays.apply(str(linux)) == (Done.ALREADY, ())
    stays.revert(str(linux))
    assert content(linux) == before


def test_several_declarations_are_one_series(syscraft: Syscraft, tmp_path: Path) -> None:
    """The mails of all are numbered through, and git am takes them in the order of their names."""
    folders = [SPLORK, CLONE_NICE]
    done = syscraft("patch", *folders, "-o", tmp_path)
    assert done.returncode == 0, done.stderr
    mails = sorted(tmp_path.glob("*.patch"))
    assert [mail.name[:4] for mail in mails] == [f"{n:04d}" for n in range(1, len(mails) + 1)]
    for number, mail in enumerate(mails, 1):
        assert f"Subject: [PATCH {number}/{len(mails)}] " in mail.read_text()
    letters = sorted(path.name for path in tmp_path.glob("0000-*"))
    assert letters == ["0000-cover-letter-clone_nice.txt", "0000-cover-letter-splork.txt"]
    alone = [name for name, _ in library.load(SPLORK).patch().series]
    assert [mail.name for mail in mails][: len(alone)] == alone
