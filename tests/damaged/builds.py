"""Damages what builds of a toy tree keep, one file after the other, and builds again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from syscraft.errors import SyscraftError

from .damage import DAMAGES, Damage
from .toy import Toy

Fault = tuple[str, str, str]  # file, damage, what is wrong


def try_files(
    toy: Toy, choose: Callable[[], list[Path]], damages: tuple[Damage, ...] = DAMAGES
) -> Iterator[Fault | None]:
    """Damage each of the files that *choose* finds; yields None where the next builds are right."""
    if wrong := toy.build():
        raise RuntimeError(wrong)
    for path in choose():
        for damage in damages:
            if path.exists():  # builds remove and rename
                wrong = _try_one(toy, path, damage)
                yield (str(path), damage.__name__, wrong) if wrong else None


def _try_one(toy: Toy, path: Path, damage: Damage) -> str:
    damage(path)
    try:
        return toy.build(new=False) or toy.build() or toy.build(new=False)
    except (SyscraftError, OSError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
