# SPDX-License-Identifier: MIT
"""The struct-based clone variant from Python."""

import ctypes
import os

from clone_pair import clone_pair

print("KTAP version 1\n1..2")
told = ctypes.c_uint64()
pid = clone_pair(3, 1 << 63, told)
if pid == 0:
    os._exit(9)
_, status = os.waitpid(pid, 0)
good = os.waitstatus_to_exitcode(status) == 9 and told.value == (1 << 63) + 3
print("ok 1 a child" if good else f"not ok 1 a child # {status} {told.value}", flush=True)
try:
    clone_pair(20, 0, None)
except OSError as error:
    print("ok 2 an error" if error.errno == 22 else f"not ok 2 an error # {error}")
else:
    print("not ok 2 an error")
