"""What a kernel is built from, and for whom."""

from __future__ import annotations

from dataclasses import dataclass

from syscraft.build.kconfig import Need, Option


@dataclass(frozen=True)
class Target:
    """What a guest's kernel is made of.

    Args:
        key: the guest.
        linux_arch: ``ARCH=``; ``compiler_prefix`` is ``CROSS_COMPILE=``.
        make_target: what to make; ``image`` is what boots, below the build folder.
        options: what is asked of the configuration.
        needs: what it has to get from the architecture.
        packages: the Debian packages that bring the compiler.
        strip: whether the image is an ELF file without need of what debuggers read.
        generated: folders, below the build folder, of the headers that
            :mod:`syscraft.build.pinning` may keep from rebuilding everything.
        repair: a patch for trees that do not build for it.
        llvm: the suffix of clang and its tools, where they build the kernel instead of gcc.
    """

    key: str
    linux_arch: str
    compiler_prefix: str
    make_target: str
    image: str
    options: tuple[Option, ...]
    needs: tuple[Need, ...] = ()
    packages: tuple[str, ...] = ()
    strip: bool = False
    generated: tuple[str, ...] = ()
    repair: str | None = None
    llvm: str | None = None

    @property
    def compiler(self) -> str:
        """The command that compiles the kernel's C files."""
        return f"{self.compiler_prefix}gcc" if self.llvm is None else f"clang{self.llvm}"
