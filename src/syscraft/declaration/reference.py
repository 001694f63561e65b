"""The reference of a declaration's keys as Markdown, from the table that checks them."""

from __future__ import annotations

from syscraft.declaration.schema import KEYS, Key, Place

# Where a key stands in a declaration of several calls.
_PLACES = {Place.WHOLE: "above", Place.CALL: "`[[calls]]`", Place.BOTH: "both"}


def key_reference() -> str:
    """Write one table for the top level and one for each inner table."""
    parts = [_table(KEYS, with_place=True)]
    for key in KEYS:
        if not key.keys or key.name == "calls":  # its keys are rows of the first table
            continue
        head = f"`[[{key.name}]]`" if key.kind == "tables" else f"`[{key.name}]`"
        parts += [f"### {head}", _table(key.keys)]
    return "\n\n".join(parts) + "\n"


def _table(keys: tuple[Key, ...], *, with_place: bool = False) -> str:
    rows = [["key", "holds", "meaning"], ["---", "---", "---"]]
    rows += [
        [f"`{key.name}`{' (required)' if key.required else ''}", key.kind, key.meaning]
        for key in keys
    ]
    if with_place:
        places = ["several calls", "---", *(_PLACES[key.place] for key in keys)]
        rows = [[*row, place] for row, place in zip(rows, places, strict=True)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
