"""Holds drawn declarations that are accepted to what is promised of every declaration."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import syscraft
from syscraft.emit.discover import all_emitters
from syscraft.errors import SyscraftError

from .draw import Drawn
from .programs import compile_commands, programs_of, test_names

STRICT = ("-Wall", "-Wextra", "-Werror", "-pedantic")
# Two compilers, two languages; and two ABIs of 32 bits, which align less than x86_64 does.
COMPILERS = (
    ("gcc", "-std=c11"), ("clang", "-std=c11"), ("g++", "-std=c++17"), ("clang++", "-std=c++17"),
    ("i686-linux-gnu-gcc", "-std=c11"), ("m68k-linux-gnu-gcc", "-std=c11"),
)  # fmt: skip
# bare_syscalls.h is the same for all declarations, and as long as all that is their own.
_EMITTERS = tuple(e.name for e in all_emitters() if e.name != "bare-syscalls")
_PROBE = Path(__file__).with_name("probe.py")


@dataclass(frozen=True)
class Fault:
    """Something accepted that does not hold; ``seeds`` are several if only together they fail."""

    seeds: tuple[int, ...]
    what: str

    def __str__(self) -> str:
        return f"seed {', '.join(map(str, self.seeds))}: {self.what}"


@dataclass
class Tally:
    """What became of the declarations; ``refused`` counts messages."""

    accepted: int = 0
    structs: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True)
class Accepted:
    """A declaration that was accepted, and its generated files."""

    drawn: Drawn
    declaration: syscraft.Declaration
    files: dict[str, str]

    @property
    def names(self) -> frozenset[str]:
        """What no other declaration of the same program may define."""
        shared = self.declaration.unit.shared
        own = {wrapper.name for call in self.declaration.calls for wrapper in call.wrappers}
        own |= {call.name for call in self.declaration.calls}
        own |= {struct.name for struct in (*shared.structs, *shared.packed)}
        own |= {flag.name for flag in shared.flags} | {shared.name}
        return frozenset(own | test_names(self.files))

    @property
    def structs(self) -> dict[str, tuple[str, ...]]:
        """The names of the fields of each struct."""
        shared = self.declaration.unit.shared
        listed = (*shared.structs, *shared.packed)
        return {s.name: tuple(f.name for f in s.fields) for s in listed}


def hold(drawn: Sequence[Drawn], folder: Path, tally: Tally, together: int = 80) -> None:
    """Judge declarations, *together* of them with each run of a compiler."""
    accepted = [found for one in drawn if (found := _accept(one, folder, tally))]
    for number, batch in enumerate(_batches(accepted, together)):
        tally.accepted += len(batch)
        tally.structs += sum(len(one.structs) for one in batch)
        tally.faults += _faults(batch, folder / f"batch-{number}")


def _faults(batch: Sequence[Accepted], folder: Path) -> list[Fault]:
    """Judge a batch, and its halves if something is wrong with it."""
    said = _judge(batch, folder)
    if not said or len(batch) == 1:
        return [Fault((batch[0].drawn.seed,), said)] if said else []
    half = len(batch) // 2
    halves = ((batch[:half], "left"), (batch[half:], "right"))
    faults = [fault for part, name in halves for fault in _faults(part, folder / name)]
    return faults or [Fault(tuple(one.drawn.seed for one in batch), f"only together: {said}")]


def _accept(drawn: Drawn, folder: Path, tally: Tally) -> Accepted | None:
    home = folder / f"declared-{drawn.seed}"
    drawn.write(home)
    try:
        declaration = syscraft.load(home)
        files = declaration.generate(only=_EMITTERS) | programs_of(declaration)
        return Accepted(drawn, declaration, files)
    except SyscraftError as error:
        for finding in error.findings:
            tally.refused[re.sub(r"'[^']*'", "'...'", finding.message)] += 1
            if finding.where is None or finding.where.line is None:
                tally.faults.append(Fault((drawn.seed,), f"no place: {finding}"))
    except Exception:
        tally.faults.append(Fault((drawn.seed,), traceback.format_exc()))
    return None


def _batches(accepted: Iterable[Accepted], together: int) -> Iterator[list[Accepted]]:
    """Put what can stand in one program together."""
    batch: list[Accepted] = []
    taken: set[str] = set()
    for one in accepted:
        if batch and (len(batch) == together or taken & one.names):
            yield batch
            batch, taken = [], set()
        batch.append(one)
        taken |= one.names
    if batch:
        yield batch


def _run(argv: Sequence[str | Path]) -> tuple[str, str]:
    """Run a program. Returns: its output, and what went wrong."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=600)
    said = f"{' '.join(map(str, argv[:2]))}: {done.stderr or 'failed'}" if done.returncode else ""
    return done.stdout, said


