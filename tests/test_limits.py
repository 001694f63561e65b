"""What would keep us waiting, or grow without end, is refused in a sentence, and soon."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conftest import REPOSITORY, Syscraft, write_call

import syscraft as library
from syscraft.errors import DeclarationError
from syscraft.files import read_limited, write_if_changed

SPLORK = REPOSITORY / "examples" / "splork"
SOON_S = 60  # on a busy machine; what hangs, hangs for ever


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("pipe", "not a regular file"),
        ("device", "not a regular file"),
        ("sparse", "larger than 256 KiB"),
    ],
)
def test_declaration(kind: str, message: str, tmp_path: Path, syscraft: Syscraft) -> None:
    path = tmp_path / "sample.toml"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.touch()
        os.truncate(path, 20 << 30)
    done = syscraft("check", path, timeout=SOON_S)
    assert done.returncode == 1
    assert message in done.stderr


@pytest.mark.parametrize("of", ["body", "test"])
def test_what_is_beside_it(of: str, tmp_path: Path) -> None:
    folder = write_call(tmp_path / "sample", "sample")
    path = folder / {"body": "sample.c", "test": "test_sample.c"}[of]
    path.touch()
    os.truncate(path, 20 << 30)
    with pytest.raises(DeclarationError, match="larger than 512 KiB"):
        library.load(folder)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a." * 50_000 + "b = 1", "this is nested too deeply"),
        ("a = " + "[" * 100 + "]" * 100, "this is nested too deeply"),
        ("number = " + "9" * 5000, "this integer is too large"),
        ("number = 0x" + "f" * 5000, "this integer is too large"),
        ("number = -18446744073709551616", "this integer is too large"),
    ],
    ids=["dotted key", "array", "digits", "hexadecimal digits", "65 bits"],
)
def test_value(line: str, message: str, tmp_path: Path) -> None:
    folder = write_call(tmp_path / "sample", "sample", toml=line)
    with pytest.raises(DeclarationError) as caught:
        library.load(folder)
    (finding,) = caught.value.findings
    assert finding.message == message
    assert finding.where is not None
    assert finding.where.line == 6


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("1" + " " * 4096, "this C expression is too long"),
        ("(" * 100 + "1" + ")" * 100, "this expression is nested too deeply"),
        ("1" + " | 1" * 100, "this expression is too long"),
    ],
    ids=["text", "depth", "row"],
)
def test_expression(expression: str, message: str, tmp_path: Path) -> None:
    """What a parser or a compiler would need much time and memory for."""
    flag = f'[[flags]]\nname = "SAMPLE_FLAG"\nvalue = "{expression}"\n'
    folder = write_call(tmp_path / "sample", "sample", toml=flag)
    with pytest.raises(DeclarationError) as caught:
        library.load(folder)
    (finding,) = caught.value.findings
    assert finding.message == message
    assert finding.where is not None
    assert finding.where.line == 8


def test_file_that_grows(tmp_path: Path) -> None:
    """A file of /proc has no size, whatever is in it."""
    with pytest.raises(OSError, match="larger than 0 KiB"):
        read_limited("/proc/self/maps", 100)
    assert read_limited("/proc/self/comm", 100)


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_output(kind: str, tmp_path: Path, syscraft: Syscraft) -> None:
    path = tmp_path / "out" / "splork.h"
    path.parent.mkdir()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    before = path.lstat()
    done = syscraft("generate", SPLORK, "-o", path.parent, timeout=SOON_S)
    assert done.returncode == 2
    assert f"{path}: error: not a regular file" in done.stderr
    done = syscraft("generate", SPLORK, "-o", path.parent, "--force", timeout=SOON_S)
    assert done.returncode == 2
    assert f"{path}: error: " in done.stderr
    assert path.lstat().st_ino == before.st_ino


def test_output_folder_that_is_a_pipe(tmp_path: Path, syscraft: Syscraft) -> None:
    os.mkfifo(tmp_path / "out")
    done = syscraft("generate", SPLORK, "-o", tmp_path / "out", timeout=SOON_S)
    assert done.returncode == 2
    assert f"{tmp_path / 'out'}: error: the output is not a folder" in done.stderr


def test_a_report_is_refused_before_the_work(tmp_path: Path, syscraft: Syscraft) -> None:
    os.mkfifo(tmp_path / "report")
    done = syscraft("test", SPLORK, "--junit", tmp_path / "report", timeout=SOON_S)
    assert done.returncode == 2
    assert "not a regular file" in done.stderr


def test_a_large_file_is_not_read_to_be_compared(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.touch()
    os.truncate(path, 20 << 30)
    assert write_if_changed(path, b"small")
    assert path.read_bytes() == b"small"


@pytest.mark.parametrize("seconds", ["inf", "nan", "1e300", "0", "-1", "1e400"])
@pytest.mark.parametrize("verb", ["test", "run"])
def test_deadline(verb: str, seconds: str, syscraft: Syscraft) -> None:
    words = ["--", "true"] if verb == "run" else []
    done = syscraft(verb, SPLORK, "--timeout", seconds, *words, timeout=SOON_S)
    assert done.returncode == 2
    assert "--timeout" in done.stderr
