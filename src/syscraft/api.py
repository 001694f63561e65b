"""The library: load a declaration and work with it.

import syscraft

splork = syscraft.load("examples/splork")
splork.write("out")                       # headers, Python module, tests
change = splork.patch()                   # a series for git am
for cell in splork.test():                # on a kernel with the call, in User Mode Linux
    print(cell.verdict.name, cell.test)
status = splork.run(["python3", "my_script.py"])
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from syscraft.errors import DeclarationError, Finding, TreeError, UsageError, Where
from syscraft.hints import Progress, near, silent
from syscraft.model.call import Call, Unit
from syscraft.tree.source import DEFAULT_LINUX, KernelTree, open_tree

if TYPE_CHECKING:  # these rooms load slowly, and many uses never enter them
    from syscraft.calls.census import Census
    from syscraft.guest.base import Ready
    from syscraft.lab.cells import Cell, Matrix
    from syscraft.rules.base import RuleFinding
    from syscraft.scan.read import KernelCalls
    from syscraft.tree import applied
    from syscraft.tree.wire import KernelChange

TEST_DEADLINE_S = 60.0
DEFAULT_GUEST = "uml"
DEFAULT_KERNEL = "plain"


@dataclass(frozen=True)
class Declaration:
    """One call or several, and what can be made of them.

    Every method raises :class:`syscraft.errors.SyscraftError` and nothing else on purpose.
    ``linux`` names a kernel tree: ``deb:6.12`` or a path.

    Args:
        unit: the calls as they are declared.
        folder: where the declaration is; ``shown_path`` is how the user named it.
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
        progress: Progress = silent,
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

    def patch(self, linux: str = DEFAULT_LINUX, *, progress: Progress = silent) -> KernelChange:
        """Work out the kernel change; ``.series`` are mails for ``git am``."""
        from syscraft.tree.wire import wired

        return wired(self.unit, open_tree(linux, progress=progress))

    def apply(
        self, linux: str, *, progress: Progress = silent
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

    def build(
        self,
        guest: str = DEFAULT_GUEST,
        linux: str = DEFAULT_LINUX,
        kernel: str = DEFAULT_KERNEL,
        *,
        progress: Progress = silent,
    ) -> Ready:
        """Build a kernel for a guest, or find it in the cache; ``.image`` is what boots."""
        from syscraft.build.flavour import find_flavour
        from syscraft.guest.discover import find_guest
        from syscraft.guest.workload import Workload

        chosen, flavour = find_guest(guest), find_flavour(kernel)
        work = Workload((self.unit,), open_tree(linux, progress=progress))
        return chosen.prepare(work, flavour, progress)

    def test(
        self,
        guest: str = DEFAULT_GUEST,
        linux: str = DEFAULT_LINUX,
        kernel: str = DEFAULT_KERNEL,
        *,
        deadline_s: float = TEST_DEADLINE_S,
        progress: Progress = silent,
    ) -> tuple[Cell, ...]:
        """Run every test of the declaration in a guest; a cell has verdict, detail and time."""
        return test_on(
            [self], [guest], [linux], [kernel], deadline_s=deadline_s, progress=progress
        ).cells

    def run(
        self,
        argv: Sequence[str],
        guest: str = DEFAULT_GUEST,
        linux: str = DEFAULT_LINUX,
        kernel: str = DEFAULT_KERNEL,
        *,
        terminal: bool = False,
        deadline_s: float | None = None,
        progress: Progress = silent,
    ) -> int:
        """Run a command of this machine on a kernel with the call; returns its exit status."""
        return run_in(
            [self], argv, guest, linux, kernel,
            terminal=terminal, deadline_s=deadline_s, progress=progress,
        )  # fmt: skip


def _own_tree(linux: str) -> KernelTree:
    """A tree that may be written."""
    if linux.startswith("deb:"):
        raise UsageError.of(
            "this tree is syscraft's own and stays as it is",
            expected="--linux with the path of your tree",
            found=linux,
        )
    return open_tree(linux)


Given = Declaration | str | Path  # a declaration, or where it is


def test_on(
    declarations: Sequence[Given],
    guests: Sequence[str] = (DEFAULT_GUEST,),
    linux: Sequence[str] = (DEFAULT_LINUX,),
    kernels: Sequence[str] = (DEFAULT_KERNEL,),
    *,
    kconfig: Sequence[str] = (),
    kconfig_files: Sequence[str | Path] = (),
    deadline_s: float = TEST_DEADLINE_S,
    again: bool = False,
    progress: Progress = silent,
) -> Matrix:
    """Run the tests of several declarations on several guests and kernels.

    Every kernel has all the calls in it. Python tests run where a guest has this machine's files.

    Args:
        guests: keys of guests, as :func:`all_guests` lists them; ``all`` is every one.
        linux: kernel trees, each ``deb:VERSION`` or a path.
        kernels: flavours, such as ``debug``, or several as one, ``debug+kasan``.
        kconfig: options of the user's own, NAME=VALUE; *kconfig_files* have one a line.
        again: run cells whose verdict is kept, too.

    Raises:
        UsageError: a guest or a flavour is not known, an option is not valid.
        DeclarationError: a declaration is not valid, or has no tests.
        TreeError: the calls cannot be added to one of the trees.
    """
    from syscraft.build.flavour import find_flavour, user_options, with_options
    from syscraft.guest.discover import all_guests as every_guest
    from syscraft.guest.discover import find_guest
    from syscraft.guest.workload import Workload
    from syscraft.lab.plan import Subject, plan
    from syscraft.lab.run import run_jobs

    chosen = (
        every_guest() if "all" in guests else [find_guest(key) for key in dict.fromkeys(guests)]
    )
    own = user_options(kconfig, map(Path, kconfig_files))
    flavours = [with_options(find_flavour(key), own) for key in dict.fromkeys(kernels)]
    loaded = _loaded(declarations)
    _want_tests(loaded)
    units = tuple(declaration.unit for declaration in loaded)
    works = [(name, Workload(units, open_tree(name, progress=progress))) for name in linux]
    options = (
        *(f"--kconfig={option}" for option in kconfig),
        *(f"--kconfig-file={path}" for path in kconfig_files),
    )
    subjects = [Subject(d.unit, d.folder, d.shown_path) for d in loaded]
    return run_jobs(
        plan(chosen, works, flavours, options),
        subjects,
        deadline_s=deadline_s,
        again=again,
        progress=progress,
    )


def run_in(
    declarations: Sequence[Given],
    argv: Sequence[str],
    guest: str = DEFAULT_GUEST,
    linux: str = DEFAULT_LINUX,
    kernel: str = DEFAULT_KERNEL,
    *,
    kconfig: Sequence[str] = (),
    kconfig_files: Sequence[str | Path] = (),
    terminal: bool = False,
    deadline_s: float | None = None,
    progress: Progress = silent,
    ready_to_run: Callable[[], None] = lambda: None,
) -> int:
    """Run a command on a kernel that has the calls of several declarations.

    Args:
        argv: a command of this machine, or, where the guest has not its files, the path of a
            static program that was built for the guest, and its arguments.
        kernel, kconfig, kconfig_files: as for :func:`test_on`.
        terminal: whether the command gets a terminal; our own standard input and output
            are one then.
        ready_to_run: called before the command may print.

    Returns: its exit status.

    Raises:
        UsageError: the guest or the flavour is not known, or the guest cannot run the program.
    """
    from syscraft.build.flavour import find_flavour, user_options, with_options
    from syscraft.guest.discover import find_guest
    from syscraft.guest.workload import Workload
    from syscraft.lab.command import check_command, run_command
    from syscraft.lab.plan import headers_for

    chosen = find_guest(guest)
    own = user_options(kconfig, map(Path, kconfig_files))
    flavour = with_options(find_flavour(kernel), own)
    check_command(chosen, argv[0])
    units = tuple(declaration.unit for declaration in _loaded(declarations))
    work = Workload(units, open_tree(linux, progress=progress))
    headers = headers_for(chosen, work)
    ready = chosen.prepare(work, flavour, progress)
    ready_to_run()
    return run_command(chosen, ready, argv, headers, terminal=terminal, deadline_s=deadline_s)


def _loaded(declarations: Sequence[Given]) -> tuple[Declaration, ...]:
    return tuple(d if isinstance(d, Declaration) else load(d) for d in declarations)


def _want_tests(declarations: Sequence[Declaration]) -> None:
    """Refuse to build a kernel that nothing would be shown on."""
    findings = [
        Finding(
            f"{d.unit.name} has no tests",
            Where(d.shown_path),
            expected="[[cases]] in the declaration, or test_*.c or test_*.py beside it",
        )
        for d in declarations
        if not d.unit.shared.tests and not any(call.cases for call in d.calls)
    ]
    if findings:
        raise DeclarationError(*findings)


def all_guests() -> tuple[str, ...]:
    """The keys of all guests, those at this machine's own speed first."""
    from syscraft.guest.discover import all_guests as every_guest

    return tuple(guest.key for guest in every_guest())


def load(path: str | Path) -> Declaration:
    """Read the declaration at *path*, a TOML file or the folder that holds it.

    Raises:
        UsageError: there is none.
        DeclarationError: it is not valid.
    """
    from syscraft.model.compile import find_declaration, load_unit

    file_path, _ = find_declaration(path)
    return Declaration(load_unit(path), file_path.parent, str(path))


def read_kernel(tree: str, *, progress: Progress = silent) -> KernelCalls:
    """Read every existing call of a kernel tree, ``deb:6.12`` or a path.

    Returns: the calls, and what could not be read, each with its place.

    Raises:
        TreeError: it is no kernel tree.
    """
    from syscraft.scan.read import read_calls

    return read_calls(open_tree(tree, progress=progress), progress)


def known_kernel(name: str, *, progress: Progress = silent) -> Census:
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
    tree: str, calls: Sequence[str] = (), *, progress: Progress = silent
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
            raise UsageError.of(
                f"this kernel defines no call '{name}'",
                Where(tree),
                expected="a name as in SYSCALL_DEFINE",
                found=name,
                hint=near(name, known, at_most=3),
            )
    chosen = [known[name] for name in dict.fromkeys(calls)] or kernel.subjects
    findings = tuple(finding for subject in chosen for finding in judge(subject))
    return findings, () if calls else kernel.unread
