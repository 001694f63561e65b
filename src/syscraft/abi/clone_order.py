"""The orders in which kernels take clone(2)'s arguments."""

from __future__ import annotations

from enum import Enum


class CloneOrder(Enum):
    """The orders in which kernels take clone(2)'s arguments.

    ``condition`` is the Kconfig symbol that selects the order (None: the default);
    ``parameters`` are the canonical names of :data:`CLONE_PARAMETERS`. microblaze
    has a ``stack_size`` that the kernel ignores.

    Source: SYSCALL_DEFINE(clone) in kernel/fork.c, Linux 6.12; selects in arch/*/Kconfig.
    """

    BACKWARDS = ("CONFIG_CLONE_BACKWARDS", ("flags", "stack", "ptid", "tls", "ctid"))
    BACKWARDS2 = ("CONFIG_CLONE_BACKWARDS2", ("stack", "flags", "ptid", "ctid", "tls"))
    BACKWARDS3 = (
        "CONFIG_CLONE_BACKWARDS3",
        ("flags", "stack", "stack_size", "ptid", "ctid", "tls"),
    )
    DEFAULT = (None, ("flags", "stack", "ptid", "ctid", "tls"))

    @property
    def condition(self) -> str | None:
        condition: str | None = self.value[0]
        return condition

    def parameters(self, extras: tuple[str, ...]) -> tuple[str, ...]:
        """The order of a clone variant with *extras* behind clone's own arguments.

        An unused ``stack_size`` gives its place to the first extra, so that six
        arguments still suffice where clone itself has six.
        """
        names = list(self.value[1])
        rest = list(extras)
        if "stack_size" in names and rest:
            names[names.index("stack_size")] = rest.pop(0)
        return (*names, *rest)
