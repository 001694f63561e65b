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

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from syscraft.errors import DeclarationError, Finding, TreeError, UsageError, Where
from syscraft.hints import Progress, near, silent
from syscraft.tree.source import DEFAULT_LINUX, KernelTree, open_tree

if TYPE_CHECKING:  # these rooms load slowly, and many uses never enter them
    from syscraft.build.flavour import Flavour
    from syscraft.calls.census import Census
    from syscraft.guest.base import Guest, Ready
    from syscraft.lab.cells import Cell, Matrix
    from syscraft.model.call import Call
    from syscraft.rules.base import RuleFinding
    from syscraft.scan.read import KernelCalls
    from syscraft.tree import applied
    from syscraft.tree.wire import KernelChange

TEST_DEADLINE_S = 60.0
DEFAULT_GUEST = "uml"
DEFAULT_KERNEL = "plain"


@dataclass(frozen=True)
class Declaration:
    """A call and what can be made of it.

    Every method raises :class:`syscraft.errors.SyscraftError` and nothing else on purpose.
    ``linux`` names a kernel tree: ``deb:6.12`` or a path.

    Args:
        call: as it is declared.
        folder: where the declaration is; ``shown_path`` is how the user named it.
    """

    call: Call
    folder: Path
    shown_path: str = ""

    @property
    def sources(self) -> tuple[Path, ...]:
        """The files that a kernel with the call is made of, besides its tree."""
        texts = (self.call.body, *self.call.patches)
        names = (self.call.source_name, *(text.name for text in texts))
        return tuple(self.folder / name for name in names)

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
        from syscraft.emit.discover import generate
        from syscraft.tree.wire import default_number

        number = self.patch(linux, progress=progress).number if linux else default_number(self.call)
        if number is None:
            raise UsageError.of(
                "only a kernel tree can tell the next number",
                self.call.number.where,
                hint="add --linux deb:6.12, or the path of your tree",
            )
        chosen = tuple(find_abi(key) for key in dict.fromkeys(abis))
        return generate(self.call, number, chosen or None, only=tuple(only))

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

        return wired(self.call, open_tree(linux, progress=progress))

    def apply(
        self, linux: str, *, progress: Progress = silent
    ) -> tuple[applied.Done, tuple[str, ...]]:
        """Put the kernel change into a tree of your own, or bring it up to date there.

        Returns: what was done, and the paths that were written.
        """
        from syscraft.model.call import NumberPolicy
        from syscraft.tree.applied import apply
        from syscraft.tree.wire import wired

        progress(f"adding {self.call.name} to {linux}")
        tree = _own_tree(linux)

        def work_out(clean: KernelTree, number: int | None) -> KernelChange:
            if number is None or self.call.number.policy is NumberPolicy.FIXED:
                return wired(self.call, clean)
            # A call keeps its number for as long as it stays in the tree.
            kept = replace(self.call.number, policy=NumberPolicy.FIXED, fixed=number)
            return wired(replace(self.call, number=kept), clean)

        return apply(self.call.name, tree, work_out)

    def revert(self, linux: str) -> tuple[applied.Done, tuple[str, ...]]:
        """Take what :meth:`apply` put into a tree out again, byte for byte."""
        from syscraft.tree.applied import revert

        return revert(self.call.name, _own_tree(linux))

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
        work = Workload((self.call,), open_tree(linux, progress=progress))
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
    calls = tuple(declaration.call for declaration in loaded)
    works = [(name, Workload(calls, open_tree(name, progress=progress))) for name in linux]
    options = (
        *(f"--kconfig={option}" for option in kconfig),
        *(f"--kconfig-file={path}" for path in kconfig_files),
    )
    subjects = [Subject((d.call,), d.folder, d.shown_path) for d in loaded]
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
    from syscraft.lab.command import check_command, run_command

    chosen = find_guest(guest)
    own = user_options(kconfig, map(Path, kconfig_files))
    flavour = with_options(find_flavour(kernel), own)
    check_command(chosen, argv[0])
    ready, headers = _ready(declarations, chosen, linux, flavour, progress)
    ready_to_run()
    return run_command(chosen, ready, argv, headers, terminal=terminal, deadline_s=deadline_s)


def _ready(
    declarations: Sequence[Given],
    guest: Guest,
    linux: str,
    flavour: Flavour,
    progress: Progress,
) -> tuple[Ready, Path]:
    """A guest with the calls, and a folder of the files that go with them.

    What digests can decide is not worked out again: where the declarations are given by their
    paths, a kernel of the same files, tree and tools is taken without reading any of them.
    """
    from syscraft.declaration.find import find_declaration
    from syscraft.lab.remembered import recall, remember, remembered_key

    tree = open_tree(linux, progress=progress)
    paths = [str(find_declaration(d)[0]) for d in declarations if not isinstance(d, Declaration)]
    key = ""
    if len(paths) == len(declarations):
        key = remembered_key(
            guest.key, tree.key, tree.state, repr(flavour), *paths, tools=guest.tools()
        )
        if found := recall(key):
            return guest.remembered(found.kernel, flavour), found.headers

    from syscraft.guest.workload import Workload
    from syscraft.lab.plan import headers_for

    loaded = _loaded(declarations)
    work = Workload(tuple(declaration.call for declaration in loaded), tree)
    headers = headers_for(guest, work)
    ready = guest.prepare(work, flavour, progress)
    if key and ready.record:
        remember(key, [path for d in loaded for path in d.sources], ready.record, headers)
    return ready, headers


def _loaded(declarations: Sequence[Given]) -> tuple[Declaration, ...]:
    return tuple(d if isinstance(d, Declaration) else load(d) for d in declarations)


def _want_tests(declarations: Sequence[Declaration]) -> None:
    """Refuse to build a kernel that nothing would be shown on."""
    findings = [
        Finding(
            f"{d.call.name} has no tests",
            Where(d.shown_path),
            expected="[[cases]] in the declaration, or test_*.c or test_*.py beside it",
        )
        for d in declarations
        if not d.call.cases and not d.call.tests
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
    from syscraft.declaration.find import find_declaration
    from syscraft.model.compile import load as load_call

    file_path, _ = find_declaration(path)
    return Declaration(load_call(path), file_path.parent, str(path))


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
    from syscraft.rules.declared import judge_declared

    return judge_declared(load(path).call)


def _is_about(finding: Finding, call: str) -> bool:
    from syscraft.scan.definitions import UnreadCall

    return isinstance(finding, UnreadCall) and finding.symbol == f"sys_{call}"


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
            if lost := [f for f in kernel.unread if _is_about(f, name)]:
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
