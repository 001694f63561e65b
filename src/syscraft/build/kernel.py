"""Builds kernels with a call in them; finished kernels are kept by content.

A kernel is built in a working folder of its tree and its guest, one build at a time.
:mod:`syscraft.build.working_copy` keeps the sources in it, :mod:`syscraft.build.objects` the
objects of each configuration.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from syscraft import proc
from syscraft.build import kconfig, pinning
from syscraft.build.configure import configure, lone_options
from syscraft.build.lines import KEPT, line_table, with_line_tables
from syscraft.build.make import Make
from syscraft.build.objects import Objects
from syscraft.build.target import Target
from syscraft.build.working_copy import WorkingCopy
from syscraft.errors import BuildError, EnvironmentLacks, SyscraftError, Where
from syscraft.files import (
    FileLock,
    cache_root,
    digest,
    disk_errors,
    folder_made_whole,
    is_whole,
    read_record,
    remove_drafts,
    remove_tree,
    seal,
    write_atomic,
    write_record,
)
from syscraft.hints import Progress
from syscraft.tree.adding import BodyLineMap, KernelChange
from syscraft.tree.author_patches import repaired_files
from syscraft.tree.source import PLAIN, KernelTree

# Raised when the same input comes to be built to another kernel: those kept are not it.
_RECIPE = "3"
_WARNINGS = "warnings.json"
# What a kernel is not made of: another case in a declaration is no other kernel.
_NOT_BUILT = ("Documentation/", "MAINTAINERS", "tools/")


@dataclass(frozen=True)
class BuiltKernel:
    """A kernel to boot.

    Args:
        key: names everything that went into it.
        repaired: whether the tree does not build without a repair.
        bodies: where the lines of its calls belong.
        warnings: of the compiler, about the authors' lines.
    """

    image: Path
    key: str
    from_cache: bool
    repaired: bool = False
    bodies: tuple[BodyLineMap, ...] = ()
    warnings: tuple[str, ...] = ()


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
    base = digest(tree.key, target.key, compiler)
    repairs = repaired_files(change.seen_in(tree), target.repair) if target.repair else {}
    files = {p: data for p, data in change.files.items() if not p.startswith(_NOT_BUILT)}
    files |= repairs
    removed = frozenset(path for path in change.removed if not path.startswith(_NOT_BUILT))
    modes = {path: mode for path, mode in change.modes.items() if path in files}
    tables = with_line_tables(files, tree, change.body_line_maps)
    change = replace(change, files={**files, **tables}, removed=removed, modes=modes)
    key = digest(_RECIPE, base, tree.state, kconfig.config_text(options), *_flat(change))
    image = cache_root() / "kernels" / key / target.image.rsplit("/", 1)[-1]
    if is_whole(image.parent):
        return _kept(image, key, repairs, change)
    work = cache_root() / "work" / base
    _check_folder(work)
    lock = FileLock(
        work.with_suffix(".lock"), on_wait=lambda: progress("waiting for another build to finish")
    )
    with lock, disk_errors(work):
        if is_whole(image.parent):
            return _kept(image, key, repairs, change)
        objects = _build(tree, change, target, work, options, lock.fd, progress)
        progress("storing the kernel")
        table = line_table(objects.path / "vmlinux", change.body_line_maps)
        warnings = objects.warnings(body.kernel_path for body in change.body_line_maps)
        _keep(objects.image, image, target, table, warnings)
    return replace(_kept(image, key, repairs, change), from_cache=False)


def _kept(image: Path, key: str, repairs: object, change: KernelChange) -> BuiltKernel:
    warnings = tuple(read_record(image.parent / _WARNINGS) or ())
    return BuiltKernel(image, key, True, bool(repairs), change.body_line_maps, warnings)


def _keep(
    built: Path, image: Path, target: Target, lines: bytes, warnings: tuple[str, ...]
) -> None:
    remove_drafts(image.parent.parent)
    remove_tree(image.parent)  # what is there is damaged
    with folder_made_whole(image.parent) as draft:
        write_atomic(draft / KEPT, lines)
        write_record(draft / _WARNINGS, warnings)
        if target.strip:
            strip = f"{target.compiler_prefix}strip"
            done = proc.run([strip, "-g", "-o", str(draft / image.name), str(built)])
            if not done.ok:
                raise BuildError.of("the kernel cannot be stored", found=done.output.strip())
        else:
            write_atomic(draft / image.name, built.read_bytes())
        seal(draft)


def _check_folder(work: Path) -> None:
    """Kernel makefiles split paths at blanks and colons. Source: Makefile, Linux 6.12"""
    if any(c in str(work) for c in " \t\n:"):
        raise EnvironmentLacks.of(
            "a kernel cannot be built in a folder with blanks or colons in its path",
            Where(str(cache_root())),
            hint="set SYSCRAFT_CACHE to another folder",
        )


def _flat(change: KernelChange) -> Iterator[bytes | str]:
    for path, data in sorted(change.files.items()):
        yield path
        yield data
    for path, mode in sorted(change.modes.items()):
        if mode != PLAIN:
            yield f"{path} {mode:o}"
    for path in sorted(change.removed):
        yield f"{path} removed"


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


def _build(
    tree: KernelTree,
    change: KernelChange,
    target: Target,
    work: Path,
    options: tuple[kconfig.Option, ...],
    lock_fd: int,
    progress: Progress,
) -> Objects:
    """Make the kernel in *work*, whose lock is held; returns where it is."""
    # Host programs are made with gcc, whatever the target's compiler.
    for tool in ("make", "gcc", "flex", "bison", "bc", "perl"):
        proc.need(tool)
    copy = WorkingCopy(tree, work, progress)
    objects = Objects(work, _configuration(target), target.image, progress)

    def attempt() -> bool:
        """Build; returns whether the sources were what they should be."""
        copy.prepare()
        objects.prepare()
        try:
            copy.overlay(change)
            with ThreadPoolExecutor(1) as beside:
                whole = beside.submit(copy.is_whole, change)
                bodies = change.body_line_maps
                make = Make(target, work, copy.source, objects, bodies, lock_fd, progress)
                try:
                    quiet = objects.restore_times(copy.source, tree, change)
                    objects.begin(change)
                    _make_all(tree, change, target, options, copy.source, objects, quiet, make)
                except (SyscraftError, OSError):
                    if whole.result():
                        raise
            if whole.result():
                objects.settle(copy.source, tree, change)
        finally:
            objects.note_what_is_left()
        return whole.result()

    _check_new(change, tree, work / "options-checked.json")
    if not attempt():
        progress("the copy of the kernel tree was changed: making it anew")
        copy.discard()
        attempt()
    return objects


def _check_new(change: KernelChange, tree: KernelTree, note: Path) -> None:
    try:
        kconfig.check_new(change.new_config, tree, note)
    except BuildError:
        if tree.watch is None:
            raise
        tree.watch.look_at_all()
        kconfig.check_new(change.new_config, tree, note)


def _make_all(
    tree: KernelTree,
    change: KernelChange,
    target: Target,
    options: tuple[kconfig.Option, ...],
    source: Path,
    objects: Objects,
    quiet: frozenset[str],
    make: Make,
) -> None:
    configure(
        options, target.needs,
        tree=tree, source=source, objects=objects.path, work=objects.notes, arch=target.key,
        own=lone_options(tree, change),
        make=lambda what, variables: make(what, "configuration", **variables),
    )  # fmt: skip
    if quiet and target.generated:
        pinning.pin(
            source, objects.path, tree.root, quiet,
            lambda: make("archheaders", "headers"),
            image=target.image, generated=target.generated,
        )  # fmt: skip
        objects.pinned(quiet, tree)
    make(target.make_target, "kernel")


def _configuration(target: Target) -> str:
    """Name a configuration, apart from the options of the calls."""
    return digest(kconfig.config_text(target.options))
