"""What a guest is: the one interface of everything that runs programs on a kernel.

A guest is found by :mod:`syscraft.guest.discover` and named nowhere else. What it has decides
what is asked of it; nobody asks which guest it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, Self

from syscraft.build.flavour import Flavour
from syscraft.guest.channel import End, Sink, Window
from syscraft.hints import Progress

if TYPE_CHECKING:  # it loads slowly, and a kernel that is remembered needs none
    from syscraft.guest.workload import Workload

Record = Mapping[str, object]  # what JSON can keep


@dataclass(frozen=True)
class Has:
    """What programs find in a guest.

    Args:
        host_files: this machine's files, under their own paths; what a program writes stays
            in the guest.
        python: the interpreter that runs syscraft itself. It comes with ``host_files``.
        kernel_log: what its kernel prints can be read.
        cpus: how many processors it can have.
    """

    host_files: bool = False
    python: bool = False
    kernel_log: bool = True
    cpus: int = 1


class Session(Protocol):
    """A guest that is up, for ``with``; it is gone at the end of the block, whatever happens.

    Raises:
        LabError: from ``with``: the guest could not be set up.
        EOFError, TimeoutError: from ``with``: it ended before it was up, or was not up in time.
    """

    boot_seconds: float

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def log(self) -> str:
        """What the kernel has printed so far; empty where nobody can read it."""

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: str,
        env: Mapping[str, str],
        stdin: int | None = None,
        on_output: Sink,
        on_error: Sink,
        window: Window | None = None,
        deadline_s: float | None = None,
    ) -> End:
        """Run a command to its end; see :meth:`syscraft.guest.channel.Line.run`.

        Raises:
            LabError: the guest failed, and no longer can run anything.
        """


@dataclass(frozen=True)
class Ready:
    """A guest that has been prepared, and can be started as often as wanted.

    Args:
        key: names everything that a verdict depends on besides the program: the kernel,
            the machine and what emulates it.
        boots: makes a session; given are the files to be in the guest besides its own, path
            in the guest -> file of this machine. A guest that has the host's files ignores them.
        image: the kernel, None where the guest runs on the host's.
        from_cache: whether nothing had to be built.
        repaired: whether the tree does not build without a repair.
        warnings: of the kernel's compiler, about the authors' lines; known behind ``prepare``.
        how: what runs the guest's instructions, for people.
        explain: puts names to the bare addresses of a kernel's log, and the authors' lines to
            the functions of their calls.
        record: what :meth:`Guest.remembered` makes the same of again; empty if nothing can.
    """

    key: str
    boots: Callable[[Mapping[str, Path]], Session]
    image: Path | None = None
    from_cache: bool = True
    repaired: bool = False
    warnings: tuple[str, ...] = ()
    how: Callable[[], str] = lambda: ""
    explain: Callable[[str], str] = lambda log: log
    record: Record = field(default_factory=dict)

    def start(self, files: Mapping[str, Path] | None = None) -> Session:
        """A session, not yet entered."""
        return self.boots(files or {})


class Guest(ABC):
    """Something that runs programs of ``abis`` on a kernel that has the calls.

    Attributes:
        key: what users call it; ``summary`` is one line for them, ``machine`` the hardware or
            the command that it is.
        abis: ABI -> name of the toolchain whose programs it runs; its own ABI first.
        has: what programs find there.
        libraries: path in the guest -> file of this machine, of what its programs cannot do
            without; only where it has not the host's files.
        quick: whether it runs at this machine's own speed; such guests come first.
    """

    key: str
    summary: str
    machine: str
    abis: Mapping[str, str]
    has: Has
    libraries: Mapping[str, str] = MappingProxyType({})
    quick: bool = False

    @abstractmethod
    def prepare(self, work: Workload, flavour: Flavour, progress: Progress) -> Ready:
        """Do everything that comes before starting it; a kernel is built, or found.

        Raises:
            BuildError: the calls do not compile.
            EnvironmentLacks: a tool or disk space is missing.
            ConfigError: the kernel cannot be configured as the flavour wants it.
        """

    def remembered(self, record: Record, flavour: Flavour) -> Ready:
        """What an earlier :meth:`prepare` has returned, made of its ``record``."""
        raise NotImplementedError

    @abstractmethod
    def tools(self) -> Mapping[str, Sequence[str]]:
        """Every command that it needs -> the Debian packages that bring it."""

    def numbers(self, work: Workload) -> tuple[int, ...]:
        """The number that each of the calls has there, in the kernel's common table."""
        return work.numbers
