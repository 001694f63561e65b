# SPDX-License-Identifier: MIT
"""Calls like fork and vfork from Python."""

import os
import signal
import sys

from fork_tell import fork_tell
from twice_tell import twice_tell
from vfork_tell import vfork_tell

print("KTAP version 1\n1..4", flush=True)


def report(number: int, good: bool, name: str, found: object) -> None:
    print(f"ok {number} {name}" if good else f"not ok {number} {name} # {found}", flush=True)


for number, call, first in ((1, fork_tell, signal.SIGCHLD), (2, twice_tell, signal.SIGCHLD)):
    where, parent = bytearray(8), os.getpid()
    pid = call(first, -0x12345678, where)
    if pid == 0:
        os._exit(9 if os.getppid() == parent else 1)
    _, status = os.waitpid(pid, 0)
    told = int.from_bytes(where, sys.byteorder, signed=True)
    good = os.waitstatus_to_exitcode(status) == 9 and told == -0x12345678
    report(number, good, f"a child of {call.__name__}", (status, told))

try:
    fork_tell(1000, 0, None)
    error = None
except OSError as raised:
    error = raised.errno
report(3, error == 22, "an error", error)

try:
    vfork_tell(signal.SIGCHLD, 0, None)
    refused = False
except (RuntimeError, ValueError):
    refused = True
report(4, refused, "a child in this memory is refused", refused)
