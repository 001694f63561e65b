"""Generated C under two compilers, several levels of optimization and two languages."""

from __future__ import annotations

import errno
import itertools
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from conftest import REPOSITORY, need_tool
from header_functions import wrapper_functions
from kept import kept

import syscraft
from syscraft.model.call import Call

EXAMPLES = sorted(path.parent for path in REPOSITORY.glob("examples/*/*.toml"))
COMPILERS = ("gcc", "clang")
LEVELS = ("-O0", "-O2", "-Os")
STRICT = ("-Wall", "-Wextra", "-Werror", "-pedantic")


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder per example with its generated files."""
    root = tmp_path_factory.mktemp("generated")
    for example in EXAMPLES:
        syscraft.load(example).write(root / example.name)
    return root


def run(*argv: str | Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)
    assert "sanitizer" not in done.stderr.lower(), done.stderr
    return done


def build(*argv: str | Path) -> None:
    need_tool(str(argv[0]))
    done = run(*argv)
    assert done.returncode == 0, done.stdout + done.stderr


def build_once(
    compiler: str, options: Sequence[str], source: Path, folders: Sequence[Path], output: Path
) -> None:
    """Compile and link a program that nobody runs, unless it was built from equal files."""
    need_tool(compiler)
    includes = [word for folder in folders for word in ("-I", folder)]
    headers = [path for folder in folders for path in sorted(folder.glob("*.h"))]
    texts = [part for p in headers for part in (f"{p.parent.name}/{p.name}", p.read_bytes())]
    texts += [source.name, source.read_bytes()]

    def make() -> str:
        build(compiler, *options, *includes, source, "-o", output)
        return ""

    recipe = Path(__file__).read_bytes()
    kept(recipe, compiler, *options, *texts, make=make)


def users(name: str) -> str:
    """A program that takes the address of everything the headers define."""
    return program(*syscraft.load(REPOSITORY / "examples" / name).calls)


def program(*calls: Call) -> str:
    """A program that includes the headers of *calls* and takes the address of every function."""
    functions = [f"{call.name}_raw" for call in calls]
    for call in calls:
        functions += wrapper_functions(call)
    includes = "".join(
        f'#include "{call.name}.h"\n#include "{call.name}_raw.h"\n' for call in calls
    )
    uses = "\n".join(f"\tsum += (unsigned long)&{function};" for function in functions)
    return (
        f'{includes}#include "ktap.h"\n\n'
        f"int main(void)\n{{\n\tunsigned long sum = 0;\n\n{uses}\n\treturn sum == 0;\n}}\n"
    )


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
@pytest.mark.parametrize(
    ("compiler", "language"),
    [("gcc", "c11"), ("gcc", "gnu17"), ("clang", "c11"), ("clang", "gnu17"), ("g++", "c++17"),
     ("g++", "gnu++20"), ("clang++", "c++17")],
)  # fmt: skip
def test_headers_compile(
    compiler: str, language: str, example: Path, generated: Path, tmp_path: Path
) -> None:
    source = tmp_path / ("use.cc" if "++" in compiler else "use.c")
    source.write_text(users(example.name))
    headers = generated / example.name
    for level, order in itertools.product(LEVELS, ((), ("-U__LP64__",), ("-fPIE", "-pie"))):
        options = (f"-std={language}", level, *order, *STRICT)
        build_once(compiler, options, source, [headers], tmp_path / "use")


@pytest.mark.parametrize("compiler", ["gcc", "clang", "g++", "clang++"])
def test_headers_of_independent_declarations_in_one_file(
    compiler: str, generated: Path, tmp_path: Path
) -> None:
    """Every example's: what is the same for all is defined once, and no name is declared twice."""
    calls = [call for example in EXAMPLES for call in syscraft.load(example).calls]
    source = tmp_path / ("use.cc" if "++" in compiler else "use.c")
    source.write_text(program(*calls) + program(*reversed(calls)).partition("int main")[0])
    folders = [generated / example.name for example in EXAMPLES]
    build_once(compiler, ("-O2", *STRICT), source, folders, tmp_path / "use")


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("level", LEVELS)
def test_bare_syscalls_without_libc(
    compiler: str, level: str, generated: Path, tmp_path: Path
) -> None:
    program = tmp_path / "bare"
    build(
        compiler, level, "-std=c11", *STRICT, "-nostdlib", "-static", "-ffreestanding",
        "-fno-stack-protector", "-fno-builtin", "-I", generated / "splork",
        REPOSITORY / "tests/emit/bare_syscalls.c", "-o", program,
    )  # fmt: skip
    done = run(program)
    assert done.stdout.splitlines() == [f"ok {n}" for n in (0, 1, 2, 3, 4, 6, 5)]
    assert done.returncode == 0


