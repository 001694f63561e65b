"""Standard streams that nobody has opened, or that cannot say everything."""

from __future__ import annotations

import io
import os
import sys


def open_streams() -> None:
    """Put the null device in the place of each standard stream that is closed.

    Otherwise the next file that is opened, a kernel's or an author's, would take its number, and
    get what is printed.
    """
    for fd, name, flags in (
        (0, "stdin", os.O_RDONLY), (1, "stdout", os.O_WRONLY), (2, "stderr", os.O_WRONLY),
    ):  # fmt: skip
        try:
            os.fstat(fd)
        except OSError:
            _put_null(fd, flags)
        if getattr(sys, name) is None:  # as Python has found it at its start
            mode = "r" if fd == 0 else "w"
            setattr(sys, name, os.fdopen(fd, mode, encoding="utf-8", closefd=False))
        _say_everything(getattr(sys, name))


def _say_everything(stream: object) -> None:
    """Let no character end a command: bytes of a patch go out as they came in."""
    if isinstance(stream, io.TextIOWrapper):
        is_utf8 = stream.encoding.lower().replace("-", "") == "utf8"
        stream.reconfigure(errors="surrogateescape" if is_utf8 else "backslashreplace")


def drop_stream(fd: int) -> None:
    """Let a stream go nowhere from now on: whoever read it has gone, or its disk is full."""
    _put_null(fd, os.O_WRONLY)


def _put_null(fd: int, flags: int) -> None:
    null = os.open(os.devnull, flags)
    if null == fd:
        os.set_inheritable(fd, True)
        return
    os.dup2(null, fd)
    os.close(null)
