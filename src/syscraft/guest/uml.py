"""User Mode Linux as a guest, with the host's own root file system."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

from syscraft.build.flavour import Flavour
from syscraft.build.target import Target
from syscraft.guest.base import Guest, Has
from syscraft.guest.host import host_abi
from syscraft.guest.initramfs import initramfs
from syscraft.guest.kernel_guest import KernelGuest
from syscraft.guest.options import guest_options
from syscraft.guest.session import Booted, Wires

_MEMORY_MIB = 512


# Read where a kernel is built, and not where one boots that was built before.
@functools.cache
def _target() -> Target:
    text = (Path(__file__).parent / "uml.config").read_text(encoding="utf-8")
    return Target(
        key="uml",
        linux_arch="um",
        compiler_prefix="",
        make_target="linux",
        image="linux",
        options=guest_options(text),
        strip=True,
        # The build starts with the headers of the machine that it runs on.
        # Source: archheaders in arch/um/Makefile, Linux 6.12
        generated=("arch/x86/include/generated", "arch/um/include/generated"),
    )


class Uml(KernelGuest):
    """The kernel as a process of this machine: what it writes stays in its memory."""

    key = "uml"
    summary = "User Mode Linux, with this machine's files"
    machine = f"linux mem={_MEMORY_MIB}M"
    has = Has(host_files=True, python=True)
    quick = True

    @property
    def abis(self) -> Mapping[str, str]:  # type: ignore[override]
        """It runs programs of this machine, and no others.

        Raises:
            EnvironmentLacks: syscraft does not know their ABI.
        """
        abi = host_abi()
        return {abi.key: abi.toolchains[0].name}

    def target(self, flavour: Flavour) -> Target:
        return flavour.applied(_target())

    def tools(self) -> Mapping[str, Sequence[str]]:
        return {"gcc": ("gcc", "libc6-dev")}

    def boot(self, kernel: Path, flavour: Flavour, files: Mapping[str, Path]) -> Booted:
        archive = initramfs()

        def command(wires: Wires) -> Sequence[str]:
            return (
                str(kernel), f"mem={max(_MEMORY_MIB, flavour.memory_mib)}M", f"initrd={archive}",
                "rdinit=/init", "con=null", f"con0=null,fd:{wires.console}",
                "ssl=null", f"ssl0=fd:{wires.line}",
                # Not in ~/.uml, where a folder for each kernel would stay.
                f"uml_dir={wires.scratch}/",
                "SYSCRAFT_LINE=/dev/ttyS0", "SYSCRAFT_ROOT=hostfs", "panic=-1", *flavour.boot,
            )  # fmt: skip

        return Booted(command, deadline_s=self.boot_deadline_s * flavour.slower)


def guests() -> tuple[Guest, ...]:
    return (Uml(),)
