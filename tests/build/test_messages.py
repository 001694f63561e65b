"""A failed build is told against the author's own file, or as the machine's fault."""

from __future__ import annotations

from pathlib import Path

from syscraft.build.messages import failure
from syscraft.errors import BuildError, EnvironmentLacks, Where
from syscraft.proc import Result
from syscraft.tree.adding import BodyLineMap

SOURCE = Path("/cache/work/x/src")
BODY = BodyLineMap("kernel/sample.c", "my/sample.c", 10)


def failed(output: str) -> BuildError | EnvironmentLacks:
    error = failure(Result(("make", "linux"), "/cache/work/x", 2, output), SOURCE, (BODY,))
    assert isinstance(error, (BuildError, EnvironmentLacks))
    return error


def test_message_about_the_body() -> None:
    error = failed(
        "  CC      kernel/sample.o\n"
        "../src/kernel/sample.c: In function 'do_sample':\n"
        "../src/kernel/sample.c:14:9: error: 'vlaue' undeclared (first use in this function)\n"
        "   14 |  return vlaue;\n      |         ^~~~~\n"
        "make[3]: *** [scripts/Makefile.build:229: kernel/sample.o] Error 1\n"
    )
    (finding,) = error.findings
    assert finding.where == Where("my/sample.c", 4, 9)
    assert finding.message.startswith("'vlaue' undeclared")
    assert finding.found is not None and "return vlaue;" in finding.found
    assert finding.hint is not None and "make linux" in finding.hint


def test_message_about_another_file() -> None:
    error = failed("/cache/work/x/src/kernel/fork.c:7:1: fatal error: fork.h: No such file\n")
    assert error.findings[0].where == Where("kernel/fork.c", 7, 1)


def test_message_about_generated_lines_stays_there() -> None:
    """Lines that syscraft wrote above the body are not the author's."""
    error = failed("../src/kernel/sample.c:5:1: error: expected ';'\n")
    assert error.findings[0].where == Where("kernel/sample.c", 5, 1)


def test_linker_says_something_else() -> None:
    error = failed("ld: kernel/sample.o: undefined reference to `frobnicate'\nmake: *** Error 1\n")
    assert "frobnicate" in (error.findings[0].found or "")


def test_full_disk_is_the_machines_fault() -> None:
    error = failed("cc1: error: error writing to /tmp/x.s: No space left on device\n")
    assert isinstance(error, EnvironmentLacks)
    assert error.exit_status == 3
    assert "SYSCRAFT_CACHE" in (error.findings[0].hint or "")