FALLBACK = """
#include <stdio.h>
#include "splork.h"
#include "splork_raw.h"
int main(void)
{
	int ret = splork(NULL, 1), error = errno;

	printf("%d %d %ld\\n", ret, error, splork_raw(1, NULL));
	return 0;
}
"""


@pytest.mark.parametrize("level", ["-O1", "-O2", "-O3"])
@pytest.mark.parametrize("compiler", [("gcc",), ("clang",), ("g++", "-xc++")], ids=" ".join)
def test_a_child_in_our_memory_changes_our_variables(
    compiler: tuple[str, ...], level: str, generated: Path, tmp_path: Path
) -> None:
    source = Path(__file__).parent / "shared_memory.c"
    include = generated / "clone_nice"
    build(*compiler, level, *STRICT[:3], "-I", include, source, "-o", tmp_path / "program")
    assert run(tmp_path / "program").returncode == 0


@pytest.mark.parametrize("missing_on", ["this kernel", "this ABI"])
def test_fallback_errno(missing_on: str, generated: Path, tmp_path: Path) -> None:
    """Where the call does not exist, programs hear of the declared errno."""
    (tmp_path / "use.c").write_text(FALLBACK)
    without = ["-U__LP64__"] if missing_on == "this ABI" else []
    build("gcc", *without, *STRICT, "-I", generated / "splork", tmp_path / "use.c",
          "-o", tmp_path / "use")  # fmt: skip
    assert run(tmp_path / "use").stdout == f"-1 {errno.ENOTSUP} {-errno.ENOSYS}\n"


@pytest.mark.parametrize("name", ["splork", "clone_nice"])
def test_python_fallback_errno(name: str, generated: Path) -> None:
    call = {"splork": "splork(bytearray(21), 1)", "clone_nice": "clone_nice(0)"}[name]
    expected = {"splork": "ENOTSUP", "clone_nice": "ENOSYS"}[name]
    script = (
        f"import errno\nfrom {name} import {name}\n"
        f"try:\n    {call}\nexcept OSError as error:\n    print(errno.errorcode[error.errno])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=generated / name, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert errno.__dict__[done.stdout.strip()] == errno.__dict__[expected]


def test_python_refuses_values_that_do_not_fit(generated: Path) -> None:
    script = (
        "from splork8 import splork8\n"
        "for a in (-1, 2**32):\n"
        "    try:\n        splork8(None, a, 0, 0, 0, 0, 0, 0)\n"
        "    except OverflowError as error:\n        print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=generated / "splork8", capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stdout == (
        "a is -1, not within 0 to 4294967295\na is 4294967296, not within 0 to 4294967295\n"
    )


def test_python_modules_are_typed(generated: Path) -> None:
    modules = sorted(generated.glob("*/*.py"))
    assert {path.parent.name for path in modules} == {example.name for example in EXAMPLES}
    done = run(sys.executable, "-m", "mypy", "--strict", "--python-version=3.11", *modules)
    assert done.returncode == 0, done.stdout


NAMES = """
name = "{name}"
summary = "serve a test"
author = "A U Thor <author@example.org>"
kernel = "int args, long values, void __user *keep, int class_, u64 number"
user = "int {name}(void *keep, long values, int args, int class_, __u64 number)"
pack = {pack}
"""


@pytest.mark.parametrize("pack", ["true", "false"])
def test_names_that_the_templates_use_themselves(pack: str, tmp_path: Path) -> None:
    """An author may call a parameter what a generated function calls its own variable."""
    (tmp_path / "sample.toml").write_text(NAMES.format(name="sample", pack=pack))
    (tmp_path / "sample.c").write_text(
        "static long do_sample(int args, long values, void __user *keep, int class_, u64 number)\n"
        "{\n\treturn 0;\n}\n"
    )
    syscraft.load(tmp_path).write(tmp_path / "out")
    for header in ("sample.h", "sample_raw.h"):
        build("gcc", "-fsyntax-only", "-x", "c", *STRICT, "-Wshadow", tmp_path / "out" / header)
    script = (
        "import errno\nfrom sample import sample\n"
        "try:\n    sample(None, 1, 2, 3, 4)\n"
        "except OSError as error:\n    print(errno.errorcode[error.errno])\n"
    )
    done = run(sys.executable, "-c", f"import sys; sys.path.insert(0, '{tmp_path}/out')\n{script}")
    assert done.stdout == "ENOSYS\n", done.stderr
