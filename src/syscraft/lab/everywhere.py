"""Tests of calls on many guests: builds, boots and verdicts, as many at once as fit.

A job is one kernel on one guest; it has all the calls in it, and runs the tests of all of them
in programs of every ABI that it serves. A cell is one test program of one ABI.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from syscraft import proc
from syscraft.abi.abi import Abi
from syscraft.abi.discover import find_abi
from syscraft.abi.machine import Machine
from syscraft.abi.toolchain import Toolchain
from syscraft.build.kernel import BuiltKernel, build_kernel
from syscraft.emit.discover import generate_all
from syscraft.errors import EnvironmentLacks, LabError, SyscraftError
from syscraft.guest.initramfs import initramfs
from syscraft.guest.qemu import acceleration, emulator_state, qemu, target
from syscraft.guest.session import Booted
from syscraft.lab.cells import Cell, GuestState, Matrix, cell_key, keep_cell, kept_cell
from syscraft.lab.judge import judge, judge_boot
from syscraft.lab.programs import Program, c_tests, compile_program
from syscraft.lab.verdict import Verdict
from syscraft.model.call import Unit
from syscraft.tree.source import KernelTree
from syscraft.tree.together import wired_together
from syscraft.tree.wire import KernelChange

Progress = Callable[[str], None]
Done = tuple[GuestState, tuple[Cell, ...]]
Work = Callable[[Progress], Done]

_GIB = 1 << 30
_BUILD_BYTES = 2 * _GIB  # what one kernel build may take at its height
_ENVIRONMENT = {"PATH": "/bin", "HOME": "/", "TMPDIR": "/dev/shm"}


@dataclass(frozen=True)
class Subject:
    """Calls under test, and the folder of their declaration."""

    unit: Unit
    folder: Path
    shown_path: str


@dataclass(frozen=True)
class Job:
    """A kernel, and the guest that boots it."""

    linux: str
    tree: KernelTree
    abi: Abi
    machine: Machine


@dataclass(frozen=True)
class _Planned:
    """A cell before its verdict."""

    cell: Cell
    program: Program
    key: str


def run_everywhere(
    subjects: Sequence[Subject],
    jobs: Sequence[Job],
    others: Sequence[tuple[str, Work]] = (),
    *,
    deadline_s: float,
    again: bool = False,
    progress: Progress,
) -> Matrix:
    """Build, boot and test; a job that fails gives its cells a verdict and the others go on.

    Args:
        others: work on guests that are no machines of QEMU, and what to call each; it goes first.
        again: run cells whose verdict is kept, too.
    """
    board = _Board(progress, len(jobs) + len(others))
    changes: dict[str, tuple[KernelChange, ...]] = {}
    for job in jobs:
        if job.linux not in changes:
            units = tuple(subject.unit for subject in subjects)
            changes[job.linux] = wired_together(units, job.tree)

    def work(job: Job) -> tuple[str, Work]:
        runner = _Job(job, subjects, changes[job.linux], deadline_s, again)
        return f"{job.machine.key} {job.linux}", runner.run

    def one(named: tuple[str, Work]) -> Done:
        name, run = named
        try:
            return run(lambda text: board.say(name, text))
        finally:
            board.end(name)

    pool = ThreadPoolExecutor(jobs_at_once())
    try:
        done = list(pool.map(one, [*others, *map(work, jobs)]))
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        proc.stop_all()
        raise
    pool.shutdown()
    return Matrix(
        guests=tuple(state for state, _ in done),
        cells=tuple(cell for _, cells in done for cell in cells),
    )


def jobs_at_once() -> int:
    """How many kernels to build at the same time: two keep two processors busy while one links."""
    processors = os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    return max(1, min(max(2, processors // 2), memory // _BUILD_BYTES))


class _Board:
    """What every job is doing, as one line."""

    def __init__(self, progress: Progress, jobs: int) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self._now: dict[str, str] = {}
        self._jobs = jobs
        self._ended = 0

    def say(self, job: str, text: str) -> None:
        with self._lock:
            self._now[job] = text
            self._show()

    def end(self, job: str) -> None:
        with self._lock:
            self._now.pop(job, None)
            self._ended += 1
            self._show()

    def _show(self) -> None:
        doing = "; ".join(f"{job} {text}" for job, text in self._now.items())
        self._progress(f"testing on {self._jobs} guests: {self._ended} done; {doing}")


class _Job:
    def __init__(
        self,
        job: Job,
        subjects: Sequence[Subject],
        changes: tuple[KernelChange, ...],
        deadline_s: float,
        again: bool,
    ) -> None:
        self._job = job
        self._machine = job.machine
        self._subjects = subjects
        self._changes = changes
        self._deadline_s = deadline_s
        self._again = again
        self._say: Progress = lambda text: None
        self._state = GuestState(job.machine.key, job.linux)

    def run(self, say: Progress) -> Done:
        self._say = say
        planned = self._plan()
        try:
            cells = self._run(planned)
        except EnvironmentLacks as error:
            cells = tuple(_judged(p, Verdict.INFRA, str(error)) for p in planned)
        except SyscraftError as error:
            cells = tuple(_judged(p, Verdict.FAIL, str(error)) for p in planned)
        return self._state, cells

    def _plan(self) -> list[_Planned]:
        planned = []
        for abi_key, toolchain_name in self._machine.programs.items():
            abi = find_abi(abi_key)
            toolchain = next(t for t in abi.toolchains if t.name == toolchain_name)
            for subject, change in zip(self._subjects, self._changes, strict=True):
                generated = generate_all(subject.unit, change.numbers, (abi,))
                for name, text in c_tests(subject.unit.shared, generated).items():
                    self._say(f"compiling {name} for {abi_key}")
                    program = compile_program(name, text, generated, subject.folder, toolchain)
                    cell = Cell(
                        guest=self._machine.key,
                        linux=self._job.linux,
                        abi=abi_key,
                        call=subject.unit.name,
                        test=name,
                        declaration=subject.shown_path,
                    )
                    planned.append(_Planned(cell, program, ""))
        return planned

    def _run(self, planned: list[_Planned]) -> tuple[Cell, ...]:
        kernel = self._build()
        keyed = [self._with_key(plan, kernel) for plan in planned]
        known = {} if self._again else {p.key: kept_cell(p.key, p.cell) for p in keyed}
        needed = [p for p in keyed if p.program.binary and not known.get(p.key)]
        ran = self._boot_and_run(kernel, needed) if needed else {}
        cells = []
        for plan in keyed:
            cell = known.get(plan.key) or ran.get(plan.key)
            if cell is None:
                verdict = Verdict.INFRA if plan.program.lacks else Verdict.FAIL
                cell = _judged(plan, verdict, plan.program.problem)
            cells.append(cell)
        return tuple(cells)

    def _build(self) -> BuiltKernel:
        started = time.monotonic()
        files = {path: data for change in self._changes for path, data in change.files.items()}
        change = replace(
            self._changes[-1],
            files=files,
            config=tuple(line for change in self._changes for line in change.config),
            quiet=frozenset(),
            body_line_maps=tuple(m for change in self._changes for m in change.body_line_maps),
        )
        proc.need(self._machine.command[0], packages=self._machine.packages)
        kernel = build_kernel(self._job.tree, change, target(self._machine), self._say)
        self._state = replace(
            self._state,
            build_seconds=time.monotonic() - started,
            built_before=kernel.from_cache,
            repaired=kernel.repaired,
        )
        return kernel

    def _with_key(self, plan: _Planned, kernel: BuiltKernel) -> _Planned:
        if plan.program.binary is None:
            return plan
        key = cell_key(
            kernel.key, plan.program.binary, repr(self._machine), emulator_state(self._machine)
        )
        return replace(plan, key=key)

    def _toolchain(self) -> Toolchain:
        name = self._machine.programs[self._job.abi.key]
        return next(t for t in self._job.abi.toolchains if t.name == name)

    def _boot_and_run(self, kernel: BuiltKernel, needed: Sequence[_Planned]) -> dict[str, Cell]:
        files = {_place(plan): plan.program.binary for plan in needed if plan.program.binary}
        libraries = {name: Path(path) for name, path in self._machine.libraries.items()}
        archive = initramfs(self._toolchain(), {**files, **libraries})
        self._say("booting")
        how = acceleration(self._machine, kernel.image, archive)
        self._state = replace(self._state, how=how.shown)
        cells: dict[str, Cell] = {}
        guest: Booted | None = None
        try:
            for plan in needed:
                new = qemu(self._machine, kernel.image, archive, how) if guest is None else guest
                try:
                    guest = new.__enter__() if guest is None else guest
                except (LabError, EOFError, TimeoutError) as error:
                    verdict, detail = judge_boot(error, new)
                    cells[plan.key] = _judged(plan, verdict, detail)
                    guest = None
                    if self._state.boot_seconds is None:
                        break  # never came up: the rest would wait in vain
                    continue
                self._note_boot(guest)
                self._say(f"running {plan.cell.test} of {plan.cell.abi}")
                outcome, alive = judge(
                    guest, plan.cell.test, (f"/{_place(plan)}",), cwd="/", env=_ENVIRONMENT,
                    deadline_s=self._deadline_s,
                )  # fmt: skip
                cell = _judged(plan, outcome.verdict, outcome.detail, outcome.seconds)
                cells[plan.key] = cell
                keep_cell(plan.key, cell)
                if not alive:
                    guest.__exit__()
                    guest = None
        finally:
            if guest:
                guest.__exit__()
        rest = [plan for plan in needed if plan.key not in cells]
        for plan in rest:
            first = cells[needed[0].key]
            cells[plan.key] = _judged(plan, first.verdict, first.detail)
        return cells

    def _note_boot(self, guest: Booted) -> None:
        if self._state.boot_seconds is None:
            self._state = replace(self._state, boot_seconds=guest.boot_seconds)


def _place(plan: _Planned) -> str:
    return f"tests/{plan.cell.abi}/{plan.cell.call}/{plan.cell.test.removesuffix('.c')}"


def _judged(plan: _Planned, verdict: Verdict, detail: str, seconds: float = 0.0) -> Cell:
    return replace(plan.cell, verdict=verdict, detail=detail, seconds=seconds)
