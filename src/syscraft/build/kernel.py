"""Builds kernels with a call in them; finished kernels are kept by content.

A kernel is built in a working folder of its tree, its guest and its configuration, one build
at a time; :mod:`syscraft.build.working_copy` keeps the sources in it.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from syscraft import proc
from syscraft.build import pinning
from syscraft.build.messages import failure
from syscraft.build.target import Target
from syscraft.build.working_copy import WorkingCopy
from syscraft.errors import BuildError, EnvironmentLacks, Finding, Where
from syscraft.files import (
    FileLock,
    cache_root,
    digest,
    disk_errors,
    folder_made_whole,
    remove_drafts,
    write_atomic,
    write_if_changed,
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
# Above an option of a configuration that older or newer kernels may not know at all.
WHERE_THERE_IS_ONE = "# Where the kernel has it:"
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
    config = target.config + "".join(f"{line}\n" for line in change.config)
    base = digest(tree.key, target.key, target.config, compiler)
    repairs = repaired_files(tree.with_files(change.files), target.repair) if target.repair else {}
    files = {p: data for p, data in change.files.items() if not p.startswith(_NOT_BUILT)}
    change = replace(change, files={**files, **repairs})
    key = digest(_RECIPE, base, tree.state, config, *_flat(change.files))
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
        build = _Build(tree, change, target, work, config, lock.fd, progress)
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
        config: str,
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
        self._config = config
        self._lock_fd = lock_fd
        self._progress = progress

    def run(self) -> Path:
        # Host programs are made with gcc, whatever the target's compiler.
        for tool in ("make", "gcc", "flex", "bison", "bc", "perl"):
            proc.need(tool)
        self._check_options_are_new()
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

    def _check_options_are_new(self) -> None:
        """Refuse an option that the kernel has already: setting it would prove nothing."""
        symbols = [line.partition("=")[0].removeprefix("CONFIG_") for line in self._change.config]
        pattern = rf"^[[:space:]]*(menu)?config ({'|'.join(symbols)})$"
        found = proc.run(["grep", "-rnE", "--include=Kconfig*", pattern, "."], cwd=self._tree.root)
        if found.ok:
            path, line, text = found.output.splitlines()[0].split(":", 2)
            raise BuildError.of(
                f"the kernel has an option CONFIG_{text.split()[-1]} already",
                self._tree.where(path.removeprefix("./"), int(line)),
                expected="a symbol of the call's own",
                hint="choose another name under [kconfig] symbol",
            )

    def _configure(self) -> None:
        fragment = self._work / "fragment"
        stamp = self._work / "configured"
        wanted = digest(self._config, (self._source / "init/Kconfig").read_bytes())
        if stamp.exists() and stamp.read_text() == wanted and (self._objects / ".config").exists():
            return
        write_if_changed(fragment, self._config.encode())
        self._make("allnoconfig", "configuration", KCONFIG_ALLCONFIG=str(fragment))
        got = (self._objects / ".config").read_text().splitlines()
        lost = [
            line
            for line in self._config.splitlines()
            if line and (line.startswith("CONFIG_") or line.endswith(" is not set"))
            and line not in got
            and not (line.endswith(" is not set") and line.split()[1] not in "\n".join(got))
        ]  # fmt: skip
        lost = [line for line in lost if not self._is_unknown(line)]
        if lost:
            raise BuildError(
                *(
                    Finding(
                        "a requested kernel option did not survive the configuration",
                        self._tree.where("init/Kconfig"),
                        line,
                        next((g for g in got if _symbol(line) == _symbol(g)), "nothing"),
                        "another option that it depends on is missing in this kernel",
                    )
                    for line in lost
                )
            )  # fmt: skip
        write_atomic(stamp, wanted.encode())

    def _is_unknown(self, line: str) -> bool:
        """Whether an option is one that this kernel does not have, and need not."""
        before = self._config[: self._config.index(f"{line}\n")].splitlines()
        if not before or before[-1] != WHERE_THERE_IS_ONE:
            return False
        symbol = line.partition("=")[0].removeprefix("CONFIG_")
        pattern = rf"^[[:space:]]*(menu)?config {symbol}$"
        found = proc.run(["grep", "-rqE", "--include=Kconfig*", pattern, "."], cwd=self._source)
        return not found.ok

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


def _symbol(line: str) -> str | None:
    """The option of a line of .config."""
    match = re.match(r"(?:# )?(CONFIG_\w+)", line)
    return match[1] if match else None
