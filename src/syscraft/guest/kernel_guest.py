"""Guests that boot a kernel of their own: what they have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from syscraft import proc
from syscraft.build.flavour import Flavour
from syscraft.build.target import Target
from syscraft.files import digest
from syscraft.guest.base import Guest, Ready, Record, Session
from syscraft.guest.sandbox import check_confinement
from syscraft.guest.session import BOOT_DEADLINE_S
from syscraft.hints import Progress

if TYPE_CHECKING:
    from syscraft.guest.workload import Workload


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
        from syscraft.build.kernel import build_kernel

        for tool, packages in self.tools().items():
            proc.need(tool, packages=packages)
        check_confinement()
        kernel = build_kernel(work.tree, work.change, self.target(flavour), progress)
        record = {
            "image": str(kernel.image),
            "key": kernel.key,
            "repaired": kernel.repaired,
            "bodies": [[b.kernel_path, b.shown_path, b.offset] for b in kernel.bodies],
        }
        return replace(
            self.remembered(record, flavour),
            from_cache=kernel.from_cache, warnings=kernel.warnings,
        )  # fmt: skip

    def remembered(self, record: Record, flavour: Flavour) -> Ready:
        image = Path(str(record["image"]))
        bodies = record["bodies"]
        return Ready(
            key=digest(str(record["key"]), self.key, self.machine, flavour.key, self.state()),
            boots=lambda files: self.boot(image, flavour, files),
            image=image,
            repaired=bool(record["repaired"]),
            how=lambda: self.how(image, flavour),
            explain=lambda log: _explained(log, image, bodies),
            record=record,
        )


def _explained(log: str, image: Path, bodies: object) -> str:
    """Name addresses and the authors' lines; what does it loads slowly, and most logs are dull."""
    from syscraft.build.lines import name_lines
    from syscraft.guest.symbols import name_addresses
    from syscraft.tree.adding import BodyLineMap

    assert isinstance(bodies, list)
    maps = tuple(BodyLineMap(*body) for body in bodies)
    return name_lines(name_addresses(log, image), image, maps)