def _write(batch: Sequence[Accepted], folder: Path) -> None:
    common = batch[0].declaration.generate(only=["bare-syscalls"])
    for files in (common, *(one.files for one in batch)):
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")


def _judge(batch: Sequence[Accepted], folder: Path) -> str:
    """What is wrong with the declarations; empty if nothing is."""
    return _compiled(batch, folder) or _tests_compiled(batch, folder) or _imported(batch, folder)


def _tests_compiled(batch: Sequence[Accepted], folder: Path) -> str:
    """Compile the programs that cases become, for programs and for the kernel."""
    files = [name for one in batch for name in one.files]
    cases = [name for name in files if name.endswith("_cases.c")]
    selftests = [name for name in files if name.startswith("selftests/")]
    calls = [call.name for one in batch for call in one.declaration.calls]
    for command in compile_commands(folder, cases, selftests, calls):
        if said := _run(command)[1]:
            return said
    return ""


def _compiled(batch: Sequence[Accepted], folder: Path) -> str:
    """Compile everything, for C and C++; what comes out prints how C lays structs out."""
    _write(batch, folder)
    names = [call.name for one in batch for call in one.declaration.calls]
    includes = "".join(f'#include "{name}.h"\n' for name in names)
    rows = "".join(
        f'\tprintf("{struct} . %zu\\n", sizeof(struct {struct}));\n'
        + "".join(
            f'\tprintf("{struct} {name} %zu %zu\\n", __builtin_offsetof(struct {struct}, {name}),\n'
            f"\t       sizeof(((struct {struct} *)0)->{name}));\n"
            for name in fields
        )
        for one in batch
        for struct, fields in one.structs.items()
    )
    source = folder / "all.c"
    source.write_text(
        f"#include <stdio.h>\n{includes}\nint main(void)\n{{\n{rows}\treturn 0;\n}}\n"
    )
    (folder / "all.cc").write_text(source.read_text())
    for compiler, standard in COMPILERS:
        cxx = "++" in compiler
        what = ["-fsyntax-only"] if compiler != "gcc" else ["-o", folder / "all"]
        argv = [compiler, standard, *STRICT, "-I", folder, folder / ("all.cc" if cxx else "all.c")]
        _, said = _run([*argv, *what])
        if said:
            return said
    return ""


def _imported(batch: Sequence[Accepted], folder: Path) -> str:
    """Import every module and call what it has; its classes are laid out as C's structs are."""
    layouts: dict[str, dict[str, list[int]]] = {}
    printed, said = _run([folder / "all"])
    for line in printed.splitlines():
        struct, name, *numbers = line.split()
        layouts.setdefault(struct, {})[name] = [int(number) for number in numbers]
    modules = {
        Path(name).stem: {call.missing for call in one.declaration.calls}
        for one in batch
        for name in one.files
        if name.endswith(".py")
    }
    asked = {"modules": {name: sorted(missing) for name, missing in modules.items()}}
    (folder / "asked.json").write_text(json.dumps({**asked, "layouts": layouts}))
    return said or _run([sys.executable, _PROBE, folder])[1]


Report = Callable[[str], None]


def hold_many(
    draw: Callable[[int], Drawn], seeds: Iterable[int], folder: Path, report: Report | None = None
) -> Tally:
    """Draw and judge, some hundred at a time, so that the disk holds no more than those."""
    tally = Tally()
    waiting: list[Drawn] = []
    count = 0

    def judge() -> None:
        place = folder / f"to-{count}"
        place.mkdir()
        known = len(tally.faults)
        hold(waiting, place, tally)
        shutil.rmtree(place)
        waiting.clear()
        if report:
            for fault in tally.faults[known:]:
                report(str(fault))
            report(f"{count} drawn, {tally.accepted} accepted, {len(tally.faults)} faults")

    for seed in seeds:
        waiting.append(draw(seed))
        count += 1
        if len(waiting) == 200:
            judge()
    if waiting:
        judge()
    return tally
