# SPDX-License-Identifier: MIT
"""The ring from Python: both modules see one ring."""

import errno
import sys

from ring_get import RING_MESSAGE_MAX, RING_PEEK, ring_get
from ring_put import ring_put

print("KTAP version 1\n1..3")
data = bytearray(RING_MESSAGE_MAX)
failed = 0


def get(flags: int = 0) -> "bytes | int":
    """The message, or the errno."""
    try:
        return bytes(data[: ring_get(data, len(data), flags)])
    except OSError as error:
        return error.errno or 0


def report(number: int, found: object, expected: object, name: str) -> None:
    global failed
    failed += found != expected
    print("ok" if found == expected else f"# found {found}\nnot ok", number, name)


while isinstance(get(), bytes):
    pass
report(1, get(), errno.EAGAIN, "an empty ring raises OSError with EAGAIN")
ring_put(b"from Python", 11)
report(2, (get(RING_PEEK), get()), (b"from Python", b"from Python"), "get gives what was put")
report(3, get(), errno.EAGAIN, "the message is gone")

sys.exit(bool(failed))
