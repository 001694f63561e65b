"""The declarations to start from: those of examples and tests, and what ``new`` makes."""

from __future__ import annotations

import functools
import re
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from syscraft.scaffold import scaffold

REPOSITORY = Path(__file__).parent.parent.parent

Files = dict[str, bytes]  # what is beside the declaration, by name

_LIKE = (None, "clone", "clone3", "fork", "vfork")


@dataclass(frozen=True)
class Input:
    """A declaration's folder.

    Args:
        how: the kind of mutation, for reports.
        toml: the name of the declaration's file, one of *files*; or a C file to import.
    """

    how: str
    toml: str
    files: Files


def _sources() -> tuple[Path, ...]:
    places = ("examples/*/*.toml", "tests/bad/*.toml", "tests/toys/*.toml", "tests/kernel/*/*.toml")
    found = {path for place in places for path in REPOSITORY.glob(place)}
    return tuple(sorted(found | set(REPOSITORY.glob("tests/kernel/*/*/*.toml"))))


def _seed(path: Path) -> Input:
    files = {path.name: path.read_bytes()}
    data = tomllib.loads(path.read_text(encoding="utf-8", errors="replace"))
    names = {f"{path.stem}.c", data.get("body"), *(data.get("patches") or ())}
    for test in data.get("tests") or ():
        names |= set(test.get("sources") or ())
    for name in sorted(name for name in names if isinstance(name, str) and "/" not in name):
        if (path.parent / name).is_file():
            files[name] = (path.parent / name).read_bytes()
    return Input("", path.name, files)


@functools.cache
def seeds() -> tuple[Input, ...]:
    """The declarations to start from; those that are good come more than once."""
    found = []
    for path in _sources():
        try:
            seed = _seed(path)
        except tomllib.TOMLDecodeError:
            continue
        found += [seed] * (1 if path.parent.name == "bad" else 30)
    return (*found, *(seed for seed in _new() for _ in range(30)))


def _new() -> tuple[Input, ...]:
    """Declarations as ``new`` makes them, without the name that git knows here."""
    found = []
    with tempfile.TemporaryDirectory(prefix="new-") as root:
        for like in _LIKE:
            name = f"new_{like or 'plain'}"
            scaffold(name, like, Path(root))
            toml = Path(root) / name / f"{name}.toml"
            text = toml.read_text(encoding="utf-8")
            author = 'author = "A U Thor <author@example.org>"'
            toml.write_text(re.sub(r"(?m)^author = .*$", author, text), encoding="utf-8")
            found.append(_seed(toml))
    return tuple(found)
