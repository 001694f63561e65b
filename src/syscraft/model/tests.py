"""The test programs of a declaration: what they are made of, and how each tells its result."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import PurePath

# A wrapper that breaks without optimization passes at -O2, and the reverse.
DEFAULT_LEVELS = ("-O0", "-O2")


class Result(Enum):
    """How a program tells whether it passed."""

    KTAP = "ktap"
    EXIT = "exit"  # 0: passed, 4: skipped, as kselftest has it; anything else: failed


@dataclass(frozen=True)
class TestProgram:
    """A test in C, or a script.

    Args:
        name: what reports call it.
        sources: C files, or one script; paths from the declaration's folder.
        includes: folders with headers besides that folder, paths as above.
        libraries: to link with, without ``-l``.
        flags: for the compiler; ``args`` for the program.
        levels: of optimization; the program is compiled and run at each. Empty for a script.
    """

    __test__ = False  # for pytest: this is none of its tests

    name: str
    sources: tuple[str, ...]
    includes: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    levels: tuple[str, ...] = DEFAULT_LEVELS
    result: Result = Result.KTAP

    @property
    def is_script(self) -> bool:
        return not self.levels

    @property
    def stem(self) -> str:
        """A file's name for the program."""
        return PurePath(self.name).stem


def from_file(name: str) -> TestProgram:
    """The test that a file is which nothing more is said of."""
    levels = () if name.endswith(".py") else DEFAULT_LEVELS
    return TestProgram(name, (name,), levels=levels)
