"""What tests keep: never a failure, and nothing whose input has changed."""

from __future__ import annotations

from pathlib import Path

import kept as module
import pytest
from conftest import need_tool
from kept import compiled, kept


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache and packages of the test's own."""
    monkeypatch.setenv("SYSCRAFT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CCACHE_DIR", str(tmp_path / "ccache"))
    monkeypatch.setattr(module, "PACKAGES", tmp_path / "packages")
    module.PACKAGES.write_text("perl 5.36\n")


def test_equal_input_is_asked_for_once() -> None:
    answers = iter(["one\udcff\n", "two", "three"])
    assert [kept("a", b"b", make=lambda: next(answers)) for _ in range(2)] == ["one\udcff\n"] * 2
    assert kept("ab", make=lambda: next(answers)) == "two"
    module.PACKAGES.write_text("perl 5.38\n")
    assert kept("a", b"b", make=lambda: next(answers)) == "three"


def test_without_a_list_of_packages_nothing_is_kept() -> None:
    module.PACKAGES.unlink()
    answers = iter(["one", "two"])
    assert [kept("a", make=lambda: next(answers)) for _ in range(2)] == ["one", "two"]


def test_a_failure_is_not_kept() -> None:
    def fail() -> str:
        raise AssertionError("wrong")

    for _ in range(2):
        with pytest.raises(AssertionError, match="wrong"):
            kept("a", make=fail)
    assert kept("a", make=lambda: "right") == "right"


def test_a_compiler_sees_what_has_changed(tmp_path: Path) -> None:
    """In the source, a header of it, and the options; and it says the same each time."""
    need_tool("gcc")
    (tmp_path / "headers").mkdir()
    header, source = tmp_path / "headers" / "used.h", tmp_path / "use.c"

    def said(*options: str) -> str:
        argv = ["gcc", *options, "-Wall", "-Werror", "-I", header.parent, source]
        done = compiled(argv, tmp_path, tmp_path / "use.o")
        assert (done.returncode == 0) == (done.stderr == "")
        return done.stderr

    header.write_text("static int used = 1;\n")
    source.write_text('#include "used.h"\nint use(void)\n{\n\treturn used;\n}\n')
    assert [said("-O2"), said("-O2"), said("-O0")] == ["", "", ""]
    assert "unknown type" in said("-std=c90", "-Dint=itn")
    header.write_text("static int used = 1\n")
    first = said("-O2")
    assert first == said("-O2") != ""
    header.write_text("static int used = 1;\n")
    source.write_text('#include "used.h"\nint use(void)\n{\n}\n')
    assert "end of non-void function" in said("-O2")
