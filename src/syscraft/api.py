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

from syscraft.defaults import DEFAULT_GUEST, DEFAULT_KERNEL, DEFAULT_LINUX
from syscraft.errors import UsageError
from syscraft.existing import check_kernel, known_kernel, read_kernel
from syscraft.hints import Progress, silent
from syscraft.tree.source import KernelTree, open_tree

if TYPE_CHECKING:  # these rooms load slowly, and many uses never enter them
    from syscraft.build.flavour import Flavour
    from syscraft.guest.base import Guest, Ready
    from syscraft.lab.cells import Cell, Matrix
    from syscraft.model.call import Call, Unit
    from syscraft.rules.base import RuleFinding
    from syscraft.tree import applied
    from syscraft.tree.adding import KernelChange

__all__ = [
    "Declaration", "all_guests", "build_together", "check", "check_kernel", "check_together",
    "known_kernel", "load", "patch_together", "read_kernel", "run_in", "test_on",
]  # fmt: skip

TEST_DEADLINE_S = 60.0


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

    @property
    def sources(self) -> tuple[Path, ...]:
        """The files that a kernel with the calls is made of, besides its tree."""
        shared = self.unit.shared
        names = (shared.source_name, shared.body.name, *(patch.name for patch in shared.patches))
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
        from syscraft.emit.discover import generate_all
        from syscraft.tree.number import numbers_of
        from syscraft.tree.wire import default_numbers

        chosen = tuple(find_abi(key) for key in dict.fromkeys(abis))
        if linux:
            found = numbers_of(self.calls, open_tree(linux, progress=progress))
            numbers = dict(zip((call.name for call in self.calls), found, strict=True))
        else:
            numbers = default_numbers(self.calls)
        return generate_all(self.unit, numbers, chosen or None, only=tuple(only))

    def write(
        self, folder: str | Path, linux: str | None = None, *, force: bool = False
    ) -> tuple[Path, ...]:
        """Write what :meth:`generate` makes into *folder*; files that are equal stay untouched.

        Args:
            force: replace files that do not say that syscraft made them.

        Raises:
            UsageError: there is one of those.
        """
        from syscraft.output import write_out

        files = {name: text.encode() for name, text in self.generate(linux).items()}
        return tuple(file.path for file in write_out(Path(folder), files, force=force))

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

        progress(f"adding {self.unit.name} to {linux}")
        return apply(self.unit, _own_tree(linux))

    def revert(self, linux: str) -> tuple[applied.Done, tuple[str, ...]]:
        """Take what :meth:`apply` put into a tree out again, byte for byte."""
        from syscraft.tree.applied import revert

        return revert(self.unit, _own_tree(linux))

    def build(
        self,
        guest: str = DEFAULT_GUEST,
        linux: str = DEFAULT_LINUX,
        kernel: str = DEFAULT_KERNEL,
        *,
        progress: Progress = silent,
    ) -> Ready:
        """Build a kernel for a guest, or find it in the cache; ``.image`` is what boots."""
        return build_together([self], guest, linux, kernel, progress=progress)

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


Given = Declaration | str | Path  # a declaration, or where it is


def patch_together(
    declarations: Sequence[Given], linux: str = DEFAULT_LINUX, *, progress: Progress = silent
) -> tuple[KernelChange, ...]:
    """Work out the changes that add several declarations to one tree, one after the other.

    Returns: a change for each; their mails are numbered through.

    Raises:
        DeclarationError: two of them have one name, one pinned number or one option.
    """
    from syscraft.tree.series import in_one_series
    from syscraft.tree.together import wired_together

    loaded = _loaded(declarations)
    changes = wired_together([d.unit for d in loaded], open_tree(linux, progress=progress))
    mails = iter(in_one_series([change.series for change in changes]))
    return tuple(
        replace(change, series=tuple(next(mails) for _ in change.series)) for change in changes
    )


def check_together(declarations: Sequence[Given], linux: str) -> None:
    """Find out whether a tree of your own takes several declarations, and write nothing."""
    from syscraft.tree.together import check_addable

    check_addable([d.unit for d in _loaded(declarations)], _own_tree(linux))


def _own_tree(linux: str) -> KernelTree:
    """A tree that may be written."""
    if linux.startswith("deb:"):
        raise UsageError.of(
            "this tree is syscraft's own and stays as it is",
            expected="--linux with the path of your tree",
            found=linux,
        )
    return open_tree(linux)


