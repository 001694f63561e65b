# SPDX-License-Identifier: MIT
"""clone_nice from Python: a fork-like child with a nice value of its own."""

import errno
import os
import sys

from clone_nice import clone_nice

print("KTAP version 1\n1..3", flush=True)
failed = 0

pid = clone_nice(7)
if pid == 0:
    os._exit(os.getpriority(os.PRIO_PROCESS, 0))
found = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
failed += found != 7
print("ok" if found == 7 else f"# found {found}\nnot ok", 1, "the child has its nice value")

try:
    found = clone_nice(20)
except OSError as error:
    found = error.errno
failed += found != errno.EINVAL
print("ok" if found == errno.EINVAL else f"# found {found}\nnot ok", 2, "EINVAL out of range")

try:
    clone_nice(0, 0x100)
    refused = False
except ValueError:
    refused = True
failed += not refused
print("ok" if refused else "not ok", 3, "CLONE_VM is refused")

sys.exit(bool(failed))
