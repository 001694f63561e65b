# SPDX-License-Identifier: MIT
"""Create a child with a nice value of its own and show both."""

import os

from clone_nice import clone_nice

print(f"parent {os.getpid()}: nice {os.getpriority(os.PRIO_PROCESS, 0)}", flush=True)

pid = clone_nice(nice=7)
if pid == 0:
    print(f"child {os.getpid()}: nice {os.getpriority(os.PRIO_PROCESS, 0)}", flush=True)
    os._exit(0)

_, status = os.waitpid(pid, 0)
print(f"child {pid} ended with status {os.waitstatus_to_exitcode(status)}")
