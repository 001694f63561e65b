# SPDX-License-Identifier: MIT
"""Nine arguments from Python."""

import ctypes
import errno
import sys

from splork8 import splork8, splork9

print("KTAP version 1\n1..2")
failed = 0

result = ctypes.c_uint64()
splork8(result, 3, 4, 5, 6, 7, 1, 4)
good = result.value == ((3 + 4) * 5 - 6 - 7) << 4
failed += not good
print("ok" if good else f"# found {result.value}\nnot ok", 1, "eight arguments arrive")

try:
    found = splork9(result, 3, 4, 5, 6, 7, 1, 4, limit=1)
except OSError as error:
    found = error.errno
good = found == errno.ERANGE
failed += not good
print("ok" if good else f"# found {found}\nnot ok", 2, "the ninth one as well")

sys.exit(bool(failed))
