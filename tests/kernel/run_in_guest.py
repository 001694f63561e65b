"""Runs a command in a guest that a given user starts, on a kernel that was built before.

run_in_guest.py USER GUEST IMAGE ARGV [--unsafe] [--rw FOLDER]

The user may be one who cannot read Python's own files, or the cache.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from pathlib import Path

from syscraft.build.flavour import find_flavour
from syscraft.guest.channel import Ended
from syscraft.guest.discover import find_guest
from syscraft.guest.kernel_guest import KernelGuest
from syscraft.guest.sandbox import opened

PR_SET_DUMPABLE = 4


def main() -> int:
    user, key, image, argv, *options = sys.argv[1:]
    guest = find_guest(key)
    assert isinstance(guest, KernelGuest)
    flavour = find_flavour("plain")
    rw = [options[i + 1] for i, word in enumerate(options) if word == "--rw"]
    with opened(rw, unsafe="--unsafe" in options):
        session = guest.boot(Path(image), flavour, {})
        become(int(user))
        try:
            with session:
                end = session.run(
                    json.loads(argv), cwd="/", env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"},
                    on_output=_write, on_error=_write, deadline_s=120,
                )  # fmt: skip
        except (EOFError, TimeoutError):
            sys.exit(session.log())
    assert end.how is Ended.EXIT, end
    return end.value


def become(user: int) -> None:
    if user != os.geteuid():
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        # Else /proc/self is root's.
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)


def _write(data: bytes) -> None:
    sys.stdout.buffer.write(data)


if __name__ == "__main__":
    sys.exit(main())
