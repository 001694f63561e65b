"""syscall(): what it takes, what the kernel gets, and what comes back."""

from __future__ import annotations

import array
import ctypes
import enum
import errno
import gc
import itertools
import mmap
import os
import pathlib
import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runtime.core_support import fresh_core, nothing_left, numbers
from syscraft.runtime import _core

syscall = _core.syscall
NR = numbers()
AT_FDCWD = -100  # include/uapi/linux/fcntl.h


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for fd in ends:
        os.close(fd)


def test_result_is_the_kernels() -> None:
    assert syscall(NR["getpid"]) == os.getpid()
    assert syscall(NR["getppid"]) == os.getppid()


def test_every_argument_arrives_in_its_place() -> None:
    with tempfile.TemporaryFile() as file:
        file.truncate(3 * mmap.PAGESIZE)
        os.pwrite(file.fileno(), b"here", 2 * mmap.PAGESIZE)
        address = syscall(
            NR["mmap"], 0, mmap.PAGESIZE, mmap.PROT_READ, mmap.MAP_SHARED, file.fileno(),
            2 * mmap.PAGESIZE,
        )  # fmt: skip
    assert ctypes.string_at(address, 4) == b"here"
    assert syscall(NR["munmap"], address, mmap.PAGESIZE) == 0


def test_registers_without_an_argument_are_zero() -> None:
    # Were they not, getrandom's flags and statx's mask would be EINVAL now and then.
    for _ in range(50):
        syscall(NR["getpid"], -1, -1, -1, -1, -1, -1)
        assert syscall(NR["getrandom"], bytearray(1), 1) == 1


@pytest.mark.parametrize("blocking", [None, True, False, 0, 1])
def test_blocking_changes_nothing_but_the_gil(blocking: Any) -> None:
    assert syscall(NR["getppid"], blocking=blocking) == os.getppid()


class Number(enum.IntEnum):
    ONE = 1


class Index:
    def __index__(self) -> int:
        return 1


class Sized(int):
    pass


@pytest.mark.parametrize("one", [1, True, Number.ONE, Index(), Sized(1)])
def test_integers(one: Any, pipe: tuple[int, int]) -> None:
    assert syscall(NR["write"], pipe[1], b"ab", one) == 1
    assert os.read(pipe[0], 9) == b"a"


def test_false_and_none_are_zero() -> None:
    with pytest.raises(OSError) as caught:
        syscall(NR["read"], -1, None, False)
    assert caught.value.errno == errno.EBADF
    # A null pointer, not the address of an object.
    with pytest.raises(OSError) as caught:
        syscall(NR["getcwd"], None, 4096)
    assert caught.value.errno in (errno.EFAULT, errno.ERANGE)


@pytest.mark.parametrize(
    "value", [-(2**63), -4096, 0, 2**32, 2**63 - 1, 2**63, 2**63 + 5, 2**64 - 4096]
)
def test_all_of_64_bits_arrive_and_come_back(value: int) -> None:
    """A process's memory takes any offset and tells it again; beyond -4095 that is no error."""
    fd = os.open("/proc/self/mem", os.O_RDONLY)
    try:
        as_long = value if value < 2**63 else value - 2**64
        assert syscall(NR["lseek"], fd, value, os.SEEK_SET) == as_long
    finally:
        os.close(fd)


@pytest.mark.parametrize(
    "value",
    [2**64, -(2**63) - 1, 10**5000, -(10**5000)],
    ids=["one too many", "one too few", "huge", "huge and negative"],
)
def test_integers_that_no_register_holds(value: int) -> None:
    with pytest.raises(OverflowError, match=r"argument 2 of syscall\(\) does not fit into 64 bits"):
        syscall(NR["getpid"], 0, value)


def test_number_that_no_register_holds() -> None:
    with pytest.raises(OverflowError, match="the number of a system call"):
        syscall(2**64)


@pytest.mark.parametrize(
    "value", [1.0, 1j, object(), [1], {1: 2}, int, {1}], ids=lambda value: type(value).__name__
)
def test_what_registers_cannot_hold(value: object) -> None:
    name = type(value).__name__
    with pytest.raises(TypeError, match=rf"argument 1 of syscall\(\) is a {name}: expected an int"):
        syscall(NR["getpid"], value)


class BadIndex:
    def __index__(self) -> int:
        raise ZeroDivisionError("from __index__")


class BadPath:
    def __fspath__(self) -> str:
        raise ZeroDivisionError("from __fspath__")


class WrongPath:
    def __fspath__(self) -> int:
        return 1


@pytest.mark.parametrize("value", [BadIndex(), BadPath()])
def test_exceptions_of_arguments_come_through(value: Any) -> None:
    with pytest.raises(ZeroDivisionError, match="from __"):
        syscall(NR["getpid"], b"kept", bytearray(b"kept"), value)


def test_path_that_is_none() -> None:
    with pytest.raises(TypeError, match="__fspath__"):
        syscall(NR["getpid"], WrongPath())


