"""What is kept is right or made again; what is half made belongs to the living alone."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import command, write_call

from syscraft import files
from syscraft.abi.toolchain import Toolchain
from syscraft.build import kernel as kernels
from syscraft.build.kernel import build_kernel
from syscraft.build.objects import Objects
from syscraft.build.target import Target
from syscraft.errors import EnvironmentLacks
from syscraft.files import (
    cache_root,
    folder_made_whole,
    is_whole,
    read_record,
    remove_drafts,
    seal,
    temporary_folder,
    write_atomic,
    write_record,
)
from syscraft.guest.initramfs import initramfs
from syscraft.hints import silent
from syscraft.lab import remembered
from syscraft.lab.cells import Cell, keep_cell, kept_cell
from syscraft.lab.programs import generated_folder
from syscraft.lab.verdict import Verdict
from syscraft.tree.source import KernelTree
from syscraft.tree.wire import KernelChange


def _truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _empty(path: Path) -> None:
    os.truncate(path, 0)


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x20
    status = path.stat()
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


DAMAGES = (_truncate, _empty, _flip, Path.unlink)
Damage = Callable[[Path], None]


@pytest.fixture(params=DAMAGES, ids=["truncated", "empty", "flipped", "gone"])
def damage(request: pytest.FixtureRequest) -> Damage:
    found: Damage = request.param
    return found


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SYSCRAFT_CACHE", str(tmp_path / "cache"))
    return cache_root()


# -- damage ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["image", "below/lines", ".sealed.json"])
def test_sealed_folder(name: str, damage: Damage, tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    for path in ("image", "below/lines"):
        (tmp_path / path).write_bytes(b"some content")
    assert not is_whole(tmp_path)
    seal(tmp_path)
    assert is_whole(tmp_path)
    damage(tmp_path / name)
    assert not is_whole(tmp_path)


def test_a_file_that_was_added(tmp_path: Path) -> None:
    seal(tmp_path)
    (tmp_path / "more").touch()
    assert not is_whole(tmp_path)


def test_every_byte_of_a_record_counts(tmp_path: Path) -> None:
    path, value = tmp_path / "record", {"verdict": "PASS", "seconds": 1.5}
    write_record(path, value)
    data = path.read_bytes()
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        assert read_record(path) in (None, value)
        path.write_bytes(data[:place])
        assert read_record(path) is None


def test_generated_files(damage: Damage, cache: Path) -> None:
    made = {"splork.h": "int splork(void);\n", "splork.py": "splork = 1\n"}
    folder = generated_folder(made)
    damage(folder / "splork.h")
    assert generated_folder(made) == folder
    assert {path.name: path.read_text() for path in folder.iterdir()} == made


def test_initramfs(damage: Damage, cache: Path) -> None:
    archive = initramfs(Toolchain("gcc", "gcc", ("gcc",)))
    content = archive.read_bytes()
    damage(archive)
    assert initramfs(Toolchain("gcc", "gcc", ("gcc",))).read_bytes() == content


def test_verdict(damage: Damage, cache: Path) -> None:
    cell = Cell("uml", "deb:6.12", "plain", "x86_64", "x", "test_x.c")
    good = replace(cell, verdict=Verdict.PASS, detail="1 test", seconds=1.0)
    keep_cell("key", good)
    assert kept_cell("key", cell) == replace(good, cached=True)
    damage(cache / "cells" / "key.json")
    assert kept_cell("key", cell) is None


@pytest.fixture
def built(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
    """What builds a kernel without make."""
    target = Target("toy", "um", "", "linux", "linux", ())
    (tmp_path / "linux").mkdir()

    def build(tree: KernelTree, change: KernelChange, target: Target, work: Path,
              *_: object) -> Objects:  # fmt: skip
        objects = Objects(work, "key", target.image, silent)
        objects.path.mkdir(parents=True, exist_ok=True)
        objects.image.write_bytes(b"a kernel")
        return objects

    monkeypatch.setattr(kernels, "_build", build)
    tree = KernelTree(tmp_path / "linux", "toy", "linux")
    change = KernelChange({}, {}, (), (), (), frozenset(), ())
    return lambda: build_kernel(tree, change, target, silent).image


@pytest.mark.parametrize("name", ["linux", "lines.json", "warnings.json", ".sealed.json"])
def test_kernel(name: str, damage: Damage, built: Callable[[], Path]) -> None:
    image = built()
    damage(image.parent / name)
    assert built() == image
    assert image.read_bytes() == b"a kernel"
    assert is_whole(image.parent)


@pytest.mark.parametrize("name", ["kernel", "headers", "record"])
def test_remembered_kernel(name: str, damage: Damage, cache: Path, tmp_path: Path) -> None:
    image, headers, source = cache / "kernels/key/linux", cache / "headers/x.h", tmp_path / "x.c"
    for path in (image, headers, source):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"some content")
    seal(image.parent)
    remembered.remember("key", [source], {"image": str(image)}, headers.parent)
    assert remembered.recall("key") is not None
    damage({"kernel": image, "headers": headers, "record": cache / "remembered/key.json"}[name])
    assert remembered.recall("key") is None


# -- kills -----------------------------------------------------------------------------------


def test_half_made_files_of_the_dead_go(tmp_path: Path) -> None:
    dead, alive, others = (tmp_path / n for n in (".syscraft-1.tmp", ".syscraft-2.tmp", ".x.tmp"))
    for path in (dead, alive, others):
        path.touch()
    with alive.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        write_atomic(tmp_path / "new", b"")
    assert {path.name for path in tmp_path.iterdir()} == {alive.name, others.name, "new"}


def test_half_made_folders_of_the_dead_go(tmp_path: Path) -> None:
    dead = tmp_path / ".kernel.1.part"
    dead.mkdir()
    (dead / "file").touch()
    with folder_made_whole(tmp_path / "kernel") as draft:
        (draft / "file").touch()
        remove_drafts(tmp_path)
        assert (draft / "file").exists()
        assert not dead.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["kernel"]


def test_temporary_folders_of_the_dead_go(tmp_path: Path) -> None:
    start = (
        "import os, sys; from pathlib import Path; from syscraft.files import temporary_folder\n"
        "with temporary_folder(Path(sys.argv[1])) as draft: os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([command()[0], "-c", start, str(tmp_path)], check=False)
    assert len(list(tmp_path.iterdir())) == 1
    with temporary_folder(tmp_path) as draft:
        assert list(tmp_path.iterdir()) == [draft]
    assert not list(tmp_path.iterdir())


def test_a_draft_that_was_taken_for_abandoned_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process comes between the making of a draft and its lock."""
    real = fcntl.flock
    calls = 0

    def flock(fd: int, how: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            for draft in tmp_path.rglob(".*"):
                draft.rmdir() if draft.is_dir() else draft.unlink()
        real(fd, how)

    monkeypatch.setattr(files.fcntl, "flock", flock)
    with folder_made_whole(tmp_path / "kernel") as draft:
        (draft / "file").touch()
    calls = 0
    write_atomic(tmp_path / "kernel" / "other", b"")
    assert (tmp_path / "kernel" / "file").exists()


def test_a_kill_costs_what_was_written_last(tmp_path: Path) -> None:
    objects = Objects(tmp_path, "key", "linux", silent)
    objects.prepare()
    times = {"before.o": 1000, "early.o": 2100, "late.o": 2991, "last.o": 3000, "vmlinux": 2995}
    (objects.notes / "building").touch()
    os.utime(objects.notes / "building", (2000, 2000))
    for name, time in times.items():
        (objects.path / name).touch()
        os.utime(objects.path / name, (time, time))
    objects.prepare()
    assert {p.name for p in objects.path.iterdir()} == {"before.o", "early.o", ".syscraft"}
    assert not (objects.notes / "building").exists()


# -- who may read and write ------------------------------------------------------------------


@pytest.mark.parametrize("umask", [0o022, 0o002, 0o027, 0o077])
def test_umask(umask: int, tmp_path: Path) -> None:
    folder = write_call(tmp_path / "sample", "sample")
    subprocess.run(
        command("generate", folder, "-o", tmp_path / "out"),
        umask=umask, check=True, capture_output=True,
    )  # fmt: skip
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o777 & ~umask
    for path in (tmp_path / "out").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask


def test_what_is_replaced_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    path.chmod(0o640)
    write_atomic(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_new_cache_is_ours_alone(cache: Path) -> None:
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o1777, 0o702])
def test_cache_that_others_can_write(
    mode: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSCRAFT_CACHE", str(tmp_path / "open"))
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(mode)
    with pytest.raises(EnvironmentLacks, match="others can write to the cache"):
        cache_root()


def test_cache_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYSCRAFT_CACHE", str(tmp_path / "theirs"))
    (tmp_path / "theirs").mkdir(mode=0o755)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(EnvironmentLacks, match="others can write to the cache"):
        cache_root()
