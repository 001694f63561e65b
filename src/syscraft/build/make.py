"""Runs the kernel's make: the same command and environment for every step of a build."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from syscraft import proc
from syscraft.build.messages import failure, warnings
from syscraft.build.objects import Objects
from syscraft.build.target import Target
from syscraft.files import temporary_folder
from syscraft.hints import Progress
from syscraft.tree.adding import BodyLineMap

# Two builds of the same input give the same kernel.
# Source: Documentation/kbuild/reproducible-builds.rst, Linux 6.12
REPRODUCIBLE = {
    "KBUILD_BUILD_TIMESTAMP": "2025-01-01",
    "KBUILD_BUILD_USER": "syscraft",
    "KBUILD_BUILD_HOST": "syscraft",
    "KBUILD_BUILD_VERSION": "1",
    "LC_ALL": "C",
    # The kernel's makefiles take LC_ALL out again, and a compiler's messages are read here.
    # Source: GNU gettext manual, "Locale Environment Variables"
    "LANGUAGE": "C",
}

# What make says that it does: "  CC      kernel/fork.o". Compilers indent what they quote, too.
# Source: scripts/Kbuild.include, Linux 6.12
_STEP = re.compile(r"  [A-Z].* (\S+)$")

# With CCACHE_BASEDIR, ccache then knows a file again in the working folder of another
# configuration.
CCACHE_SETTINGS = {"CCACHE_NOHASHDIR": "1"}


def through_ccache(compiler: str, source: Path, objects: Path) -> list[str]:
    """The words that let make compile through ccache, with CCACHE_SETTINGS in its environment.

    ccache makes paths relative. Kbuild takes only the absolute path of the sources out of
    __FILE__; without KCPPFLAGS, kernels would differ where ccache is.
    """
    relative = os.path.relpath(source, objects)
    return [f"CC=ccache {compiler}", f"KCPPFLAGS=-fmacro-prefix-map={relative}/="]


class Make:
    """make in a working folder.

    Args:
        work: holds ``source`` and the folder of ``objects``.
        bodies: where a compiler's messages about the calls belong.
        lock_fd: stays open in make, so that nobody enters the folder while it runs.
    """

    def __init__(
        self,
        target: Target,
        work: Path,
        source: Path,
        objects: Objects,
        bodies: tuple[BodyLineMap, ...],
        lock_fd: int,
        progress: Progress,
    ) -> None:
        self._target = target
        self._work = work
        self._source = source
        self._objects = objects
        self._bodies = bodies
        self._lock_fd = lock_fd
        self._progress = progress

    def __call__(self, target: str, what: str, **variables: str) -> None:
        """Make *target*; *what* is said to the person who waits.

        Raises:
            BuildError: it failed, with the compiler's messages.
            EnvironmentLacks: the disk is full.
        """
        argv = [
            "make", "-C", str(self._source), f"O={self._objects.path}",
            f"ARCH={self._target.linux_arch}", *self._compile_with(), f"-j{os.cpu_count() or 1}",
            *(f"{k}={v}" for k, v in variables.items()), target,
        ]  # fmt: skip
        steps = 0

        def on_line(line: str) -> None:
            nonlocal steps
            if step := _STEP.match(line):
                steps += 1
                self._progress(f"building the {what}: step {steps} {step[1]}")

        self._progress(f"building the {what}")
        with temporary_folder(self._work) as scratch, self._objects.being_built():
            done = proc.run_watched(
                argv, cwd=self._work, env={**self._environment(), "TMPDIR": str(scratch)},
                log=self._objects.notes / f"{target}.log",
                on_line=on_line, keep_open=(self._lock_fd,),
            )  # fmt: skip
        self._objects.keep_warnings(warnings(done.output, self._source, self._bodies))
        if not done.ok:
            raise failure(done, self._source, self._bodies)

    def _compile_with(self) -> list[str]:
        prefix, llvm = self._target.compiler_prefix, self._target.llvm
        words = [f"CROSS_COMPILE={prefix}"] if prefix else []
        if llvm is not None:
            words = [f"LLVM={llvm}"]
        if self._through_ccache():
            words += through_ccache(self._target.compiler, self._source, self._objects.path)
        return words

    @staticmethod
    def _through_ccache() -> bool:
        return shutil.which("ccache") is not None

    def _environment(self) -> dict[str, str]:
        if not self._through_ccache():
            return REPRODUCIBLE
        settings = CCACHE_SETTINGS | {"CCACHE_BASEDIR": str(self._work)}
        if not self._objects.image.exists():
            # Nothing was compiled here before, most likely: running the preprocessor first to
            # find results by its output would make a build of m68k a third longer.
            settings["CCACHE_DEPEND"] = "1"
        return {**REPRODUCIBLE, **settings}