def test_seventh_argument() -> None:
    with pytest.raises(TypeError, match="a system call has at most 6 arguments: 7 given"):
        syscall(NR["getpid"], 1, 2, 3, 4, 5, 6, 7)


def test_no_number() -> None:
    with pytest.raises(TypeError, match="lacks the call's number or name"):
        syscall()  # type: ignore[call-arg]


@pytest.mark.parametrize("number", [1.0, None, b"getpid"])
def test_wrong_number(number: Any) -> None:
    with pytest.raises(TypeError, match="expected an int or a str, found a "):
        syscall(number)


def test_wrong_keyword() -> None:
    with pytest.raises(TypeError, match="no argument 'blockin'"):
        syscall(NR["getpid"], blockin=True)  # type: ignore[call-arg]


def test_blocking_that_is_no_bool() -> None:
    class Bad:
        def __bool__(self) -> bool:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        syscall(NR["getpid"], blocking=Bad())  # type: ignore[arg-type]


def test_call_that_no_kernel_has() -> None:
    with pytest.raises(OSError) as caught:
        syscall(999)
    assert caught.value.errno == errno.ENOSYS


@pytest.mark.parametrize(
    ("number", "arguments", "kind"),
    [
        ("openat", (AT_FDCWD, "/no/such/file", 0), FileNotFoundError),
        ("openat", (AT_FDCWD, "/etc/passwd/more", 0), NotADirectoryError),
        ("openat", (AT_FDCWD, "/", os.O_WRONLY), IsADirectoryError),
        ("mkdirat", (AT_FDCWD, "/tmp", 0o700), FileExistsError),
        ("kill", (2**22 + 1, 0), ProcessLookupError),
        ("wait4", (-1, None, 0, None), ChildProcessError),
    ],
)
def test_subclass_that_belongs_to_the_errno(
    number: str, arguments: tuple[Any, ...], kind: type[OSError]
) -> None:
    with pytest.raises(kind) as caught:
        syscall(NR[number], *arguments)
    paths = [argument for argument in arguments if isinstance(argument, str)]
    assert caught.value.filename == (paths[0] if paths else None)
    assert caught.value.strerror == os.strerror(caught.value.errno or 0)


def test_two_file_names() -> None:
    with pytest.raises(FileNotFoundError) as caught:
        syscall(NR["renameat2"], AT_FDCWD, "/no/such", AT_FDCWD, pathlib.Path("/no/other"), 0)
    assert caught.value.filename == "/no/such"
    assert caught.value.filename2 == "/no/other"


def test_bytes_are_data_and_no_file_name() -> None:
    with pytest.raises(OSError) as caught:
        syscall(NR["write"], -1, b"data", 4)
    assert caught.value.filename is None


@pytest.mark.parametrize("kind", [str, pathlib.Path, os.fsencode])
def test_paths(kind: Any, tmp_path: Path) -> None:
    # Not UTF-8: as in os, it is a lone surrogate in a str.
    name = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9 \xc3\xa9")
    fd = syscall(NR["openat"], AT_FDCWD, kind(name), os.O_CREAT | os.O_WRONLY, 0o600)
    os.close(fd)
    assert os.listdir(os.fsencode(tmp_path)) == [b"caf\xe9 \xc3\xa9"]


def test_string_that_nothing_can_encode() -> None:
    with pytest.raises(UnicodeEncodeError):
        syscall(NR["openat"], AT_FDCWD, "\ud800", 0)


@pytest.mark.parametrize("name", ["a\0b", "\0", pathlib.Path("/tmp/a\0b")])
def test_null_character_in_a_path(name: Any) -> None:
    with pytest.raises(ValueError, match=r"argument 2 of syscall\(\) has a null character"):
        syscall(NR["openat"], AT_FDCWD, name, 0)


def test_null_character_in_data(pipe: tuple[int, int]) -> None:
    assert syscall(NR["write"], pipe[1], b"a\0b", 3) == 3
    assert os.read(pipe[0], 9) == b"a\0b"


@pytest.mark.parametrize(
    "buffer",
    [
        bytearray(4),
        memoryview(bytearray(4)),
        array.array("B", [0] * 4),
        (ctypes.c_char * 4)(),
        ctypes.c_int(0),
    ],
    ids=lambda buffer: type(buffer).__name__,
)
def test_buffers_that_the_kernel_writes(buffer: Any, pipe: tuple[int, int]) -> None:
    os.write(pipe[1], b"abcd")
    assert syscall(NR["read"], pipe[0], buffer, 4) == 4
    assert bytes(memoryview(buffer)) == b"abcd"


def test_part_of_a_buffer(pipe: tuple[int, int]) -> None:
    memory = bytearray(b"......")
    os.write(pipe[1], b"ab")
    assert syscall(NR["read"], pipe[0], memoryview(memory)[2:4], 2) == 2
    assert memory == b"..ab.."


def test_ctypes_structure() -> None:
    class Timespec(ctypes.Structure):
        _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))

    now = Timespec()
    assert syscall(NR["clock_gettime"], 1, now) == 0
    assert now.seconds > 0


