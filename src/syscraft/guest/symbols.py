"""Names the functions behind bare addresses in a kernel's last words."""

from __future__ import annotations

import bisect
import re
from pathlib import Path

from syscraft import proc

# User Mode Linux prints where a fault happened as a number only.
# Source: segv() in arch/um/kernel/trap.c, Linux 6.12
_FAULT = re.compile(r"\bip 0x(?P<address>[0-9a-f]+)")


def name_addresses(text: str, image: Path) -> str:
    """Put ``function+offset`` behind every address of code that *text* gives as a number.

    Text stays as it is where *image*'s symbol table cannot be read.
    """
    if not _FAULT.search(text):
        return text
    symbols = _functions(image)

    def named(match: re.Match[str]) -> str:
        address = int(match["address"], 16)
        index = bisect.bisect_right(symbols, address, key=lambda symbol: symbol[0]) - 1
        if index < 0:
            return match[0]
        start, name = symbols[index]
        return f"{match[0]} ({name}+{address - start:#x})"

    return _FAULT.sub(named, text)


def _functions(image: Path) -> list[tuple[int, str]]:
    """Address and name of every function, in the order of addresses."""
    found = []
    for line in proc.run(["nm", "-n", str(image)]).output.splitlines():
        words = line.split()
        if len(words) == 3 and words[1] in "tT":
            found.append((int(words[0], 16), words[2]))
    return found
