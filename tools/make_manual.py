"""Makes the index of manual pages of calls from Debian's package manpages-dev.

    .venv/bin/python tools/make_manual.py [--pages FOLDER]

A call has the page of its own name, or the one that its name leads to; names that only kernels
use are in ``_OTHER_NAMES``.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
from pathlib import Path

from syscraft.calls.kernels import shipped
from syscraft.files import write_if_changed

TARGET = Path(__file__).parent.parent / "src" / "syscraft" / "calls" / "data" / "manual.json"
_LINK = re.compile(rb"^\.so man\d/([\w-]+)\.(\d)", re.MULTILINE)
_FILE = re.compile(r"(.+)\.(\d)\.gz")

# What a kernel adds to the name of a call that programs know: rt_sigaction, clock_gettime64.
_PREFIX = re.compile(r"^(?:rt_|old|_new|_|arm_|osf_old_|osf_|sys_)")
_SUFFIX = re.compile(r"(?:_time64|_time32|64_64|64_2|64|32|_old)$")


def read_pages(folder: Path) -> dict[str, str]:
    """The page of each name of section 2, such as ``select(2)``."""
    pages = {}
    for path in sorted(folder.glob("*.2.gz")):
        if link := _LINK.match(gzip.decompress(path.read_bytes())):
            page, section = link[1].decode(), link[2].decode()
        elif name := _FILE.fullmatch(path.resolve().name):
            page, section = name[1], name[2]
        pages[path.name.removesuffix(".2.gz")] = f"{page}({section})"
    return pages


def page_of(call: str, pages: dict[str, str]) -> str | None:
    """The page of a call, under its own name or what programs call it."""
    for name in (
        call, _SUFFIX.sub("", call), _PREFIX.sub("", call), _SUFFIX.sub("", _PREFIX.sub("", call)),
    ):  # fmt: skip
        if name in pages:
            return pages[name]
    return None


def main(arguments: list[str]) -> int:
    """Write the index."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--pages", default="/usr/share/man/man2", type=Path)
    pages = read_pages(parser.parse_args(arguments).pages)
    if not pages:
        print("error: no manual pages there; apt-get install manpages-dev", file=sys.stderr)
        return 3
    names = sorted({name for census in shipped().censuses for name in census.names})
    index = {name: page for name in names if (page := page_of(name, pages))}
    lines = [f"{json.dumps(name)}:{json.dumps(page)}" for name, page in index.items()]
    write_if_changed(TARGET, ("{\n" + ",\n".join(lines) + "\n}\n").encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
