"""Test programs: which there are, and how they become something that a guest can run."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from syscraft import proc
from syscraft.abi.toolchain import Toolchain
from syscraft.errors import EnvironmentLacks
from syscraft.files import (
    cache_root,
    digest,
    folder_made_whole,
    read_record,
    remove_drafts,
    temporary_folder,
    write_atomic,
    write_if_changed,
    write_record,
)
from syscraft.model.tests import TestProgram

_CFLAGS = ("-std=gnu11", "-Wall", "-Wextra", "-Werror", "-pthread")
# A rule's prerequisites: blanks part them, a backslash keeps a blank.
_WORD = re.compile(r"(?:\\.|[^\s\\])+")


@dataclass(frozen=True)
class Program:
    """A test program for one ABI, at one level.

    Args:
        binary: what to run; None if it cannot be had: ``problem`` says why.
        key: digest of its content; empty if it may do another thing although nothing that is
            looked at here has changed, as a script may.
        lacks: whether this machine is to blame for the problem.
    """

    binary: Path | None
    key: str = ""
    problem: str = ""
    lacks: bool = False


def generated_folder(generated: dict[str, str]) -> Path:
    """Keep generated files where guests can use them; the same files, the same folder."""
    key = digest(*(part for item in sorted(generated.items()) for part in item))
    folder = cache_root() / "generated" / key
    if not folder.exists():
        remove_drafts(folder.parent)
        with folder_made_whole(folder) as draft:
            for name, text in generated.items():
                write_atomic(draft / name, text.encode())
    for name, text in generated.items():  # somebody may have damaged them
        write_if_changed(folder / name, text.encode())
    return folder


def compile_program(
    test: TestProgram, level: str, headers: Path, folder: Path, toolchain: Toolchain
) -> Program:
    """Compile a test program, or find it in the cache.

    Found is what was compiled by the same command from files that are the same today; which files
    those are, the compiler itself has told.

    Args:
        level: of optimization, such as ``-O2``.
        headers: a folder of generated files.
        folder: the declaration's, where the author's tests and what they include are.
    """
    sources = [_place(name, headers, folder) for name in test.sources]
    includes = [headers, folder, *(folder / name for name in test.includes)]
    argv = [
        toolchain.compiler, *toolchain.flags, *_CFLAGS, level,
        *(word for path in includes for word in ("-I", str(path))), *test.flags,
    ]  # fmt: skip
    link = [*(f"-l{name}" for name in test.libraries), *toolchain.link]
    compiler = shutil.which(toolchain.compiler)
    if compiler is None:
        try:
            proc.need(toolchain.compiler, packages=toolchain.packages)
        except EnvironmentLacks as error:
            return Program(None, problem=str(error), lacks=True)
    # A header that comes to stand before another of its name is in no list of files read.
    names = {path for include in includes for path in _names(include)}
    key = digest(
        *argv,
        *map(str, sources),
        *link,
        _state(Path(os.path.realpath(compiler or ""))),
        *sorted(names),
    )
    record = cache_root() / "tests" / f"{key}.json"
    if found := _kept(record):
        return found
    return _compile(argv, sources, link, record, test.stem)


def _place(name: str, headers: Path, folder: Path) -> Path:
    return headers / name if (headers / name).is_file() else folder / name


def _names(folder: Path) -> Iterator[str]:
    try:
        yield from (f"{folder}/{entry.name}" for entry in os.scandir(folder))
    except OSError:
        return


def _state(path: Path) -> str:
    try:
        stat = path.stat()
    except OSError:
        return ""
    return f"{stat.st_size} {stat.st_mtime_ns}"


def _kept(record: Path) -> Program | None:
    """The program of *record*, if all that it was made of, and itself, is as it was."""
    try:
        kept = read_record(record)
        for name, key in kept["read"].items():
            if digest(Path(name).read_bytes()) != key:
                return None
        binary = record.parent / kept["binary"] / kept["name"]
        if digest(binary.read_bytes()) != kept["binary"]:
            return None
        return Program(binary, kept["binary"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _compile(
    argv: Sequence[str], sources: Sequence[Path], link: Sequence[str], record: Path, stem: str
) -> Program:
    # What a person may repeat: the objects in between are gone by then.
    whole = [*argv, *map(str, sources), *link, "-o", "/dev/null"]
    read: dict[str, str] = {}
    with temporary_folder(record.parent) as draft:
        scratch = {"TMPDIR": str(draft)}
        objects = []
        for index, source in enumerate(sources):
            rule, output = draft / f"{index}.d", draft / f"{index}.o"
            words = ["-c", str(source), "-MD", "-MF", str(rule), "-o", str(output)]
            done = proc.run([*argv, *words], env=scratch)
            if not done.ok:
                return _failed(replace(done, argv=tuple(whole)))
            files = prerequisites(rule.read_text(errors="surrogateescape"))
            read |= {path: digest(Path(path).read_bytes()) for path in files}
            objects.append(str(output))
        done = proc.run([*argv, *objects, *link, "-o", str(draft / stem)], env=scratch)
        if not done.ok:
            return _failed(replace(done, argv=tuple(whole)))
        data = (draft / stem).read_bytes()
    key = digest(data)
    binary = record.parent / key / stem
    write_atomic(binary, data, mode=0o755)
    kept = {"read": read, "binary": key, "name": stem}
    write_record(record, kept)
    return Program(binary, key)


def _failed(done: proc.Result) -> Program:
    return Program(None, problem=f"{done.output.strip()}\nrepeat it: {done.replay}")


def prerequisites(rule: str) -> tuple[str, ...]:
    """The files that a compiler has read, from the rule that it wrote for make.

    Source: GCC manual, -MD; make's quoting of blanks, ``#`` and ``$``.
    """
    _, _, text = rule.replace("\\\n", " ").partition(": ")
    first = text.split("\n", 1)[0]
    words = _WORD.findall(first)
    return tuple(dict.fromkeys(re.sub(r"\\(.)", r"\1", word).replace("$$", "$") for word in words))
