"""The environment of programs in guests."""

from __future__ import annotations

from pathlib import Path

# Where a guest has only what it is given.
BARE_ENVIRONMENT = {"PATH": "/bin", "HOME": "/", "TMPDIR": "/dev/shm"}


def host_environment(headers: Path, own: dict[str, str]) -> dict[str, str]:
    """The environment *own* with generated files in front of a program's search paths."""

    def front(name: str) -> str:
        rest = own.get(name)
        return f"{headers}:{rest}" if rest else str(headers)

    return {
        **own,
        "PYTHONPATH": front("PYTHONPATH"),
        "CPATH": front("CPATH"),  # headers, for a compiler that runs in the guest
        "PYTHONDONTWRITEBYTECODE": "1",
    }
