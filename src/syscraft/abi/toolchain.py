"""The compilers that make programs of an ABI, and what runs these."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Toolchain:
    """A compiler that makes programs of the ABI, and what runs them.

    Args:
        name: tells it from the ABI's others, such as ``gcc`` or ``gcc, big-endian``.
        compiler: the command; ``cxx`` is its C++ brother, None if there is none.
        packages: the Debian packages that bring the compiler and the libc's headers.
        flags: what the compiler needs to make programs of this ABI.
        libc: whether there is a libc to link with; without one, programs start at the
            ``_start`` of the ABI's ``probe.h``.
        link: what linking needs besides.
        kernel_headers: whether the uapi headers come from a kernel tree, because no package
            has them.
        emulator: the command line of a QEMU user emulator; empty if there is none.
        native_on: what uname(2) calls the machines whose kernel may run the programs.
        levels: the levels of optimization at which the compiler can be trusted.
        pie: whether it can make position-independent programs.
        remark: what a reader of the matrix has to know.
    """

    name: str
    compiler: str
    packages: tuple[str, ...]
    cxx: str | None = None
    flags: tuple[str, ...] = ()
    libc: bool = True
    link: tuple[str, ...] = ("-static", "-lgcc_eh")
    kernel_headers: bool = False
    emulator: tuple[str, ...] = ()
    native_on: tuple[str, ...] = ()
    levels: tuple[str, ...] = ("-O0", "-O2", "-Os")
    pie: bool = True
    remark: str = ""
