"""User Mode Linux as a guest, with the host's own root file system."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from syscraft.build.kconfig import read_options
from syscraft.build.target import Target
from syscraft.guest.session import Booted

_MEMORY = "mem=512M"

TARGET = Target(
    key="uml",
    linux_arch="um",
    compiler_prefix="",
    make_target="linux",
    image="linux",
    options=read_options((Path(__file__).parent / "uml.config").read_text(encoding="utf-8")),
    strip=True,
    # The build starts with the headers of the machine that it runs on.
    # Source: archheaders in arch/um/Makefile, Linux 6.12
    generated=("arch/x86/include/generated", "arch/um/include/generated"),
)


def uml(kernel: Path, initramfs: Path) -> Booted:
    """A guest that sees this machine's files; what it writes stays in its memory."""

    def command(line: int, log: int) -> Sequence[str]:
        return (
            str(kernel), _MEMORY, f"initrd={initramfs}", "rdinit=/init",
            "con=null", f"con0=null,fd:{log}", "ssl=null", f"ssl0=fd:{line}",
            "SYSCRAFT_LINE=/dev/ttyS0", "SYSCRAFT_ROOT=hostfs", "panic=-1",
        )  # fmt: skip

    return Booted(command)
