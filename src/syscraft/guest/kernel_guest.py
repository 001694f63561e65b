"""Guests that boot a kernel of their own: what they have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path

from syscraft import proc
from syscraft.build.flavour import Flavour
from syscraft.build.kernel import BuiltKernel, build_kernel
from syscraft.build.lines import name_lines
from syscraft.build.target import Target
from syscraft.files import digest
from syscraft.guest.base import Guest, Ready, Session
from syscraft.guest.session import BOOT_DEADLINE_S
from syscraft.guest.symbols import name_addresses
from syscraft.guest.workload import Workload
from syscraft.hints import Progress


class KernelGuest(Guest):
    """A guest whose kernel is built for it.

    Attributes:
        boot_deadline_s: how long a plain kernel may take to come up.
    """

    boot_deadline_s: float = BOOT_DEADLINE_S

    @abstractmethod
    def target(self, flavour: Flavour) -> Target:
        """What its kernel of this flavour is made of."""

    @abstractmethod
    def boot(self, kernel: Path, flavour: Flavour, files: Mapping[str, Path]) -> Session:
        """A session on *kernel*, not yet entered; see :class:`Ready` for *files*."""

    def how(self, kernel: Path, flavour: Flavour) -> str:
        """What runs the guest's instructions, for people."""
        return "this machine's processor"

    def state(self) -> str:
        """What changes when a verdict may come out another way on the same kernel."""
        return ""

    def prepare(self, work: Workload, flavour: Flavour, progress: Progress) -> Ready:
        for tool, packages in self.tools().items():
            proc.need(tool, packages=packages)
        kernel = build_kernel(work.tree, work.change, self.target(flavour), progress)
        return self.with_kernel(kernel, flavour)

    def with_kernel(self, kernel: BuiltKernel, flavour: Flavour) -> Ready:
        """The guest, ready to boot a kernel that is there."""
        return Ready(
            key=digest(kernel.key, self.key, self.machine, flavour.key, self.state()),
            boots=lambda files: self.boot(kernel.image, flavour, files),
            image=kernel.image,
            from_cache=kernel.from_cache,
            repaired=kernel.repaired,
            how=lambda: self.how(kernel.image, flavour),
            explain=lambda log: name_lines(
                name_addresses(log, kernel.image), kernel.image, kernel.bodies
            ),
        )
