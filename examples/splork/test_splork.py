# SPDX-License-Identifier: MIT
"""splork from Python: the user's order, OSError."""

import errno
import sys

from splork import splork

print("KTAP version 1\n1..2")
failed = 0

text = bytearray(21)
good = splork(text, 2026) == 4 and text.startswith(b"2026\0")
failed += not good
print("ok" if good else f"# found {text}\nnot ok", 1, "writes into a bytearray")

try:
    splork(None, 1)
    found = None
except OSError as error:
    found = error.errno
good = found == errno.EFAULT
failed += not good
print("ok" if good else f"# found {found}\nnot ok", 2, "raises OSError with EFAULT")

sys.exit(bool(failed))
