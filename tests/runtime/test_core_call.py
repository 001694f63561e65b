"""Call: a system call with parameter names."""

from __future__ import annotations

import errno
import gc
import inspect
import os
import weakref
from pathlib import Path
from typing import Any

import pytest

from runtime.core_support import numbers
from syscraft.runtime._core import Call

NR = numbers()
AT_FDCWD = -100  # include/uapi/linux/fcntl.h


@pytest.fixture
def openat() -> Call:
    return Call(
        "openat", NR["openat"], ("dfd", "filename", "flags", "mode"), True, 0b10, "Open a file.",
        pointer_mask=0b10,
    )  # fmt: skip


def test_positions_and_names_are_the_same(openat: Call, tmp_path: Path) -> None:
    path = tmp_path / "file"
    ways: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        ((AT_FDCWD, path, os.O_CREAT, 0o600), {}),
        ((AT_FDCWD, path), {"flags": 0, "mode": 0}),
        ((AT_FDCWD,), {"mode": 0, "filename": path, "flags": 0}),
        ((), {"mode": 0, "flags": 0, "filename": path, "dfd": AT_FDCWD}),
    ]
    for args, kwargs in ways:
        fd = openat(*args, **kwargs)
        assert os.readlink(f"/proc/self/fd/{fd}") == str(path), kwargs
        os.close(fd)


def test_call_without_parameters() -> None:
    getppid = Call("getppid", NR["getppid"], (), False)
    assert getppid() == os.getppid()
    assert getppid(*(), **{}) == os.getppid()


