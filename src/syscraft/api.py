"""The library: load a declaration and go on from there.

import syscraft

splork = syscraft.load("examples/splork")
splork.write("out")                       # headers, Python module, tests
change = splork.patch()                   # a series for git am
kernel = splork.build()                   # User Mode Linux with the call in it
for outcome in splork.test(kernel):
    print(outcome.verdict.name, outcome.name)
status = splork.run(kernel, ["python3", "my_script.py"])
"""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from syscraft.errors import EnvironmentLacks, Finding, SyscraftError, TreeError, UsageError, Where
from syscraft.model.call import Call, Unit
from syscraft.tree.source import DEFAULT_LINUX, KernelTree, open_tree

if TYPE_CHECKING:  # these rooms load slowly, and many uses never enter them
    from syscraft.build.kernel import BuiltKernel
    from syscraft.calls.census import Census
    from syscraft.lab.cells import Cell, GuestState, Matrix
    from syscraft.lab.verdict import Outcome
    from syscraft.rules.base import RuleFinding
    from syscraft.scan.read import KernelCalls
    from syscraft.tree import applied
    from syscraft.tree.wire import KernelChange

Progress = Callable[[str], None]

TEST_DEADLINE_S = 60.0


def _silent(text: str) -> None:
    pass


@dataclass(frozen=True)
class Declaration:
    """A call and what can be made of it.

    ``linux`` names the kernel tree: ``deb:6.12`` or a path. Every method raises
    :class:`syscraft.errors.SyscraftError` and nothing else on purpose.
    """

    unit: Unit
    folder: Path
    shown_path: str = ""

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls, in the order of the file; most declarations have one."""
        return self.unit.calls

    @property
    def call(self) -> Call:
        """The call of a declaration that has one, or the first."""
        return self.unit.calls[0]

    def generate(
        self,
        linux: str | None = None,
        *,
        only: Sequence[str] = (),
        abis: Sequence[str] = (),
        progress: Progress = _silent,
    ) -> dict[str, str]:
        """Make the user-space files.

        Args:
            linux: the tree whose numbers count. Without one, a private or a pinned
                number is assumed to be free.
            only: names of emitters; all of them by default.
            abis: keys of the ABIs to serve; all of them by default.

        Returns: file name -> text.
        """
        from syscraft.abi.discover import find_abi
        from syscraft.emit.discover import generate_all
        from syscraft.tree.wire import default_numbers

        chosen = tuple(find_abi(key) for key in dict.fromkeys(abis))
        if linux:
            numbers = self.patch(linux, progress=progress).numbers
        else:
            numbers = default_numbers(self.calls)
        return generate_all(self.unit, numbers, chosen or None, only=tuple(only))

    def write(self, folder: str | Path, linux: str | None = None) -> tuple[Path, ...]:
        """Write what :meth:`generate` makes into *folder*; files that are equal stay untouched."""
        from syscraft.files import write_if_changed

        written = []
        for name, text in self.generate(linux).items():
            path = Path(folder) / name
            write_if_changed(path, text.encode())
            written.append(path)
        return tuple(written)

    def patch(self, linux: str | None = None, *, progress: Progress = _silent) -> KernelChange:
        """Work out the kernel change; ``.series`` are mails for ``git am``."""
        return self._change(linux or DEFAULT_LINUX, progress)

    def apply(
        self, linux: str, *, progress: Progress = _silent
    ) -> tuple[applied.Done, tuple[str, ...]]:
        """Put the kernel change into a tree of your own, or bring it up to date there.

        Returns: what was done, and the paths that were written.
        """
        from syscraft.tree.applied import apply
        from syscraft.tree.wire import keeping_numbers, wired

        progress(f"adding {self.unit.name} to {linux}")
        tree = _own_tree(linux)

        def work_out(clean: KernelTree, numbers: Mapping[str, int]) -> KernelChange:
            return wired(keeping_numbers(self.unit, numbers), clean)

        return apply(self.unit.name, tree, work_out)

    def revert(self, linux: str) -> tuple[applied.Done, tuple[str, ...]]:
        """Take what :meth:`apply` put into a tree out again, byte for byte."""
        from syscraft.tree.applied import revert

        return revert(self.unit.name, _own_tree(linux))

    def build(self, linux: str | None = None, *, progress: Progress = _silent) -> BuiltKernel:
        """Build a kernel for User Mode Linux, or find it in the cache."""
        from syscraft.build.kernel import build_kernel
        from syscraft.guest.host import host_abi
        from syscraft.guest.uml import TARGET

        host_abi()  # no kernel for a machine whose programs nobody knows
        linux = linux or DEFAULT_LINUX
        tree = self._tree(linux, progress)
        return build_kernel(tree, self._change(linux, progress), TARGET, progress)

    def test(
        self,
        kernel: BuiltKernel,
        *,
        linux: str | None = None,
        deadline_s: float = TEST_DEADLINE_S,
        progress: Progress = _silent,
    ) -> tuple[Outcome, ...]:
        """Run every test of the declaration on *kernel*."""
        from syscraft.lab.runner import run_tests

        generated = self._generate_for_guest(linux)
        return run_tests(self.unit.shared, kernel, generated, self.folder, deadline_s, progress)

    def run(
        self,
        kernel: BuiltKernel,
        argv: Sequence[str],
        *,
        linux: str | None = None,
        terminal: bool = False,
        deadline_s: float | None = None,
    ) -> int:
        """Run a command of this machine on *kernel*; returns its exit status."""
        from syscraft.lab.runner import run_command

        generated = self._generate_for_guest(linux)
        return run_command(
            kernel, list(argv), generated=generated, terminal=terminal, deadline_s=deadline_s
        )

    def _generate_for_guest(self, linux: str | None) -> dict[str, str]:
        """What the guest's programs use: no other ABI than this machine's runs there."""
        from syscraft.guest.host import host_abi

        return self.generate(linux or DEFAULT_LINUX, abis=[host_abi().key])

    @cached_property
    def _trees(self) -> dict[str, KernelTree]:
        return {}

    @cached_property
    def _changes(self) -> dict[str, KernelChange]:
        return {}

    def _tree(self, linux: str, progress: Progress) -> KernelTree:
        if linux not in self._trees:
            self._trees[linux] = open_tree(linux, progress=progress)
        return self._trees[linux]

    def _change(self, linux: str, progress: Progress) -> KernelChange:
        from syscraft.tree.wire import wired

        if linux not in self._changes:
            self._changes[linux] = wired(self.unit, self._tree(linux, progress))
        return self._changes[linux]


def _own_tree(linux: str) -> KernelTree:
    """A tree that may be written."""
    if linux.startswith("deb:"):
        raise UsageError.of(
            "this tree is syscraft's own and stays as it is",
            expected="--linux with the path of your tree",
            found=linux,
        )
    return open_tree(linux)


def test_on(
    declarations: Sequence[Declaration],
    guests: Sequence[str],
    linux: Sequence[str] = (DEFAULT_LINUX,),
    *,
    deadline_s: float = TEST_DEADLINE_S,
    again: bool = False,
    progress: Progress = _silent,
) -> Matrix:
    """Run the tests of several declarations on several guests and kernels.

    Every kernel has all the calls in it. Only tests in C run on machines of QEMU: there is no
    Python there.

    Args:
        guests: keys of guests, as :func:`all_guests` lists them.
        linux: kernel trees, each ``deb:VERSION`` or a path.
        again: run cells whose verdict is kept, too.

    Raises:
        UsageError: a guest is not known.
        TreeError: the calls cannot be added to one of the trees.
    """
    from syscraft.guest.qemu import machines
    from syscraft.lab.everywhere import Job, Subject, Work, run_everywhere

    known = {machine.key: (abi, machine) for abi, machine in machines()}
    jobs = []
    others: list[tuple[str, Work]] = []
    for name in linux:
        tree = open_tree(name, progress=progress)
        for guest in dict.fromkeys(guests):
            if guest == "uml":
                work = partial(test_on_uml, declarations, name, deadline_s)
                others.append((f"uml {name}", work))
            elif guest in known:
                jobs.append(Job(name, tree, *known[guest]))
            else:
                raise unknown_guest(guest)
    subjects = [Subject(d.unit, d.folder, d.shown_path) for d in declarations]
    return run_everywhere(
        subjects, jobs, others, deadline_s=deadline_s, again=again, progress=progress
    )


def test_on_uml(
    declarations: Sequence[Declaration], linux: str, deadline_s: float, progress: Progress
) -> tuple[GuestState, tuple[Cell, ...]]:
    """Run each declaration's tests on a kernel of its own, with the host's files."""
    from syscraft.guest.host import host_abi
    from syscraft.lab.cells import Cell, GuestState
    from syscraft.lab.verdict import Outcome, Verdict

    cells = []
    build_seconds, built_before = 0.0, True
    for declaration in declarations:
        started = time.monotonic()
        try:
            kernel = declaration.build(linux, progress=progress)
            build_seconds += time.monotonic() - started
            built_before = built_before and kernel.from_cache
            outcomes = declaration.test(
                kernel, linux=linux, deadline_s=deadline_s, progress=progress
            )
        except SyscraftError as error:
            lacks = isinstance(error, EnvironmentLacks)
            verdict = Verdict.INFRA if lacks else Verdict.FAIL
            outcomes = (Outcome("build", verdict, 0.0, str(error)),)
        cells += [
            Cell(
                guest="uml", linux=linux, abi=host_abi().key, call=declaration.unit.name,
                test=outcome.name, declaration=declaration.shown_path,
                verdict=outcome.verdict, seconds=outcome.seconds, detail=outcome.detail,
            )
            for outcome in outcomes
        ]  # fmt: skip
    state = GuestState("uml", linux, build_seconds, built_before, how="this machine's processor")
    return state, tuple(cells)


def all_guests() -> tuple[str, ...]:
    """The keys of all guests, User Mode Linux first."""
    from syscraft.guest.qemu import machines

    return ("uml", *(machine.key for _, machine in machines()))


def unknown_guest(name: str) -> SyscraftError:
    """The error that says which guests there are."""
    known = all_guests()
    near = difflib.get_close_matches(name, known, n=1)
    return UsageError.of(
        f"unknown guest '{name}'",
        expected="one of " + ", ".join(known),
        hint=f"did you mean '{near[0]}'?" if near else None,
    )


def load(path: str | Path) -> Declaration:
    """Read the declaration at *path*, a TOML file or the folder that holds it.

    Raises:
        UsageError: there is none.
        DeclarationError: it is not valid.
    """
    from syscraft.model.compile import find_declaration, load_unit

    file_path, _ = find_declaration(path)
    return Declaration(load_unit(path), file_path.parent, str(path))


def read_kernel(tree: str, *, progress: Progress = _silent) -> KernelCalls:
    """Read every existing call of a kernel tree, ``deb:6.12`` or a path.

    Returns: the calls, and what could not be read, each with its place.

    Raises:
        TreeError: it is no kernel tree.
    """
    from syscraft.scan.read import read_calls

    return read_calls(open_tree(tree, progress=progress), progress)


def known_kernel(name: str, *, progress: Progress = _silent) -> Census:
    """The calls of a kernel.

    Args:
        name: a version whose data come with syscraft, such as ``6.1``; a file that
            :meth:`KernelCalls.write` wrote; or a kernel tree, ``deb:6.12`` or a path.

    Raises:
        UsageError: a file cannot be read.
        TreeError: it is none of these.
    """
    from syscraft.calls.kernels import read_file, shipped

    for census in shipped().censuses:
        if name in (census.version, census.release):
            return census
    if Path(name).is_file():
        return read_file(Path(name))
    return read_kernel(name, progress=progress).census


def check(path: str | Path) -> tuple[RuleFinding, ...]:
    """Judge the declaration at *path* by the rules of the design of calls.

    Returns: the findings, those that the declaration silences too.

    Raises:
        UsageError: there is none.
        DeclarationError: it is not valid.
    """
    from syscraft.model.compile import load_drafts
    from syscraft.rules.declared import silences_of, subject_of
    from syscraft.rules.discover import judge

    return tuple(
        finding
        for draft in load_drafts(path)
        for finding in judge(subject_of(draft), silences_of(draft))
    )


def check_kernel(
    tree: str, calls: Sequence[str] = (), *, progress: Progress = _silent
) -> tuple[tuple[RuleFinding, ...], tuple[Finding, ...]]:
    """Judge the existing calls of a kernel tree, ``deb:6.12`` or a path.

    Args:
        calls: their names; all if empty.

    Returns: the findings, and what of the tree could not be read; nothing of the latter where
    calls are named.

    Raises:
        UsageError: the kernel has no such call.
        TreeError: it is no kernel tree, or the call's definition cannot be read.
    """
    from syscraft.rules.discover import judge
    from syscraft.rules.kernel_calls import read_kernel

    kernel = read_kernel(open_tree(tree, progress=progress), progress)
    known = {subject.name: subject for subject in kernel.subjects}
    for name in calls:
        if name not in known:
            if lost := [f for f in kernel.unread if f" sys_{name} " in f.message]:
                raise TreeError(*lost)
            near = difflib.get_close_matches(name, known, n=3)
            raise UsageError.of(
                f"this kernel defines no call '{name}'",
                Where(tree),
                expected="a name as in SYSCALL_DEFINE",
                found=name,
                hint=f"did you mean {' or '.join(near)}?" if near else None,
            )
    chosen = [known[name] for name in dict.fromkeys(calls)] or kernel.subjects
    findings = tuple(finding for subject in chosen for finding in judge(subject))
    return findings, () if calls else kernel.unread
