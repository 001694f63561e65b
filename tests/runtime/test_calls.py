"""calls: every call of this program's ABI, as a function."""

from __future__ import annotations

import errno
import inspect
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typing_extensions import Buffer

from syscraft.abi.discover import all_abis
from syscraft.abi.layout import Pairs
from syscraft.errors import EnvironmentLacks
from syscraft.runtime import call_maker, call_table, calls
from syscraft.runtime.call_table import Abi, Table, may_be_written, parameters, registers
from syscraft.runtime.policy import READ_ONLY, REFUSED, RETRY
from syscraft.runtime.structs import OpenHow

AT_FDCWD = -100  # include/uapi/linux/fcntl.h, Linux 6.12


def test_calls_answer_as_the_os_module_does() -> None:
    assert calls.getppid() == os.getppid()
    assert calls.getpid() == os.getpid()
    assert calls.getuid() == os.getuid()
    before = calls.umask(0o27)
    assert calls.umask(before) == 0o27


def test_arguments_by_name_in_any_order(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    how = OpenHow(flags=os.O_RDONLY)
    fd = calls.openat2(usize=len(how), how=how, filename=tmp_path / "file", dfd=AT_FDCWD)
    try:
        buffer = bytearray(4)
        assert calls.read(fd, buffer, len(buffer)) == 4
        assert buffer == b"cont"
        assert calls.pread64(fd=fd, buf=buffer, count=4, pos=3) == 4
        assert buffer == b"tent"
    finally:
        os.close(fd)


def test_errors_tell_the_path_and_no_other_text(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    with pytest.raises(FileNotFoundError) as raised:
        calls.openat(AT_FDCWD, missing, os.O_RDONLY, 0)
    assert raised.value.filename == missing
    with pytest.raises(FileNotFoundError) as raised:
        calls.renameat2(AT_FDCWD, missing, AT_FDCWD, missing + "2", 0)
    assert (raised.value.filename, raised.value.filename2) == (missing, missing + "2")
    with pytest.raises(FileNotFoundError) as raised:
        calls.getxattr(missing, "user.name", None, 0)
    assert (raised.value.filename, raised.value.filename2) == (missing, None)


def test_an_integer_takes_no_memory() -> None:
    with pytest.raises(TypeError, match=r"read\(\): count"):
        calls.read(0, bytearray(1), b"1")  # type: ignore[arg-type]


def test_a_long_may_be_an_address() -> None:
    # PR_GET_NAME, include/uapi/linux/prctl.h
    name = bytearray(16)
    calls.prctl(16, name, 0, 0, 0)
    assert name.rstrip(b"\0")


def test_a_call_that_this_abi_lacks() -> None:
    lacking = sorted(set(call_table._signatures()) - set(calls.numbers()))
    assert "osf_mount" in lacking or "arch_prctl" in lacking
    for name in lacking:
        call = getattr(calls, name)
        assert call.number == -1
        assert "ENOSYS" in call.__doc__ or name in REFUSED
        if name not in REFUSED:
            with pytest.raises(OSError) as raised:
                call(*(0 for _ in call.params))
            assert (raised.value.errno, raised.value.filename) == (errno.ENOSYS, name)


def test_a_call_that_linux_has_no_more() -> None:
    call = calls.nfsservctl  # type: ignore[attr-defined]
    assert "no such call any more" in call.__doc__
    with pytest.raises(OSError) as raised:
        call()
    assert raised.value.errno == errno.ENOSYS


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_call_that_no_interpreter_survives(name: str) -> None:
    call = getattr(calls, name)
    assert REFUSED[name] in call.__doc__
    with pytest.raises(ValueError, match=r"\w+") as raised:
        call(*(0 for _ in call.params))
    assert str(raised.value) == REFUSED[name]


def test_a_name_that_is_no_call() -> None:
    with pytest.raises(AttributeError, match="no call 'opanat2'; did you mean 'openat2'"):
        calls.opanat2  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(AttributeError, match=r"no call '__wrapped__'$"):
        calls.__wrapped__  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(AttributeError, match=r"no call 'qqqqqqqq'$"):
        calls.qqqqqqqq  # type: ignore[attr-defined]  # noqa: B018


def test_every_call_is_listed_documented_and_made_once() -> None:
    names = set(dir(calls)) - {"KEEP_GIL", "all_names", "numbers"}
    assert names == set(calls.numbers()) <= set(calls.all_names())
    for name in names:
        call = getattr(calls, name)
        assert getattr(calls, name) is call
        assert (call.__name__, call.number) == (name, calls.numbers()[name])
        assert list(inspect.signature(call).parameters) == list(call.params)
        assert all(param in call.__doc__ for param in call.params)
    assert "C: long openat2(int dfd, const char *filename, struct open_how *how, size_t usize)" in (
        calls.openat2.__doc__ or ""
    )


def test_names_of_the_module_are_no_calls() -> None:
    assert not {"KEEP_GIL", "all_names", "numbers"} & set(calls.all_names())


def test_only_known_calls_keep_the_gil() -> None:
    assert set(calls.all_names()) >= calls.KEEP_GIL
    for name in calls.numbers():
        assert getattr(calls, name).blocking is (name not in calls.KEEP_GIL)
    for name in calls.KEEP_GIL:
        # No memory of the caller's: reading a page in may take long.
        assert not any(p.takes_memory for t in call_table._signatures()[name]
                       for p in parameters(name, t))  # fmt: skip


def test_import_reads_no_table() -> None:
    """Tables are read when the first call is asked for, and not by who only imports."""
    script = "import sys\nimport syscraft.runtime.calls\nprint('json' in sys.modules)\n"
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{script}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "False\n"


@pytest.mark.parametrize("abi", all_abis(), ids=lambda abi: abi.key)
def test_every_table_makes_calls(abi) -> None:  # type: ignore[no-untyped-def]
    table = Table(abi_of(abi))
    wide = set()
    for name, number in table.numbers.items():
        call = call_maker.make_call(table, name)
        assert call is not None
        assert call.number == number  # type: ignore[attr-defined]
        if isinstance(call, call_maker.WideCall):
            wide.add(name)
    assert bool(wide) is (abi.pairs is not Pairs.WHOLE)


def test_what_is_special_of_calls_is_of_real_ones() -> None:
    assert set(RETRY) | set(REFUSED) <= set(calls.all_names())
    assert not set(RETRY) & set(REFUSED)
    for name, listed in READ_ONLY.items():
        known = [p for text in call_table._signatures()[name] for p in parameters(name, text)]
        for parameter in listed.split():
            found = [p for p in known if p.name == parameter]
            assert not any(p.is_written for p in found), name
            assert any(may_be_written(p.c_type) for p in found), name


# As text, for the compiler keeps one object for equal constants.
CONSTANTS = {
    "bytes": "bytes([7])",
    "view": "memoryview(bytes([7]))",
    "part": "memoryview(bytes([6, 7]))[1:]",
    "str": "chr(7)",
    "path": "Path(chr(7))",
}


@pytest.mark.parametrize("made", CONSTANTS.values(), ids=CONSTANTS)
def test_what_cannot_change_is_not_written_to(made: str) -> None:
    """A byte is one object for the whole interpreter: another one would be that for everybody."""
    value = eval(made)
    read, write = os.pipe()
    os.write(write, b"X")
    try:
        with pytest.raises(
            TypeError, match=r"read\(\): buf is a \w+, which cannot change: expected"
        ):
            calls.read(read, value, 1)
        assert calls.read(read, memoryview(bytearray(1)), 1) == 1
    finally:
        os.close(read)
        os.close(write)
    assert bytes([7]) == b"\x07"


@pytest.mark.parametrize("kind", [bytes, memoryview])
def test_a_word_is_a_copy_of_what_cannot_change(kind: Callable[[bytes], Buffer]) -> None:
    """prctl(2) reads or writes, by its first argument: PR_GET_NAME, include/uapi/linux/prctl.h"""
    name = bytes(16)
    assert calls.prctl(16, kind(name), 0, 0, 0) == 0
    assert name == bytearray(16)
    # What is read there arrives: PR_SET_NAME, as it was before.
    own, now = bytearray(16), bytearray(16)
    calls.prctl(16, own, 0, 0, 0)
    for wanted in (kind(b"renamed"), "renamed"):
        calls.prctl(15, wanted, 0, 0, 0)
        calls.prctl(16, now, 0, 0, 0)
        assert now.rstrip(b"\0") == b"renamed"
        calls.prctl(15, own, 0, 0, 0)


def test_what_the_kernel_only_reads_may_be_constant(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    how = OpenHow(flags=os.O_RDONLY).pack()
    fd = calls.openat2(AT_FDCWD, tmp_path / "file", how, len(how))
    assert calls.write(os.open("/dev/null", os.O_WRONLY), b"text", 4) == 4
    os.close(fd)
    # It is the type that counts: names of a file, without const.
    with pytest.raises(PermissionError if os.geteuid() else FileNotFoundError):
        calls.umount2(str(tmp_path / "missing"), 0)


def test_signatures_have_the_types_of_c() -> None:
    signature = call_maker.signature_of("openat2", calls.openat2.params)
    assert str(signature) == (
        "(dfd: 'int', filename: 'const char *', how: 'struct open_how *', usize: 'size_t') "
        "-> 'long'"
    )
    assert str(call_maker.signature_of("splork", ("arg1", "arg2"))) == "(arg1, arg2)"
    # The parameters of another ABI's variant.
    assert str(call_maker.signature_of("read", ("other",))) == "(other)"


def header(machine: int, bits: int, little: bool, flags: int) -> bytes:
    order = "little" if little else "big"
    data = bytearray(64)
    data[:6] = b"\x7fELF" + bytes([bits // 32, 1 if little else 2])
    data[18:20] = machine.to_bytes(2, order)  # type: ignore[arg-type]
    place = 48 if bits == 64 else 36
    data[place : place + 4] = flags.to_bytes(4, order)  # type: ignore[arg-type]
    return bytes(data)


@pytest.mark.parametrize("abi", all_abis(), ids=lambda abi: abi.key)
def test_a_program_knows_its_abi(abi) -> None:  # type: ignore[no-untyped-def]
    for elf in abi.elf:
        noise = 0xFFFFFFFF & ~elf.flags_mask
        found = call_table._abi_of(
            header(elf.machine, elf.bits, elf.little_endian, elf.flags | noise)
        )
        assert (found.key, found.long_bytes) == (abi.key, abi.long_bytes)
        assert Table(found).numbers["exit"] == abi.exit_number


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (header(0x1234, 64, True, 5), "machine 4660, class 2, data 1, flags 0x5"),
        (b"#!/bin/sh\n" * 6, "b'#!/b' and 60 bytes"),
        (b"\x7fELF", "b'\\x7fELF' and 4 bytes"),
    ],
)
def test_a_program_of_no_known_abi(data: bytes, found: str) -> None:
    with pytest.raises(EnvironmentLacks) as raised:
        call_table._abi_of(data)
    assert "this program's ABI is not known" in str(raised.value)
    assert found in str(raised.value)


def test_a_program_that_cannot_read_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> object:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), args[0])

    monkeypatch.setattr(call_table, "open", refuse, raising=False)
    with pytest.raises(EnvironmentLacks) as raised:
        call_table._own_header()
    assert "/proc/self/exe" in str(raised.value)
    assert "No such file or directory" in str(raised.value)


WHOLE, NEXT, EVEN = (Abi("toy", size, pairs) for size, pairs in
                     ((8, "WHOLE"), (4, "NEXT"), (4, "EVEN")))  # fmt: skip


@pytest.mark.parametrize(
    ("abi", "order", "text", "expected"),
    [
        (WHOLE, "little", "int fd, loff_t pos, int flags", [7, 0x1_8000_0002, 9]),
        (NEXT, "little", "int fd, loff_t pos, int flags", [7, 0x8000_0002, 1, 9]),
        (NEXT, "big", "int fd, loff_t pos, int flags", [7, 1, 0x8000_0002, 9]),
        (EVEN, "little", "int fd, loff_t pos, int flags", [7, 0, 0x8000_0002, 1, 9]),
        (EVEN, "big", "int fd, loff_t pos, int flags", [7, 0, 1, 0x8000_0002, 9]),
        (EVEN, "little", "loff_t pos, int fd", [0x8000_0002, 1, 7]),
        (EVEN, "little", "int fd, loff_t *pos", [7, 0x1_8000_0002]),
    ],
)
def test_halves_of_wide_values(abi: Abi, order: str, text: str, expected: list[int]) -> None:
    values = {"fd": 7, "pos": 0x1_8000_0002, "flags": 9}
    wanted = parameters("toy", text)
    laid_out = registers(abi, wanted, order)
    assert laid_out.fill([values[parameter.name] for parameter in wanted]) == expected


def wide_call(name: str, passed: list[tuple[object, ...]]) -> call_maker.WideCall:
    """A call of a 32-bit ABI whose registers end in a list."""
    table = Table(next(abi_of(abi) for abi in all_abis() if abi.pairs.name == "EVEN"))
    prototype = table.prototype(name)
    assert prototype is not None
    made = call_maker.make_call(table, name)
    assert isinstance(made, call_maker.WideCall)

    def record(*values: object) -> int:
        passed.append(values)
        return 3

    return call_maker.WideCall(
        prototype, registers(table.abi, prototype.parameters, "little"), record, made.__doc__ or ""
    )


def abi_of(abi) -> Abi:  # type: ignore[no-untyped-def]
    elf = abi.elf[0]
    return call_table._abi_of(header(elf.machine, elf.bits, elf.little_endian, elf.flags))


def test_wide_calls_take_whole_values() -> None:
    passed: list[tuple[object, ...]] = []
    call = wide_call("pread64", passed)
    buffer = bytearray(1)
    assert call(7, buffer, count=1, pos=-2) == 3
    assert passed == [(7, buffer, 1, 0, 0xFFFFFFFE, 0xFFFFFFFF)]
    assert list(inspect.signature(call).parameters) == ["fd", "buf", "count", "pos"]
    assert call.__name__ == "pread64" and "loff_t pos" in (call.__doc__ or "")
    assert repr(call) == f"<system call pread64(fd, buf, count, pos), number {call.number}>"


@pytest.mark.parametrize(
    ("args", "kwargs", "kind", "message"),
    [
        ((1, None, 1), {}, TypeError, "takes 4 arguments, 3 given; it is pread64(fd, buf, count"),
        ((1, None, 1, 2, 3), {}, TypeError, "takes 4 arguments, 5 given"),
        ((1, None, 1), {"offset": 1}, TypeError, "has no argument 'offset'"),
        ((1, None, 1, 2), {"fd": 1}, TypeError, "got argument 'fd' twice"),
        ((1, None, 1, b"2"), {}, TypeError, "pos is a bytes: expected an integer"),
        ((1, None, 1, 1 << 64), {}, OverflowError, "pos does not fit into 64 bits"),
        ((1, None, 1, -(1 << 63) - 1), {}, OverflowError, "pos does not fit into 64 bits"),
    ],
)
def test_wide_calls_refuse(args, kwargs, kind, message: str) -> None:  # type: ignore[no-untyped-def]
    passed: list[tuple[object, ...]] = []
    with pytest.raises(kind) as raised:
        wide_call("pread64", passed)(*args, **kwargs)
    assert message in str(raised.value)
    assert passed == []


def test_a_call_with_more_registers_than_there_are() -> None:
    for abi in all_abis():
        table = Table(abi_of(abi))
        prototype = table.prototype("sync_file_range")
        assert prototype is not None
        if prototype.number >= 0 and len(registers(table.abi, prototype.parameters).places) > 6:
            call = call_maker.make_call(table, "sync_file_range")
            assert call is not None
            with pytest.raises(ValueError, match="more than six registers on " + abi.key):
                call(0, 0, 0, 0)
            break
    else:
        pytest.fail("no ABI needs seven registers for sync_file_range(2)")
