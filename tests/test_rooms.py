"""The structure: who may import whom, who may write, who may start processes."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "syscraft"
MODULES = sorted(SOURCE.rglob("*.py"))
# Generated, and held to what generates them by tests/runtime/test_core_build.py.
GENERATED = {"bare_syscalls.h", "core_clone_raw.h", "core_clone3_raw.h"}
SOURCES = sorted(
    p
    for p in SOURCE.rglob("*")
    if p.suffix in (".py", ".c", ".h", ".j2", ".in") and p.name not in GENERATED
)

# Data flows from left to right; a room imports only from rooms before it, and itself.
ROOMS = (
    "errors", "runtime", "files", "proc", "hints", "abi", "declaration", "calls", "model", "emit",
    "tree", "scan", "rules", "build", "guest", "lab", "proof", "scaffold", "doctor", "api",
    "cli",
)  # fmt: skip

LINES_AT_MOST = 450

# Each with its reason.
MAY_WRITE = {
    "files.py": "it is the module that writes",
    "proc.py": "the log of a long tool, line by line as it comes",
    "build/kernel.py": "touches and removes objects in the kernel's working folder",
    "guest/initramfs.py": "fills a draft folder that files.py made",
    "build/pinning.py": "gives generated headers their times back",
    "lab/programs.py": "makes a folder for compilers to write into",
    "lab/command.py": "reads whether a file is a program",
    "doctor.py": "removes its probe file",
    "runtime/call_table.py": "reads the header of the running program",
    "tree/applied.py": "removes folders that were made for new files, and makes the record's",
    "build/working_copy.py": "copies and links whole files into the kernel's working folder",
}
MAY_START = {
    "proc.py": "it is the module that starts processes",
    "guest/session.py": "a guest lives on while we talk to it over its line",
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


def test_no_architecture_outside_of_its_place() -> None:
    """Only its own folder, and the guest that is tied to it, name an architecture."""
    allowed = {"build/pinning.py", "build/kernel.py"}  # UML on x86 builds arch/x86 too
    for path in MODULES:
        name = str(path.relative_to(SOURCE))
        if not name.startswith("abi/") and name not in allowed:
            assert "x86_64" not in path.read_text(), name


def test_package_inits_do_nothing_else() -> None:
    for path in SOURCE.rglob("__init__.py"):
        if path.parent == SOURCE or "abi" in path.parts:
            continue
        for node in ast.parse(path.read_text()).body:
            assert isinstance(node, (ast.Expr, ast.Import, ast.ImportFrom, ast.Assign)), path
