"""Writes a table as TOML, whatever is in it."""

from __future__ import annotations

import json
from typing import Any


def dump(table: dict[str, Any]) -> str:
    """Write a table as TOML, all of it inline."""
    return "".join(f"{json.dumps(key)} = {_dumped(value)}\n" for key, value in table.items())


def _dumped(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(_dumped, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {_dumped(v)}" for k, v in value.items()) + "}"
    return str(value)
