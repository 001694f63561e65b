"""What is to be run: declarations on guests, on kernels of trees and flavours, as jobs and cells.

A job is one kernel in one guest; it has all the calls in it, and runs the tests of all of them
in programs of every ABI that the guest serves. A cell is one program of one ABI.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from syscraft.abi.abi import Abi
from syscraft.abi.discover import find_abi
from syscraft.abi.toolchain import Toolchain
from syscraft.build.flavour import PLAIN, Flavour
from syscraft.emit.discover import generate
from syscraft.errors import DeclarationError, Finding, LabError, UsageError, Where
from syscraft.guest.base import Guest
from syscraft.guest.workload import Workload
from syscraft.lab.cells import Cell
from syscraft.lab.programs import generated_folder
from syscraft.model.call import Unit
from syscraft.model.tests import TestProgram, from_file


@dataclass(frozen=True)
class Subject:
    """A declaration under test: its calls, its folder, and how the user named it."""

    unit: Unit
    folder: Path
    shown_path: str

    @property
    def name(self) -> str:
        return self.unit.name

    @property
    def tests(self) -> tuple[TestProgram, ...]:
        """The author's own; they are of all its calls."""
        return self.unit.shared.tests


def want_tests(subjects: Sequence[Subject]) -> None:
    """Refuse to build a kernel that nothing would be shown on.

    Raises:
        DeclarationError: one of *subjects* has no tests.
    """
    findings = [
        Finding(
            f"{subject.name} has no tests",
            Where(subject.shown_path),
            expected="[[cases]] in the declaration, or test_*.c or test_*.py beside it",
        )
        for subject in subjects
        if not subject.unit.shared.tests and not any(call.cases for call in subject.unit.calls)
    ]
    if findings:
        raise DeclarationError(*findings)


@dataclass(frozen=True)
class Job:
    """A kernel, and the guest that runs it.

    Args:
        options: what a command needs to name the same kernel, besides what a cell knows.
    """

    guest: Guest
    linux: str
    flavour: Flavour
    work: Workload
    options: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        kernel = "" if self.flavour.key == PLAIN else f" {self.flavour.key}"
        return f"{self.guest.key} {self.linux}{kernel}"


@dataclass(frozen=True)
class Planned:
    """A cell before its verdict, and what to compile for it."""

    cell: Cell
    test: TestProgram
    abi: Abi
    toolchain: Toolchain
    headers: Path
    folder: Path

    @property
    def place(self) -> str:
        """Where the program is in a guest that has only what it is given."""
        level = self.cell.level.lstrip("-")
        return f"tests/{self.abi.key}/{self.cell.call}/{level}/{self.test.stem}"


def plan(
    guests: Sequence[Guest],
    works: Sequence[tuple[str, Workload]],
    flavours: Sequence[Flavour],
    options: tuple[str, ...] = (),
) -> tuple[Job, ...]:
    """A job for each guest, kernel tree and flavour.

    Args:
        works: how the user named the tree, and the calls in it.
    """
    return tuple(
        Job(guest, linux, flavour, work, options)
        for linux, work in works
        for flavour in flavours
        for guest in guests
    )


def programs_of(job: Job, subjects: Sequence[Subject]) -> tuple[Planned, ...]:
    """Every test of *subjects* that the job's guest can run.

    Raises:
        LabError: the guest names an ABI or a toolchain that does not exist.
    """
    numbers = dict(
        zip((call.name for call in job.work.calls), job.guest.numbers(job.work), strict=True)
    )
    planned = []
    for index, (abi, toolchain) in enumerate(toolchains(job.guest)):
        for subject in subjects:
            files = {c.name: generate(c, numbers[c.name], (abi,)) for c in subject.unit.calls}
            together = {name: text for made in files.values() for name, text in made.items()}
            headers = generated_folder(together)
            for owner, test in _tests(subject, files):
                # The interpreter is a program of the guest's own ABI.
                if test.is_script and (index or not job.guest.has.python):
                    continue
                for level in test.levels or ("",):
                    cell = Cell(
                        guest=job.guest.key,
                        linux=job.linux,
                        kernel=job.flavour.key,
                        abi=abi.key,
                        call=owner,
                        test=test.name,
                        level=level,
                        declaration=subject.shown_path,
                        options=job.options,
                    )
                    planned.append(Planned(cell, test, abi, toolchain, headers, subject.folder))
    return tuple(planned)


def _tests(
    subject: Subject, files: Mapping[str, Mapping[str, str]]
) -> list[tuple[str, TestProgram]]:
    """Each test, generated or the author's, and the name of what declares it; by name."""
    made = [
        (call, from_file(name))
        for call, texts in files.items()
        for name in texts
        if name.startswith("test_")
    ]
    written = [(subject.name, test) for test in subject.tests]
    return sorted([*made, *written], key=lambda pair: pair[1].name)


def headers_for(guest: Guest, work: Workload) -> Path:
    """A folder of generated files for programs of the guest's own ABI."""
    abi, _ = toolchains(guest)[0]
    files: dict[str, str] = {}
    for call, number in zip(work.calls, guest.numbers(work), strict=True):
        files |= generate(call, number, (abi,))
    return generated_folder(files)


def toolchains(guest: Guest) -> tuple[tuple[Abi, Toolchain], ...]:
    """The ABIs of a guest's programs, and what makes them.

    Raises:
        LabError: the guest names an ABI or a toolchain that does not exist.
    """
    found = []
    for key, name in guest.abis.items():
        try:
            abi = find_abi(key)
        except UsageError as error:
            raise LabError.of(
                f"the guest '{guest.key}' runs programs of an unknown ABI", found=key
            ) from error
        known = {toolchain.name: toolchain for toolchain in abi.toolchains}
        if name not in known:
            raise LabError.of(
                f"the guest '{guest.key}' names an unknown toolchain of {key}",
                expected="one of " + ", ".join(known),
                found=name,
            )
        found.append((abi, known[name]))
    return tuple(found)
