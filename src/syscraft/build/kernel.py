"""Builds kernels with a call in them; finished kernels are kept by content.

A kernel is built in a working folder of its tree, its guest and its configuration, one build
at a time; :mod:`syscraft.build.working_copy` keeps the sources in it.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from syscraft import proc
from syscraft.build import kconfig, pinning
from syscraft.build.messages import failure
from syscraft.build.target import Target
from syscraft.build.working_copy import WorkingCopy
from syscraft.errors import BuildError, EnvironmentLacks, Where
from syscraft.files import (
    FileLock,
    cache_root,
    digest,
    disk_errors,
    folder_made_whole,
    remove_drafts,
    write_atomic,
)
from syscraft.tree.author_patches import repaired_files
from syscraft.tree.source import KernelTree
from syscraft.tree.wire import KernelChange

Progress = Callable[[str], None]

# Two builds of the same input give the same kernel.
# Source: Documentation/kbuild/reproducible-builds.rst, Linux 6.12
REPRODUCIBLE = {
    "KBUILD_BUILD_TIMESTAMP": "2025-01-01",
    "KBUILD_BUILD_USER": "syscraft",
    "KBUILD_BUILD_HOST": "syscraft",
    "KBUILD_BUILD_VERSION": "1",
    "LC_ALL": "C",
}
# Raised when the same input comes to be built to another kernel: those kept are not it.
_RECIPE = "2"
# What a kernel is not made of: another case in a declaration is no other kernel.
_NOT_BUILT = ("Documentation/", "MAINTAINERS", "tools/")


@dataclass(frozen=True)
class BuiltKernel:
    """A kernel to boot; ``key`` names everything that went into it."""

    image: Path
    key: str
    from_cache: bool
    repaired: bool = False


def build_kernel(
    tree: KernelTree, change: KernelChange, target: Target, progress: Progress
) -> BuiltKernel:
    """Build *tree* with *change* for *target*, or find it in the cache.

    Raises:
        BuildError: the call's body or patches do not compile, or an option did not
            survive the configuration.
        EnvironmentLacks: a tool or disk space is missing.
    """
    compiler = _compiler(target)
    own = (kconfig.parse_option(line) for line in change.config)
    options = kconfig.merged(target.options, own)
    base = digest(tree.key, target.key, kconfig.config_text(target.options), compiler)
    repairs = repaired_files(tree.with_files(change.files), target.repair) if target.repair else {}
    files = {p: data for p, data in change.files.items() if not p.startswith(_NOT_BUILT)}
    change = replace(change, files={**files, **repairs})
    key = digest(_RECIPE, base, tree.state, kconfig.config_text(options), *_flat(change.files))
    image = cache_root() / "kernels" / key / target.image.rsplit("/", 1)[-1]
    if image.exists():
        return BuiltKernel(image, key, True, bool(repairs))
    work = cache_root() / "work" / base
    _check_folder(work)
    lock = FileLock(
        work.with_suffix(".lock"), on_wait=lambda: progress("waiting for another build to end")
    )
    with lock, disk_errors(work):
        if image.exists():
            return BuiltKernel(image, key, True, bool(repairs))
        build = _Build(tree, change, target, work, options, lock.fd, progress)
        built = build.run()
        progress("keeping the kernel")
        _keep(built, image, target)
    return BuiltKernel(image, key, False, bool(repairs))


def _keep(built: Path, image: Path, target: Target) -> None:
    with FileLock(image.parent.parent / ".drafts.lock"):
        remove_drafts(image.parent.parent)
        with folder_made_whole(image.parent) as draft:
            if not target.strip:
                write_atomic(draft / image.name, built.read_bytes())
                return
            done = proc.run(
                [f"{target.compiler_prefix}strip", "-g", "-o", str(draft / image.name), str(built)]
            )
            if not done.ok:
                raise BuildError.of("the kernel cannot be kept", found=done.output.strip())


def _check_folder(work: Path) -> None:
    """Kernel makefiles split paths at blanks and colons. Source: Makefile, Linux 6.12"""
    if any(c in str(work) for c in " \t\n:"):
        raise EnvironmentLacks.of(
            "a kernel cannot be built in a folder with blanks or colons in its path",
            Where(str(cache_root())),
            hint="set SYSCRAFT_CACHE to another folder",
        )


def _flat(files: dict[str, bytes]) -> Iterator[bytes | str]:
    for path, data in sorted(files.items()):
        yield path
        yield data


@functools.cache
def _compiler(target: Target) -> str:
    """The compiler's name and version.

    Raises:
        EnvironmentLacks: it is not here.
    """
    name = target.compiler
    if target.packages:
        proc.need(name, packages=target.packages)
    return proc.run([name, "--version"]).output.splitlines()[0]


class _Build:
    def __init__(
        self,
        tree: KernelTree,
        change: KernelChange,
        target: Target,
        work: Path,
        options: tuple[kconfig.Option, ...],
        lock_fd: int,
        progress: Progress,
    ) -> None:
        self._tree = tree
        self._change = change
        self._target = target
        self._work = work
        self._copy = WorkingCopy(tree, work, progress)
        self._source = self._copy.source
        self._objects = work / "obj"
        self._options = options
        self._lock_fd = lock_fd
        self._progress = progress

    def run(self) -> Path:
        # Host programs are made with gcc, whatever the target's compiler.
        for tool in ("make", "gcc", "flex", "bison", "bc", "perl"):
            proc.need(tool)
        kconfig.check_new(self._change.config, self._tree)
        updated = self._copy.prepare()
        self._objects.mkdir(exist_ok=True)
        self._clean_after_kill()
        changed = self._copy.overlay(self._change)
        if updated:
            (self._work / "configured").unlink(missing_ok=True)
        self._configure()
        # A file that its author has changed as well is not quiet.
        quiet = (changed & self._change.quiet) - updated
        if quiet and self._target.generated:
            pinning.pin(
                self._source, self._objects, self._tree.root, quiet,
                lambda: self._make("archheaders", "headers"),
                image=self._target.image, generated=self._target.generated,
            )  # fmt: skip
        self._make(self._target.make_target, "kernel")
        self._copy.settle()
        return self._objects / self._target.image

    def _configure(self) -> None:
        kconfig.configure(
            self._options, self._target.needs,
            tree=self._tree, source=self._source, objects=self._objects, work=self._work,
            arch=self._target.key,
            make=lambda target, variables: self._make(target, "configuration", **variables),
        )  # fmt: skip

    # -- make -----------------------------------------------------------------------------

    def _clean_after_kill(self) -> None:
        """Drop what a killed compiler may have left half written."""
        marker = self._work / "building"
        if not marker.exists():
            return
        began = marker.stat().st_mtime
        image = self._target.image.rsplit("/", 1)[-1]
        for folder, _, names in os.walk(self._objects):
            for name in names:
                path = Path(folder, name)
                if name.endswith((".o", ".a")) or name in ("vmlinux", image):
                    with contextlib.suppress(OSError):
                        if path.stat().st_mtime >= began:
                            path.unlink()
        marker.unlink()

    def _make(self, target: str, what: str, **variables: str) -> None:
        argv = [
            "make", "-C", str(self._source), f"O={self._objects}",
            f"ARCH={self._target.linux_arch}", *self._compile_with(), f"-j{os.cpu_count() or 1}",
            *(f"{k}={v}" for k, v in variables.items()), target,
        ]  # fmt: skip
        steps = 0

        def on_line(line: str) -> None:
            nonlocal steps
            if line.startswith("  "):
                steps += 1
                self._progress(f"building the {what}: step {steps} {line.split()[-1]}")

        marker = self._work / "building"
        write_atomic(marker, b"")
        self._progress(f"building the {what}")
        try:
            done = proc.run_watched(
                argv, cwd=self._work, env=self._environment(), log=self._work / f"{target}.log",
                on_line=on_line, keep_open=(self._lock_fd,),
            )  # fmt: skip
        except KeyboardInterrupt:
            marker.unlink(missing_ok=True)  # make has removed what it had half made
            raise
        marker.unlink(missing_ok=True)
        if not done.ok:
            raise failure(done, self._source, self._change.body_line_maps)

    def _compile_with(self) -> list[str]:
        prefix, llvm = self._target.compiler_prefix, self._target.llvm
        words = [f"CROSS_COMPILE={prefix}"] if prefix else []
        if llvm is not None:
            words = [f"LLVM={llvm}"]
        if self._through_ccache():
            words.append(f"CC=ccache {self._target.compiler}")
            # ccache makes paths relative (below). Kbuild takes only the absolute path of the
            # sources out of __FILE__; without this, kernels would differ where ccache is.
            relative = os.path.relpath(self._source, self._objects)
            words.append(f"KCPPFLAGS=-fmacro-prefix-map={relative}/=")
        return words

    @staticmethod
    def _through_ccache() -> bool:
        return shutil.which("ccache") is not None

    def _environment(self) -> dict[str, str]:
        if not self._through_ccache():
            return REPRODUCIBLE
        # ccache then knows a file again in the working folder of another configuration.
        settings = {"CCACHE_BASEDIR": str(self._work), "CCACHE_NOHASHDIR": "1"}
        if not (self._objects / self._target.image).exists():
            # Nothing was compiled here before, most likely: running the preprocessor first to
            # find results by its output would make a build of m68k a third longer.
            settings["CCACHE_DEPEND"] = "1"
        return {**REPRODUCIBLE, **settings}
