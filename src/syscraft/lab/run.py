"""The one loop of the lab: every job is prepared, started and judged the same way.

Jobs run side by side, as many as fit; a job that fails gives its cells a verdict, and the others
go on.
"""

from __future__ import annotations

import contextvars
import os
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from syscraft import proc
from syscraft.errors import ConfigError, EnvironmentLacks, LabError, SyscraftError
from syscraft.files import digest
from syscraft.guest.base import Ready, Session
from syscraft.hints import Progress, silent
from syscraft.lab.cells import Cell, GuestState, Matrix, cell_key, keep_cell, kept_cell
from syscraft.lab.environment import BARE_ENVIRONMENT, host_environment
from syscraft.lab.judge import judge, judge_boot
from syscraft.lab.plan import Job, Planned, Subject, programs_of
from syscraft.lab.programs import Program, compile_program
from syscraft.lab.verdict import Verdict

Done = tuple[GuestState, tuple[Cell, ...]]

_GIB = 1 << 30
_BUILD_BYTES = 2 * _GIB  # what one kernel build may take at its height
# What programs on the host's files get of this process's environment: what a verdict depends on
# has to be in its key.
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH", "CPATH")


def run_jobs(
    jobs: Sequence[Job],
    subjects: Sequence[Subject],
    *,
    deadline_s: float,
    again: bool = False,
    progress: Progress,
) -> Matrix:
    """Build, boot and test.

    Args:
        deadline_s: how long one test program may take; more in a flavour that is slower.
        again: run cells whose verdict is kept, too.

    Raises:
        TreeError: the calls cannot be added to one of the trees; nothing is built then.
    """
    for job in jobs:  # kept once worked out: jobs of one tree share it
        job.work.changes  # noqa: B018
    board = _Board(progress, len(jobs))
    with proc.stoppable() as stop, ThreadPoolExecutor(os.cpu_count() or 1) as compilers:

        def one(job: Job) -> Done:
            runner = _JobRun(job, subjects, deadline_s, again, compilers)
            try:
                return runner.run(lambda text: board.say(job.name, text))
            finally:
                board.end(job.name)

        pool = ThreadPoolExecutor(jobs_at_once())
        try:
            futures = [pool.submit(contextvars.copy_context().run, one, job) for job in jobs]
            done = [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            compilers.shutdown(wait=False, cancel_futures=True)
            stop.stop_all()
            raise
        pool.shutdown()
    return Matrix(
        guests=tuple(state for state, _ in done),
        cells=tuple(cell for _, cells in done for cell in cells),
    )


def jobs_at_once() -> int:
    """How many kernels to build at the same time: two keep two processors busy while one links."""
    processors = os.cpu_count() or 1
    return max(1, min(max(2, processors // 2), available_bytes() // _BUILD_BYTES))


def available_bytes() -> int:
    """The memory that programs can have without swapping. Source: proc(5), MemAvailable."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    except (OSError, ValueError, IndexError):
        pass
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")


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
            self._show(text)

    def end(self, job: str) -> None:
        with self._lock:
            self._now.pop(job, None)
            self._ended += 1
            if self._jobs > 1:
                self._show("")

    def _show(self, text: str) -> None:
        if self._jobs == 1:
            self._progress(text)
            return
        doing = "; ".join(f"{job} {text}" for job, text in self._now.items())
        self._progress(f"testing on {self._jobs} guests: {self._ended} done; {doing}")


@dataclass(frozen=True)
class _Runnable:
    """A cell, its program, and the key under which its verdict is kept."""

    plan: Planned
    program: Program
    key: str


class _JobRun:
    def __init__(
        self,
        job: Job,
        subjects: Sequence[Subject],
        deadline_s: float,
        again: bool,
        compilers: ThreadPoolExecutor,
    ) -> None:
        self._job = job
        self._guest = job.guest
        self._subjects = subjects
        self._deadline_s = deadline_s * job.flavour.slower
        self._again = again
        self._compilers = compilers
        self._say: Progress = silent
        self._state = GuestState(job.guest.key, job.linux, job.flavour.key)

    def run(self, say: Progress) -> Done:
        self._say = say
        planned: tuple[Planned, ...] = ()
        try:
            planned = programs_of(self._job, self._subjects)
            if not planned:
                why = "all tests are scripts, and this guest has no Python"
                return self._state, (self._whole(Verdict.SKIP, why),)
            cells = self._run(planned)
            return self._state, cells
        except SyscraftError as error:
            verdict = Verdict.INFRA if isinstance(error, _OURS) else Verdict.FAIL
            failed = [_judged(plan.cell, verdict, str(error)) for plan in planned]
            return self._state, tuple(failed or [self._whole(verdict, str(error))])

    def _whole(self, verdict: Verdict, detail: str) -> Cell:
        """The cell of a job that did not come as far as its programs."""
        return Cell(
            guest=self._guest.key, linux=self._job.linux, kernel=self._job.flavour.key, abi="-",
            call=", ".join(subject.name for subject in self._subjects), test="-",
            declaration=" ".join(subject.shown_path for subject in self._subjects),
            options=self._job.options, verdict=verdict, detail=detail,
        )  # fmt: skip

    def _run(self, planned: Sequence[Planned]) -> tuple[Cell, ...]:
        # Programs need the numbers only: they compile while the kernel is built.
        programs = [self._start_compiling(plan) for plan in planned]
        ready = self._prepare()
        self._say("compiling tests")
        runnable = [
            self._with_key(plan, program.result(), ready)
            for plan, program in zip(planned, programs, strict=True)
        ]
        known = {} if self._again else {r.key: kept_cell(r.key, r.plan.cell) for r in runnable}
        needed = [r for r in runnable if not r.program.problem and not known.get(r.key)]
        ran = self._boot_and_run(ready, needed) if needed else {}
        cells = []
        for r in runnable:
            cell = known.get(r.key) or ran.get(id(r.plan))
            if cell is None:
                verdict = Verdict.INFRA if r.program.lacks else Verdict.FAIL
                cell = _judged(r.plan.cell, verdict, r.program.problem)
            cells.append(cell)
        return tuple(cells)

    def _start_compiling(self, plan: Planned) -> Future[Program]:
        if plan.test.is_script:
            return self._compilers.submit(_script, plan)
        context = contextvars.copy_context()
        return self._compilers.submit(
            context.run, compile_program, plan.test, plan.cell.level, plan.headers, plan.folder,
            plan.toolchain,
        )  # fmt: skip

    def _prepare(self) -> Ready:
        started = time.monotonic()
        ready = self._guest.prepare(self._job.work, self._job.flavour, self._say)
        self._state = replace(
            self._state,
            build_seconds=time.monotonic() - started,
            built_before=ready.from_cache,
            repaired=ready.repaired,
            warnings=ready.warnings,
        )
        return ready

    def _with_key(self, plan: Planned, program: Program, ready: Ready) -> _Runnable:
        if not program.key:
            return _Runnable(plan, program, "")
        environment = "".join(f"{k}={v}\0" for k, v in sorted(self._environment(plan).items()))
        content = digest(program.key, *plan.test.args, plan.test.result.value, environment)
        return _Runnable(plan, program, cell_key(ready.key, plan.cell, content))

    def _boot_and_run(self, ready: Ready, needed: Sequence[_Runnable]) -> dict[int, Cell]:
        """Run the programs one after the other; one that ends the guest leaves the next a new one.

        Returns: the cell of each, by the identity of its plan.
        """
        files = {r.plan.place: r.program.binary for r in needed if r.program.binary}
        self._say("booting")
        self._state = replace(self._state, how=ready.how())
        cells: dict[int, Cell] = {}
        session: Session | None = None
        try:
            for r in needed:
                if session is None:
                    fresh = ready.start(files)
                    try:
                        session = fresh.__enter__()
                    except (LabError, EOFError, TimeoutError) as error:
                        judged = judge_boot(error, ready.explain(fresh.log()))
                        cells[id(r.plan)] = _judged(r.plan.cell, *judged)
                        if self._state.boot_seconds is None:
                            break  # never came up: the rest would wait in vain
                        continue
                    self._note_boot(session)
                cell, alive = self._run_one(ready, session, r)
                cells[id(r.plan)] = cell
                keep_cell(r.key, cell)
                if not alive:
                    session.__exit__()
                    session = None
        finally:
            if session:
                session.__exit__()
        first = cells[id(needed[0].plan)]
        for r in needed:
            if id(r.plan) not in cells:
                cells[id(r.plan)] = _judged(r.plan.cell, first.verdict, first.detail)
        return cells

    def _run_one(self, ready: Ready, session: Session, r: _Runnable) -> tuple[Cell, bool]:
        plan = r.plan
        self._say(f"running {plan.cell.shown_test} of {plan.cell.abi}")
        outcome, alive = judge(
            session, plan.test, self._argv(r), cwd=self._cwd(plan), env=self._environment(plan),
            deadline_s=self._deadline_s, explain=ready.explain,
        )  # fmt: skip
        return _judged(plan.cell, outcome.verdict, outcome.detail, outcome.seconds), alive

    def _argv(self, r: _Runnable) -> tuple[str, ...]:
        if r.plan.test.is_script:
            return (sys.executable, str(r.program.binary), *r.plan.test.args)
        here = self._guest.has.host_files
        program = str(r.program.binary) if here else f"/{r.plan.place}"
        return (program, *r.plan.test.args)

    def _cwd(self, plan: Planned) -> str:
        return str(plan.folder) if self._guest.has.host_files else "/"

    def _environment(self, plan: Planned) -> dict[str, str]:
        if not self._guest.has.host_files:
            return BARE_ENVIRONMENT
        mine = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        return {"TMPDIR": "/tmp", **host_environment(plan.headers, mine)}

    def _note_boot(self, session: Session) -> None:
        if self._state.boot_seconds is None:
            self._state = replace(self._state, boot_seconds=session.boot_seconds)


# What the author of a call can do nothing about.
_OURS: tuple[type[SyscraftError], ...] = (EnvironmentLacks, LabError, ConfigError)


def _script(plan: Planned) -> Program:
    """A script may import anything of this machine: its verdict is never kept."""
    return Program(plan.folder / plan.test.sources[0])


def _judged(cell: Cell, verdict: Verdict, detail: str, seconds: float = 0.0) -> Cell:
    return replace(cell, verdict=verdict, detail=detail, seconds=seconds)
