"""The structure: who may import whom, who may write, who may start processes."""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from pathlib import Path

import pytest
from conftest import REPOSITORY, check_golden
from pages import between

from syscraft.abi.discover import all_abis

SOURCE = Path(__file__).parent.parent / "src" / "syscraft"
MODULES = sorted(SOURCE.rglob("*.py"))
# Generated, and held to what generates them by tests/runtime/test_core_build.py.
GENERATED = SOURCE / "runtime" / "core" / "generated"
SOURCES = sorted(
    p
    for p in SOURCE.rglob("*")
    if p.suffix in (".py", ".c", ".h", ".j2", ".in") and GENERATED not in p.parents
)

# Data flows from left to right; a room imports only from rooms before it, and itself.
ROOMS = (
    "errors", "defaults", "runtime", "files", "proc", "hints", "lines", "output", "abi",
    "declaration", "calls", "model", "emit", "tree", "scan", "rules", "build", "guest", "lab",
    "proof", "scaffold", "doctor", "existing", "api", "cli",
)  # fmt: skip

LINES_AT_MOST = 450

# Each with its reason.
MAY_WRITE = {
    "files.py": "it is the module that writes",
    "proc.py": "the log of a long tool, line by line as it comes",
    "build/objects.py": "gives sources their times, and removes what a killed build left",
    "guest/initramfs.py": "fills a draft folder that files.py made",
    "build/pinning.py": "gives generated headers their times back",
    "lab/programs.py": "makes a folder for compilers to write into",
    "lab/command.py": "reads whether a file is a program",
    "doctor.py": "removes its probe file",
    "runtime/call_table.py": "reads the header of the running program",
    "runtime/attributes.py": "reads which capabilities the kernel has, and opens namespaces",
    "tree/git_index.py": "makes the folders of a repository of its own",
    "tree/placing.py": "puts files and links into a tree, with its drafts where a kill leaves them",
    "build/working_copy.py": "copies and links whole files into the kernel's working folder",
}
MAY_START = {
    "proc.py": "it is the module that starts processes",
    "guest/session.py": "a guest lives on while we talk to it over its line",
}
# Elsewhere lines end where compilers and git say: syscraft.lines knows.
MAY_SPLIT = {
    "errors.py": "for a person's screen",
    "doctor.py": "the first line of an error",
    "model/words.py": "a heading must not have a line end of any kind",
    "rules/reference.py": "the first line of our own docstring",
    "build/kernel.py": "the first line of a compiler's name",
}
WRITERS = {
    "write_text", "write_bytes", "unlink", "rename", "replace", "mkdir", "rmdir", "copy2",
    "copytree", "rmtree", "symlink_to", "touch", "makedirs", "utime", "chmod",
}  # fmt: skip


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """The rooms that *path* imports from, wherever the import stands."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the room"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        found |= {n.split(".")[1] for n in names if n.startswith("syscraft.")}
    return found & {room_of(module) for module in MODULES}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_from_left_to_right(path: Path) -> None:
    room = room_of(path)
    if room == "__init__":
        assert imports(path) <= {"api", "errors", "runtime"}
        return
    assert room in ROOMS, "a new room needs its place in ROOMS"
    if room == "runtime":  # for programs, which shall not load the rest
        assert imports(path) <= {"errors", "runtime"}
    later = {other for other in imports(path) if ROOMS.index(other) > ROOMS.index(room)}
    assert not later


def summary(room: str) -> str:
    """The first line of the docstring of a package, or of a module."""
    path = SOURCE / room / "__init__.py"
    text = (path if path.exists() else SOURCE / f"{room}.py").read_text()
    docstring = ast.get_docstring(ast.parse(text))
    assert docstring, f"{room} says in no docstring what it is for"
    return docstring.partition("\n")[0]


def test_golden_packages() -> None:
    """CONTRIBUTING.md shows the packages in the order that this file enforces."""
    rows = [f"| `{room}` | {summary(room)} |" for room in ROOMS]
    page = REPOSITORY / "CONTRIBUTING.md"
    table = "\n".join(["| package | what it does |", "| --- | --- |", *rows]) + "\n"
    check_golden(page, between(page, "packages", table))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_file_fits_in_the_head(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LINES_AT_MOST


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_only_some_write_and_start_processes(path: Path) -> None:
    name = str(path.relative_to(SOURCE))
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = {alias.name for alias in node.names} | {getattr(node, "module", "")}
            assert "subprocess" not in names or name in MAY_START
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert node.func.attr not in ("system", "popen", "execv", "fork"), node.lineno
            if node.func.attr in WRITERS and not _is_text_method(node):
                assert name in MAY_WRITE, f"line {node.lineno}: {node.func.attr}"
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "open":
            assert name in MAY_WRITE, f"line {node.lineno}: open"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_lines_end_where_compilers_say(path: Path) -> None:
    if room_of(path) in ("runtime", "lab", "guest", "cli"):
        return  # what programs print is for people
    if str(path.relative_to(SOURCE)) not in MAY_SPLIT:
        assert ".splitlines(" not in path.read_text().replace("``str.splitlines()``", "")


def _is_text_method(node: ast.Call) -> bool:
    """str.replace() has two arguments, Path.replace() one; dataclasses.replace() has names."""
    assert isinstance(node.func, ast.Attribute)
    return node.func.attr == "replace" and (len(node.args) == 2 or bool(node.keywords))


def test_no_shell_and_no_clock_in_emitters() -> None:
    for path in MODULES:
        text = path.read_text()
        assert "shell=True" not in text, path
        if room_of(path) in ("emit", "model", "declaration", "abi"):
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Import):
                    names = {alias.name for alias in node.names}
                    assert not names & {"time", "datetime", "random", "os", "subprocess"}, path


# Words of architectures where they may stand outside of abi/, each with its reason. Rules tell
# people of history, and runtime/core has generated parts.
NAMED = {
    ("build/pinning.py", "x86"): "User Mode Linux builds with headers of arch/x86",
    ("guest/uml.py", "x86"): "User Mode Linux builds with headers of arch/x86",
    ("model/structs.py", "i386"): "names in a message to the author of a struct",
    ("model/structs.py", "m68k"): "names in a message to the author of a struct",
    ("model/words.py", "x32"): "the numbers that the kernel's table keeps for it are nobody's",
    ("rules/family/tables.py", "x32"): "the numbers that the kernel's table keeps for it",
    ("scaffold/clone3/NAME.c.in", "sparc"): "what a body of an author's has to do there",
    ("scaffold/fork/NAME.c.in", "sparc"): "what a body of an author's has to do there",
    ("scaffold/vfork/NAME.c.in", "sparc"): "what a body of an author's has to do there",
    ("scan/choose.py", "ppc"): "a prefix of entries in the kernel's tables",
    ("scan/numbers.py", "alpha"): "an entry of the kernel's table that stands for no call",
}
# "sh" is a shell as well, and a heading of manual pages.
AMBIGUOUS = {"sh"}


def words_of_architectures() -> set[str]:
    words = {"ia32", "ia64"}  # of the kernel's options and macros
    for abi in all_abis():
        words |= {abi.key, abi.linux_arch, abi.arch_folder}
        words |= {machine.key for machine in abi.machines}
        words |= {
            toolchain.compiler.partition("-")[0]
            for toolchain in abi.toolchains
            if "-linux-" in toolchain.compiler
        }
    return words - AMBIGUOUS


# Before Python 3.12, an f-string was one string.
STRINGS = {tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}


def code_of(path: Path) -> str:
    """The text of a source without docstrings and comments; of a rule, without its history."""
    text = path.read_text()
    if path.suffix != ".py":
        return text
    docstrings = {
        node.value.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    words = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in STRINGS:
            if token.start[0] in docstrings:
                continue
            if path.is_relative_to(SOURCE / "rules") and _tells_history(token.string):
                continue
        elif token.type != tokenize.NAME:
            continue
        words.append(token.string)
    return "\n".join(words)


def _tells_history(text: str) -> bool:
    """Whether a string is a sentence, or the place in Linux of what a rule comes from."""
    return " " in text or text.startswith(('"arch/', '"sys_'))


def named_architectures() -> set[tuple[str, str]]:
    """Every source, not of abi/, and a word of an architecture in its code."""
    words = "|".join(sorted(map(re.escape, words_of_architectures()), key=len, reverse=True))
    # An underscore ends a word: __x86_64__, CONFIG_MIPS_O32.
    pattern = re.compile(rf"(?<![a-z0-9])(?:{words})(?![a-z0-9])")
    return {
        (name, word)
        for path in SOURCES
        if not (name := str(path.relative_to(SOURCE))).startswith(("abi/", "runtime/core/"))
        for word in pattern.findall(code_of(path).lower())
    }


def test_no_architecture_outside_of_its_place() -> None:
    """Only its own folder names an architecture; an exception that is used no more goes."""
    assert named_architectures() == set(NAMED)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('x = "mips_o32"', {"mips_o32"}),
        ("if abi.key == 's390x': pass", {"s390x"}),
        ("CONFIG_MIPS_O32 = __x86_64__ = 1", {"mips_o32", "x86_64"}),
        ("run('aarch64-linux-gnu-gcc')", {"aarch64"}),
        ('"""As on arm64."""\nx = 1  # as on m68k', set()),
        ("search = charm = 'sh'", set()),
    ],
)
def test_names_of_architectures_are_seen(
    code: str, found: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "module.py"
    path.write_text(code)
    monkeypatch.setattr(sys.modules[__name__], "SOURCE", tmp_path)
    monkeypatch.setattr(sys.modules[__name__], "SOURCES", [path])
    assert named_architectures() == {("module.py", word) for word in found}


def test_package_inits_do_nothing_else() -> None:
    for path in SOURCE.rglob("__init__.py"):
        if path.parent == SOURCE or "abi" in path.parts:
            continue
        for node in ast.parse(path.read_text()).body:
            assert isinstance(node, (ast.Expr, ast.Import, ast.ImportFrom, ast.Assign)), path
