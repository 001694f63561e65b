"""The reference of a declaration's keys as Markdown, from the table that checks them."""

from __future__ import annotations

from syscraft.declaration.schema import KEYS, Key


def key_reference() -> str:
    """Write one table for the top level and one for each inner table."""
    inner = [key for key in KEYS if key.keys]
    parts = [_table(KEYS)]
    for key in inner:
        head = f"`[[{key.name}]]`" if key.kind == "tables" else f"`[{key.name}]`"
        parts += [f"### {head}", _table(key.keys)]
    return "\n\n".join(parts) + "\n"


def _table(keys: tuple[Key, ...]) -> str:
    rows = [
        f"| `{key.name}`{' (required)' if key.required else ''} | {key.kind} | {key.meaning} |"
        for key in keys
    ]
    return "\n".join(["| key | holds | meaning |", "| --- | --- | --- |", *rows])
