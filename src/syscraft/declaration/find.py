"""Finds the file of a declaration; quick to import, for what asks no more than that."""

from __future__ import annotations

from pathlib import Path

from syscraft.errors import UsageError, Where


def find_declaration(path: str | Path) -> tuple[Path, str]:
    """Resolve what a user named to the TOML file and the path to show for it.

    Raises:
        UsageError: there is no declaration.
    """
    given = Path(path)
    if given.is_dir():
        candidates = sorted(given.glob("*.toml"))
        named = [c for c in candidates if c.stem == given.resolve().name]
        if named or len(candidates) == 1:
            given = (named or candidates)[0]
        else:
            raise UsageError.of(
                "not a declaration's folder",
                Where(str(given)),
                expected="one file that ends in .toml, or one named like the folder",
                found=", ".join(c.name for c in candidates) or "none",
                hint="syscraft new NAME makes a folder to start from",
            )
    if not given.exists():
        raise UsageError.of(
            "declaration not found",
            Where(str(given)),
            hint="syscraft new NAME makes a folder to start from",
        )
    return given.absolute(), str(given)