def test_name_that_is_no_interned_string(openat: Call) -> None:
    name = "".join(["file", "name"])
    with pytest.raises(FileNotFoundError):
        openat(AT_FDCWD, flags=0, mode=0, **{name: "/no/such"})


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((), {}, r"openat\(\) takes 4 arguments, 0 given; it is openat\(dfd, filename, flags, m"),
        ((1, 2, 3), {}, "takes 4 arguments, 3 given"),
        ((1, 2, 3, 4, 5), {}, "takes 4 arguments, 5 given"),
        ((1,) * 20, {}, "takes 4 arguments, 20 given"),
        ((1, 2), {"mode": 1}, "takes 4 arguments, 3 given"),
        ((1, 2, 3, 4), {"mode": 1}, r"openat\(\) got argument 'mode' twice"),
        ((1, 2, 3), {"mod": 1}, r"openat\(\) has no argument 'mod'; it is openat\(dfd"),
        ((1, 2, 3, 4, 5), {"mode": 1}, "takes 4 arguments, 6 given"),
    ],
)
def test_wrong_arguments(openat: Call, args: Any, kwargs: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        openat(*args, **kwargs)


def test_too_many_names() -> None:
    getppid = Call("getppid", NR["getppid"], ())
    for count in (7, 1000):
        names = {f"name{index}": index for index in range(count)}
        with pytest.raises(TypeError, match="has no argument 'name0'"):
            getppid(**names)
        # By a tuple and a dict, as tp_call gets them.
        with pytest.raises(TypeError, match=f"takes 0 arguments, {count} given"):
            type(getppid).__call__(getppid, **names)


def test_one_argument_is_in_the_singular() -> None:
    with pytest.raises(TypeError, match=r"close\(\) takes 1 argument, 0 given"):
        Call("close", NR["close"], ("fd",))()


@pytest.mark.parametrize("value", ["3", b"3", bytearray(b"3"), Path("3")])
def test_address_where_an_integer_belongs(value: Any) -> None:
    close = Call("close", NR["close"], ("fd",), pointer_mask=0)
    with pytest.raises(TypeError, match=r"close\(\): fd is a .*: expected an integer"):
        close(value)


def test_messages_name_the_parameter(openat: Call) -> None:
    with pytest.raises(TypeError, match=r"openat\(\): filename is a float: expected an integer, N"):
        openat(AT_FDCWD, 1.5, 0, 0)
    with pytest.raises(OverflowError, match=r"openat\(\): mode does not fit into 64 bits"):
        openat(AT_FDCWD, "/", 0, 2**64)
    with pytest.raises(ValueError, match=r"openat\(\): filename has a null character inside"):
        openat(AT_FDCWD, b"/a\0b", 0, 0)


@pytest.mark.parametrize("path", ["/no/such", b"/no/such", Path("/no/such")])
def test_paths_are_file_names(openat: Call, path: Any) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        openat(AT_FDCWD, path, 0, 0)
    assert caught.value.filename == os.fspath(path)


def test_what_is_no_path_is_no_file_name() -> None:
    write = Call("write", NR["write"], ("fd", "buf", "count"), pointer_mask=0b10)
    for data in ("text", b"a\0b"):
        with pytest.raises(OSError) as caught:
            write(-1, data, 3)
        assert (caught.value.errno, caught.value.filename) == (errno.EBADF, None)


def test_call_that_the_abi_lacks() -> None:
    call = Call("splork", -1, ("a",), doc="Not on this ABI.")
    with pytest.raises(OSError) as caught:
        call(1)
    assert caught.value.errno == errno.ENOSYS
    assert caught.value.filename == "splork"
    assert repr(call) == "<system call splork(a), not on this ABI>"


def test_refused_call() -> None:
    call = Call("vfork", NR["vfork"], (), refused="it would break; use spawn()")
    with pytest.raises(ValueError, match=r"it would break; use spawn\(\)"):
        call()


def test_what_it_says_of_itself(openat: Call) -> None:
    assert openat.__name__ == openat.__qualname__ == "openat"
    assert openat.__doc__ == "Open a file."
    assert openat.__module__ == "syscraft.calls"
    assert openat.__text_signature__ == "(dfd, filename, flags, mode)"
    assert str(inspect.signature(openat)) == (
        "(dfd: 'int', filename: 'const char *', flags: 'int', mode: 'umode_t') -> 'long'"
    )
    assert openat.number == NR["openat"]
    assert openat.params == ("dfd", "filename", "flags", "mode")
    assert openat.blocking is True
    assert (
        repr(openat) == f"<system call openat(dfd, filename, flags, mode), number {NR['openat']}>"
    )
    assert callable(openat)


def test_text_signature_of_the_table() -> None:
    call = Call("close", 3, ["fd"], text_signature="(fd: 'unsigned int')")
    assert call.__text_signature__ == "(fd: 'unsigned int')"
    assert call.params == ("fd",)
    assert Call("close", 3, ["fd"]).__doc__ is None


@pytest.mark.parametrize("name", ["number", "params", "__name__", "blocking", "new"])
def test_nothing_can_be_changed(openat: Call, name: str) -> None:
    with pytest.raises((AttributeError, TypeError)):
        setattr(openat, name, 1)
    with pytest.raises(TypeError):
        setattr(Call, name, 1)


@pytest.mark.parametrize(
    ("args", "kwargs", "kind", "message"),
    [
        ((), {}, TypeError, "name"),
        (("a", "1", ()), {}, TypeError, "int"),
        ((1, 1, ()), {}, TypeError, "str"),
        (("a", 1, 1), {}, TypeError, "not iterable"),
        (("a", 1, (1,)), {}, TypeError, "params: expected a sequence of str"),
        (("a", 1, "abcdefg"), {}, ValueError, "params: at most 6 names, 7 given"),
        (("a", 1, ()), {"refuse": 1}, TypeError, "refuse"),
        (("a", 2**70, ()), {}, OverflowError, "too large"),
        (("a", 1, ()), {"doc": 1}, TypeError, "doc: expected a str or None"),
        (("a", 1, ()), {"text_signature": 1}, TypeError, "text_signature: expected a str or None"),
        (("a", 1, ()), {"refused": 1}, TypeError, "refused: expected a str or None"),
    ],
)
def test_calls_that_cannot_be_made(args: Any, kwargs: Any, kind: Any, message: str) -> None:
    with pytest.raises(kind, match=message):
        Call(*args, **kwargs)


def test_calls_go_away() -> None:
    class Word(str):
        pass

    word = Word("name")
    gone = weakref.ref(word)
    call = Call(word, 1, [Word("a")], doc=word, refused=word)
    del word
    assert gone() is not None
    del call
    gc.collect()
    assert gone() is None
