"""Declarations that are wrong: each says so on the line that is.

A file in ``bad/`` carries the messages it expects on the lines where they belong, as
``# error: text`` or ``/* error: text */``. There must be those and no others.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from conftest import REPOSITORY, Syscraft
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import syscraft
from syscraft.declaration.schema import KEYS
from syscraft.errors import DeclarationError, Finding, SyscraftError

BAD = sorted((Path(__file__).parent / "bad").glob("*.toml"))

_EXPECTED = re.compile(r"error: (.+?)(?= +# error:| \*/|$)")


def expected(path: Path) -> list[tuple[int, str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [(n, text) for n, line in enumerate(lines, 1) for text in _EXPECTED.findall(line)]


def findings(path: Path) -> tuple[Finding, ...]:
    with pytest.raises(DeclarationError) as caught:
        syscraft.load(path)
    return caught.value.findings


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_finding_on_its_line(path: Path) -> None:
    wanted = expected(path)
    assert wanted, "the file expects nothing"
    found = findings(path)
    for finding in found:
        assert finding.where is not None
        assert finding.where.path == str(path)
    told = [(f.where.line, f.message) for f in found if f.where]
    unexplained = [
        (line, message)
        for line, message in told
        if not any(line == n and message.startswith(text) for n, text in wanted)
    ]
    untold = [
        (n, text)
        for n, text in wanted
        if not any(line == n and message.startswith(text) for line, message in told)
    ]
    assert (unexplained, untold) == ([], [])


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_what_was_expected_or_what_to_do(path: Path) -> None:
    """No message leaves its reader alone with the fault."""
    for finding in findings(path):
        assert finding.expected or finding.found or finding.hint or len(finding.message) > 20


def test_command_line_says_it_and_ends_with_1(syscraft: Syscraft) -> None:
    path = next(p for p in BAD if p.stem == "unknown_key")
    done = syscraft("check", path)
    assert done.returncode == 1
    assert f"{path}:6:1: error: unknown key 'nmae'" in done.stderr
    assert "did you mean 'name'?" in done.stderr


GOOD = {
    "sample.toml": (
        'name = "sample"\nsummary = "serve a test"\nauthor = "A U Thor <author@example.org>"\n'
        'kernel = "int value"\nuser = "int sample(int value)"\n'
    ),
    "sample.c": "static long do_sample(int value)\n{\n\treturn 0;\n}\n",
}


def write(folder: Path, **changes: bytes) -> Path:
    for name, text in GOOD.items():
        (folder / name).write_bytes(changes.get(name.partition(".")[2], text.encode()))
    return folder


def test_the_good_one_is_good(tmp_path: Path) -> None:
    assert syscraft.load(write(tmp_path)).call.name == "sample"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"\xff\xfe", "the body is not UTF-8 text"),
        (b"", "the body does not define do_sample()"),
        (b"static long do_smaple(int value)\n{\n}\n", "the body does not define do_sample()"),
        (b"static long do_sample(long value)\n{\n}\n", "does not have the declared parameters"),
        (b"static long do_sample(int a, int b)\n{\n}\n", "does not have the declared parameters"),
        (b"static int do_sample(int value)\n{\n}\n", "does not have the declared parameters"),
        (b"\nSYSCALL_DEFINE1(sample, int, value)\n{\n}\n", "SYSCALL_DEFINE of its own"),
        (
            b"static long do_sample(int value)\n{\n}\nCOMPAT_SYSCALL_DEFINE1(sample, int, value)\n"
            b"{\n}\n",
            "SYSCALL_DEFINE of its own",
        ),
    ],
)
def test_body(body: bytes, message: str, tmp_path: Path) -> None:
    (finding,) = findings(write(tmp_path, c=body))
    assert message in finding.message
    assert finding.where is not None
    assert finding.where.path == str(tmp_path / "sample.c")


def test_pasted_macro_has_its_line_and_the_way_out(tmp_path: Path) -> None:
    body = b"/*\nSYSCALL_DEFINE1(other, int, x)\n*/\nSYSCALL_DEFINE1(sample, int, value)\n{\n}\n"
    (finding,) = findings(write(tmp_path, c=body))
    assert finding.where is not None
    assert finding.where.line == 4
    assert "syscraft import" in (finding.hint or "")
    write(tmp_path, c=b"/*\nSYSCALL_DEFINE1(old, int, x)\n*/\n" + GOOD["sample.c"].encode())
    syscraft.load(tmp_path)


def test_body_that_links_to_the_outside(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    write(folder)
    (folder / "sample.c").rename(tmp_path / "elsewhere.c")
    (folder / "sample.c").symlink_to(tmp_path / "elsewhere.c")
    (finding,) = findings(folder)
    assert "outside" in finding.message


@pytest.mark.parametrize("kind", ["folder", "fifo", "loop", "null byte"])
def test_body_that_is_no_file(kind: str, tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "sample.c").unlink()
    if kind == "folder":
        (tmp_path / "sample.c").mkdir()
    elif kind == "fifo":
        os.mkfifo(tmp_path / "sample.c")
    elif kind == "loop":
        (tmp_path / "sample.c").symlink_to("sample.c")
    else:
        text = GOOD["sample.toml"] + 'body = "a\\u0000b"\n'
        (tmp_path / "sample.toml").write_text(text)
    (finding,) = findings(tmp_path)
    expected = "control character" if kind == "null byte" else "cannot be read"
    assert expected in finding.message


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (b'name = "\xff"\n', 1, "not UTF-8"),
        (b'name = "sample"\n\nsummary = \n', 3, "invalid TOML"),
        (b"\x00", 1, "invalid TOML"),
        (b"a = " + b"[" * 100_000, 1, ""),
    ],
)
def test_file_that_is_no_toml(data: bytes, line: int, message: str, tmp_path: Path) -> None:
    found = findings(write(tmp_path, toml=data))
    assert message in found[0].message
    assert found[0].where is not None
    assert found[0].where.path == str(tmp_path / "sample.toml")
    assert (found[0].where.line or 1) == line


def test_line_ends_of_other_systems(tmp_path: Path) -> None:
    text = GOOD["sample.toml"].replace('"int value"', '"itn value"').replace("\n", "\r\n")
    (finding,) = findings(write(tmp_path, toml=text.encode()))
    assert finding.where is not None
    assert (finding.where.line, finding.where.column) == (4, 15)


# -- any text in, never a traceback out ----------------------------------------------------

_C_WORDS = st.sampled_from(
    ["int", "unsigned", "long", "void", "*", "__user", ",", "(", ")", "[", "]", "{", "}", ";",
     "struct", "x", "sample", "value", "const", "=", "1", "...", "/*", "*/", "//", '\\"', "\\n",
     "\\u0000", "\\\\", "#", "ü", "enum", "u64", "__aligned_u64"]
)  # fmt: skip
_C_TEXT = st.lists(_C_WORDS, max_size=12).map(" ".join).map(lambda text: f'"{text}"')
_VALUE = st.one_of(
    _C_TEXT,
    st.integers(-(2**70), 2**70).map(str),
    st.sampled_from(
        ["true", "[]", "{}", '""', "1979-05-27", "nan", "[[]]", '["int x"]', '[["x"]]']
    ),
)
_PAIRS = st.lists(
    st.tuples(st.sampled_from([key.name for key in KEYS]), _VALUE), max_size=6,
    unique_by=lambda pair: pair[0],
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.one_of(st.text().map(str.encode), st.binary()))
def test_any_bytes(tmp_path: Path, data: bytes) -> None:
    path = write(tmp_path, toml=data)
    with pytest.raises(SyscraftError):
        syscraft.load(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(_PAIRS)
def test_any_values(tmp_path: Path, pairs: list[tuple[str, str]]) -> None:
    keys = dict(line.split(" = ", 1) for line in GOOD["sample.toml"].splitlines())
    text = "".join(f"{key} = {value}\n" for key, value in {**keys, **dict(pairs)}.items())
    try:
        syscraft.load(write(tmp_path, toml=text.encode("utf-8", "surrogatepass"))).generate()
    except SyscraftError as error:
        assert error.findings


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_any_body(tmp_path: Path, text: str) -> None:
    try:
        syscraft.load(write(tmp_path, c=text.encode()))
    except DeclarationError as error:
        assert error.findings


_EXAMPLES = sorted(REPOSITORY.glob("examples/*/*.toml"))
_MUTATION = st.tuples(
    st.integers(0, 10_000), st.integers(0, 12), st.one_of(_C_WORDS, st.text(max_size=3))
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.sampled_from(_EXAMPLES), st.lists(_MUTATION, min_size=1, max_size=3))
def test_any_slip_of_the_pen(
    tmp_path: Path, example: Path, mutations: list[tuple[int, int, str]]
) -> None:
    folder = tmp_path / example.stem
    if not folder.exists():
        shutil.copytree(example.parent, folder)
    text = example.read_text(encoding="utf-8")
    for place, length, new in mutations:
        place %= len(text)
        text = text[:place] + new + text[place + length :]
    (folder / example.name).write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        syscraft.load(folder / example.name).generate()
    except SyscraftError as error:
        assert error.findings