def build_together(
    declarations: Sequence[Given],
    guest: str = DEFAULT_GUEST,
    linux: str = DEFAULT_LINUX,
    kernel: str = DEFAULT_KERNEL,
    *,
    progress: Progress = silent,
) -> Ready:
    """Build one kernel with the calls of several declarations, or find it in the cache.

    Raises:
        UsageError, DeclarationError: as for :func:`test_on`.
        BuildError: a body does not compile, or an option did not survive the configuration.
    """
    from syscraft.build.flavour import find_flavour
    from syscraft.guest.discover import find_guest
    from syscraft.guest.workload import Workload

    chosen, flavour = find_guest(guest), find_flavour(kernel)
    tree = open_tree(linux, progress=progress)
    work = Workload(tuple(declaration.unit for declaration in _loaded(declarations)), tree)
    return chosen.prepare(work, flavour, progress)


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
    unsafe: bool = False,
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
        unsafe: start guests without a sandbox: what runs there may do what the user may.

    Raises:
        UsageError: a guest or a flavour is not known, an option is not valid.
        DeclarationError: a declaration is not valid, or has no tests.
        TreeError: the calls cannot be added to one of the trees.
    """
    from syscraft.build.flavour import find_flavour, user_options, with_options
    from syscraft.guest.discover import all_guests as every_guest
    from syscraft.guest.discover import find_guest
    from syscraft.guest.sandbox import opened
    from syscraft.guest.workload import Workload
    from syscraft.lab.plan import Subject, plan, want_tests
    from syscraft.lab.run import run_jobs

    chosen = (
        every_guest() if "all" in guests else [find_guest(key) for key in dict.fromkeys(guests)]
    )
    own = user_options(kconfig, map(Path, kconfig_files))
    flavours = [with_options(find_flavour(key), own) for key in dict.fromkeys(kernels)]
    loaded = _loaded(declarations)
    subjects = [Subject(d.unit, d.folder, d.shown_path) for d in loaded]
    want_tests(subjects)
    units = tuple(declaration.unit for declaration in loaded)
    works = [(name, Workload(units, open_tree(name, progress=progress))) for name in linux]
    options = (
        *(f"--kconfig={option}" for option in kconfig),
        *(f"--kconfig-file={path}" for path in kconfig_files),
        *(("--unsafe",) if unsafe else ()),
    )
    with opened(unsafe=unsafe):
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
    rw: Sequence[str | Path] = (),
    unsafe: bool = False,
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
        rw: folders of this machine whose files the command may change.
        unsafe: as for :func:`test_on`.
        ready_to_run: called before the command may print.

    Returns: its exit status.

    Raises:
        UsageError: the guest or the flavour is not known, or the guest cannot run the program,
            or a folder cannot be opened.
    """
    from syscraft.build.flavour import find_flavour, user_options, with_options
    from syscraft.guest.discover import find_guest
    from syscraft.guest.sandbox import opened
    from syscraft.lab.command import check_command, run_command

    chosen = find_guest(guest)
    own = user_options(kconfig, map(Path, kconfig_files))
    flavour = with_options(find_flavour(kernel), own)
    check_command(chosen, argv[0])
    if rw and not chosen.has.host_files:
        raise UsageError.of(
            f"the guest '{chosen.key}' has none of this machine's files to open",
            expected="a guest with this machine's files, such as --on uml",
            found="--rw",
        )
    with opened(rw, unsafe=unsafe):
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
    work = Workload(tuple(declaration.unit for declaration in loaded), tree)
    headers = headers_for(guest, work)
    ready = guest.prepare(work, flavour, progress)
    if key and ready.record:
        remember(key, [path for d in loaded for path in d.sources], ready.record, headers)
    return ready, headers


def _loaded(declarations: Sequence[Given]) -> tuple[Declaration, ...]:
    return tuple(d if isinstance(d, Declaration) else load(d) for d in declarations)


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
    from syscraft.model.compile import load_unit

    file_path, _ = find_declaration(path)
    return Declaration(load_unit(path), file_path.parent, str(path))


def check(path: str | Path) -> tuple[RuleFinding, ...]:
    """Judge the declaration at *path* by the rules of the design of calls.

    Returns: the findings, those that the declaration silences too.

    Raises:
        UsageError: there is none.
        DeclarationError: it is not valid.
    """
    from syscraft.rules.declared import judge_declared

    return tuple(finding for call in load(path).calls for finding in judge_declared(call))
