"""The kernel options of every guest, and of one."""

from __future__ import annotations

from pathlib import Path

from syscraft.build.kconfig import Option, merged, read_options

_ROOM = Path(__file__).parent


def guest_options(own: str, *, host_files: bool = False) -> tuple[Option, ...]:
    """Put what all guests have together with what one needs besides.

    Args:
        own: the text of what it needs.
        host_files: whether it sees this machine's files over 9p.
    """
    more = _read("host_files.config") if host_files else ()
    return merged(_read("guest.config"), more, read_options(own))


def _read(name: str) -> tuple[Option, ...]:
    return read_options((_ROOM / name).read_text(encoding="utf-8"))
