"""structs: memory with the kernel's layout, as dataclasses."""

from __future__ import annotations

import copy
import ctypes
import dataclasses
import os
import pickle
import subprocess
from pathlib import Path

import pytest
from abi.compilers import CELLS, Cell, need_compiler

from syscraft.runtime import calls, structs
from syscraft.runtime.structs import (
    Cachestat,
    CachestatRange,
    LandlockPathBeneathAttr,
    LandlockRulesetAttr,
    MntIdReq,
    OpenHow,
    SchedAttr,
    Statmount,
    Statx,
    Struct,
)
from syscraft.tree.headers import uapi_headers

AT_FDCWD = -100  # include/uapi/linux/fcntl.h, Linux 6.12
STRUCTS = structs.all_structs()

# Compilers of one ABI agree, or nothing would work.
SOME = [cell for cell in CELLS if cell.toolchain is cell.abi.toolchains[0]]


@pytest.fixture(scope="module")
def headers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The headers of Linux 6.12 that are the same on every architecture."""
    folder = tmp_path_factory.mktemp("headers")
    (folder / "linux").symlink_to(uapi_headers("x86_64") / "linux")
    (folder / "asm-generic").symlink_to(uapi_headers("x86_64") / "asm-generic")
    return folder


def questions() -> str:
    """A C file that compiles only where every size and offset is what Python has."""
    lines = ["#define NULL 0"]
    lines += [f"#include <{header}>" for header in sorted({s.HEADER for s in STRUCTS})]
    for kind in STRUCTS:
        name = f"struct {kind.C_NAME}"
        lines.append(f'_Static_assert(sizeof({name}) == {kind.SIZE}, "{name}");')
        for field, (offset, size) in kind.OFFSETS.items():
            asked = {f"__builtin_offsetof({name}, {field})": offset,
                     f"sizeof((({name} *)0)->{field})": size}  # fmt: skip
            lines += [f'_Static_assert({x} == {n}, "{name}, {field}");' for x, n in asked.items()]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("cell", SOME, ids=str)
def test_layout_is_the_compilers(cell: Cell, headers: Path, tmp_path: Path) -> None:
    need_compiler(cell)
    own = uapi_headers(cell.abi.linux_arch) if cell.toolchain.kernel_headers else headers
    source = tmp_path / "layout.c"
    source.write_text(questions())
    done = subprocess.run(
        [cell.toolchain.compiler, *cell.toolchain.flags, "-fsyntax-only", "-std=gnu11",
         "-isystem", own, source],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[:2000]


def test_every_field_is_asked_for() -> None:
    text = questions()
    for kind in STRUCTS:
        assert len(kind.OFFSETS) == len(dataclasses.fields(kind)) > 1  # type: ignore[arg-type]
        assert f"sizeof(struct {kind.C_NAME}) == {kind.SIZE}" in text


@pytest.mark.parametrize("kind", STRUCTS, ids=lambda kind: kind.__name__)
def test_fields_are_bytes_at_their_offsets(kind: type[Struct]) -> None:
    for index, field in enumerate(dataclasses.fields(kind)):  # type: ignore[arg-type]
        offset, size = list(kind.OFFSETS.values())[index]
        made = kind(**{f.name: 0 for f in dataclasses.fields(kind)})  # type: ignore[arg-type]
        assert made == bytes(kind.SIZE)
        setattr(made, field.name, 0x5A)
        assert made.index(0x5A) in (offset, offset + size - 1)
        assert getattr(made, field.name) == 0x5A
        assert len(made) == kind.SIZE


def test_sizes_that_structs_tell_of_themselves() -> None:
    assert (SchedAttr().size, MntIdReq().size) == (SchedAttr.SIZE, MntIdReq.SIZE)


def test_openat2_and_back(tmp_path: Path) -> None:
    how = OpenHow(flags=os.O_RDWR | os.O_CREAT, mode=0o600)
    fd = calls.openat2(AT_FDCWD, tmp_path / "new", how, len(how))
    os.close(fd)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600
    how.mode = 1 << 40
    with pytest.raises(OSError, match="Invalid argument"):
        calls.openat2(AT_FDCWD, tmp_path / "new", how, len(how))


def test_the_kernel_fills_a_struct(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(12345))
    found = Statx()
    # STATX_BASIC_STATS, include/uapi/linux/stat.h
    calls.statx(AT_FDCWD, path, 0, 0x7FF, found)
    expected = path.stat()
    assert found.stx_size == 12345
    assert found.stx_mtime_sec * 10**9 + found.stx_mtime_nsec == expected.st_mtime_ns
    assert (found.stx_mode, found.stx_ino) == (expected.st_mode, expected.st_ino)
    attr = SchedAttr()
    calls.sched_getattr(0, attr, len(attr), 0)
    assert attr.sched_nice == os.getpriority(os.PRIO_PROCESS, 0)


def test_structs_are_dataclasses() -> None:
    how = OpenHow(1, resolve=3)
    assert repr(how) == str(how) == "OpenHow(flags=1, mode=0, resolve=3)"
    assert dataclasses.asdict(how) == {"flags": 1, "mode": 0, "resolve": 3}
    assert dataclasses.replace(how, mode=2) == OpenHow(1, 2, 3)
    assert how != OpenHow(1, 2, 3)
    for other in (how.copy(), copy.copy(how), copy.deepcopy(how), pickle.loads(pickle.dumps(how))):
        assert type(other) is OpenHow
        assert other == how
        other.flags = 9
        assert how.flags == 1


def test_bytes_and_back() -> None:
    how = OpenHow(1, 2, 3)
    assert how.pack() == bytes(how) and len(how.pack()) == 24
    assert OpenHow.unpack(how.pack()) == how
    assert OpenHow.unpack(how.pack()[:8]) == OpenHow(1)
    assert OpenHow.unpack(how.pack() + b"more") == how
    shared = ctypes.c_uint64.from_buffer(how, 8)
    how.mode = 7
    assert shared.value == 7


def test_negative_and_large_values() -> None:
    rule = LandlockPathBeneathAttr(allowed_access=(1 << 64) - 1)
    assert (rule.allowed_access, rule.parent_fd, len(rule)) == ((1 << 64) - 1, -1, 12)


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        (-1, OverflowError, "OpenHow.flags does not fit: expected an integer from 0 to 1844674"),
        (1 << 64, OverflowError, "OpenHow.flags does not fit"),
        (1.0, TypeError, "OpenHow.flags is a float: expected an integer"),
        (b"x", TypeError, "OpenHow.flags is a bytes: expected an integer"),
        (None, TypeError, "OpenHow.flags is a NoneType: expected an integer"),
    ],
)
def test_values_that_do_not_fit(value: object, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as raised:
        OpenHow(flags=value)  # type: ignore[arg-type]
    assert message in str(raised.value)


def test_a_struct_keeps_its_size() -> None:
    how = OpenHow()
    attempts = [
        lambda: how.append(1),
        lambda: how.extend(b"1"),
        lambda: how.insert(0, 1),
        lambda: how.pop(),
        lambda: how.remove(0),
        lambda: how.clear(),
        lambda: how.__delitem__(0),
        lambda: how.__iadd__(b"1"),
        lambda: how.__imul__(2),
        lambda: how.__setitem__(slice(0, 8), b"1"),
        lambda: how.__setitem__(slice(0, 0), b"1"),
    ]
    for attempt in attempts:
        with pytest.raises(TypeError, match="the size of OpenHow is fixed: 24 bytes"):
            attempt()
    how[0] = 5
    how[8:16] = how[0:8]
    assert how == OpenHow(5, 5)


def test_cachestat(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(8 * os.sysconf("SC_PAGE_SIZE")))
    found = Cachestat()
    with path.open("rb") as file:
        file.read()
        try:
            calls.cachestat(file.fileno(), CachestatRange(), found, 0)
        except OSError as error:
            # Older than Linux 6.5, or a file system without a page cache.
            assert error.strerror in ("Function not implemented", "Operation not supported")
            return
    assert found.nr_cache == 8


def test_landlock_takes_each_version() -> None:
    attr = LandlockRulesetAttr(handled_access_fs=1)
    # LANDLOCK_CREATE_RULESET_VERSION, include/uapi/linux/landlock.h
    try:
        version = calls.landlock_create_ruleset(None, 0, 1)
    except OSError as error:
        assert error.strerror in ("Function not implemented", "Operation not supported")
        return
    assert version >= 1
    for size in (8, len(attr)):
        os.close(calls.landlock_create_ruleset(attr, size, 0))


def test_statmount_is_as_large_as_its_strings_begin() -> None:
    # offsetof(struct statmount, str), include/uapi/linux/mount.h
    assert Statmount.SIZE == 512