def test_buffer_that_is_not_one_piece() -> None:
    with pytest.raises(BufferError, match=r"argument 2 of syscall\(\) is not one piece of memory"):
        syscall(NR["read"], 0, memoryview(bytearray(8))[::2], 4)


def test_buffers_are_free_again_afterwards(pipe: tuple[int, int]) -> None:
    memory = bytearray(4)
    with pytest.raises(OSError):
        syscall(NR["read"], -1, memory, 4)
    with pytest.raises(TypeError):
        syscall(NR["read"], memory, 1.5)
    memory.append(1)  # BufferError while something holds it
    assert len(memory) == 5


@pytest.mark.parametrize("address", [1, 2**63, -4097, 2**47])
def test_bad_pointer(address: int, pipe: tuple[int, int]) -> None:
    os.write(pipe[1], b"a")
    with pytest.raises(OSError) as caught:
        syscall(NR["read"], pipe[0], address, 1)
    assert caught.value.errno == errno.EFAULT


def test_names_need_tables() -> None:
    core = fresh_core()
    with pytest.raises(LookupError, match="no system call is named 'getpid' here"):
        core.syscall("getpid")
    core.set_numbers({"getpid": NR["getpid"]})
    assert core.syscall("getpid") == os.getpid()


def test_missing_says_what_to_raise() -> None:
    core = fresh_core()
    core.set_numbers({}, missing=lambda name: KeyError(f"no {name}"))
    with pytest.raises(KeyError, match="no splork"):
        core.syscall("splork")
    core.set_numbers({}, missing=lambda name: name)
    with pytest.raises(TypeError, match="expected an exception"):
        core.syscall("splork")
    core.set_numbers({}, missing=lambda: None)
    with pytest.raises(TypeError, match="argument"):
        core.syscall("splork")


def test_number_in_a_table_that_is_none() -> None:
    core = fresh_core()
    core.set_numbers({"splork": "one"})
    with pytest.raises(TypeError):
        core.syscall("splork")


def test_refused_calls_say_why() -> None:
    core = fresh_core()
    core.set_numbers({"vfork": 58}, refused={58: "it would break"})
    for call in (58, "vfork"):
        with pytest.raises(ValueError, match="it would break"):
            core.syscall(call)


@pytest.mark.parametrize("number", [-1, 8192])
def test_tables_have_a_limit(number: int) -> None:
    core = fresh_core()
    for keyword in ("keep_gil", "retry"):
        with pytest.raises(ValueError, match="expected one from 0 to 8191"):
            core.set_numbers({"getpid": 1}, **{keyword: [number]})
    with pytest.raises(LookupError):  # all of it, or nothing
        core.syscall("getpid")


@pytest.mark.parametrize(
    ("arguments", "keywords"),
    [((1,), {}), (({},), {"keep_gil": 1}), (({},), {"retry": ["x"]}), (({},), {"refused": 1})],
)
def test_tables_of_the_wrong_type(arguments: Any, keywords: Any) -> None:
    with pytest.raises(TypeError):
        fresh_core().set_numbers(*arguments, **keywords)


def test_loader_runs_once() -> None:
    core = fresh_core()
    runs = []

    def load() -> None:
        runs.append(1)
        core.set_numbers({"getpid": NR["getpid"]})

    core.set_loader(load)
    assert runs == []
    for _ in range(3):
        assert core.syscall("getpid") == os.getpid()
    assert runs == [1]


def test_loader_that_fails_is_tried_again() -> None:
    core = fresh_core()
    failures = [ZeroDivisionError]

    def load() -> None:
        if failures:
            raise failures.pop()

    core.set_loader(load)
    with pytest.raises(ZeroDivisionError):
        core.syscall(NR["getpid"])
    assert core.syscall(NR["getpid"]) == os.getpid()


def test_loader_that_is_none() -> None:
    core = fresh_core()
    core.set_loader(None)
    assert core.syscall(NR["getpid"]) == os.getpid()
    with pytest.raises(TypeError, match="expects a callable"):
        core.set_loader(1)


def test_many_calls_leave_nothing() -> None:
    def some() -> None:
        memory = bytearray(16)
        for _ in range(500):
            syscall(NR["getpid"], 2**70 >> 8, "text", b"bytes", memory, None, pathlib.Path("p"))
            with pytest.raises(OSError):
                syscall(NR["openat"], AT_FDCWD, "/no/such/file", 0)
            with pytest.raises(TypeError):
                syscall(NR["getpid"], "text", memory, pathlib.Path("p"), 1.5)

    def traced() -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    with nothing_left():
        tracemalloc.start()
        some()
        sizes = [traced()]
        for _ in range(4):
            some()
            sizes.append(traced())
        tracemalloc.stop()
    # One object a call would be 16,000 bytes and more, in each round; what else this process
    # does comes and goes.
    assert min(after - before for before, after in itertools.pairwise(sizes)) < 8000
