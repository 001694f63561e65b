"""Imports generated modules, compares their classes with what C made, and calls everything."""

from __future__ import annotations

import ctypes
import errno
import importlib
import inspect
import json
import sys
from pathlib import Path
from typing import Any


def differences(module: Any, layouts: dict[str, dict[str, list[int]]]) -> list[str]:
    """What differs between a module's classes and the structs of C."""
    found = []
    for member in vars(module).values():
        if not (inspect.isclass(member) and issubclass(member, ctypes.Structure)):
            continue
        name = str(member.__doc__).removeprefix("struct ")
        mine: dict[str, list[int]] = {".": [ctypes.sizeof(member)]}
        for field, *_ in member._fields_:
            place = getattr(member, field)
            mine[field] = [place.offset, place.size]
        if mine != layouts[name]:
            found.append(f"struct {name} is {mine}, and {layouts[name]} in C")
    return found


def answers(module: Any, missing: list[str]) -> list[str]:
    """What a call does that is not one of the errors *missing*: no kernel has one of these."""
    found = []
    for name in module.__all__:
        function = getattr(module, name)
        if not inspect.isfunction(function):
            continue
        parameters = inspect.signature(function).parameters.values()
        given = {p.name: None if "Pointer" in str(p.annotation) else 0 for p in parameters}
        try:
            found.append(f"{name}({given}) returned {function(**given)}")
        except OSError as error:
            if error.errno not in [getattr(errno, word) for word in missing]:
                found.append(f"{name}({given}): {error!r}")
        except ZeroDivisionError:
            pass  # an expression of [derive], with 0 for all that it is made of
        except ValueError as error:
            if "breaks the interpreter" not in str(error):
                found.append(f"{name}({given}): {error!r}")
        except Exception as error:
            found.append(f"{name}({given}): {error!r}")
    return found


def main(folder: Path) -> str:
    sys.path.insert(0, str(folder))
    asked = json.loads((folder / "asked.json").read_text())
    found = []
    for name, missing in asked["modules"].items():
        module = importlib.import_module(name)
        found += differences(module, asked["layouts"]) + answers(module, missing)
    return "\n".join(found)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])) or None)
