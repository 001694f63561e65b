"""A few damages to what builds keep; ``python -m tests.damaged`` tries all."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from damaged.builds import try_files
from damaged.damage import DAMAGES, files_in, kind_of, sample
from damaged.toy import Toy

from syscraft.tree import source


@pytest.mark.parametrize("own", [False, True], ids=["archive", "own tree"])
def test_every_kind_of_file(own: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, seed = tmp_path / "cache", random.randrange(1 << 32)
    monkeypatch.setenv("SYSCRAFT_CACHE", str(cache))
    monkeypatch.setattr(source, "_DEBIAN_SOURCES", None)  # the toy has its own
    choose = random.Random(seed)
    kinds = set()

    def pick() -> list[Path]:
        picked = sample(files_in(cache), cache, 1, choose)
        kinds.update(kind_of(path, cache) for path in picked)
        return picked

    found = list(try_files(Toy(tmp_path, own=own), pick))
    assert not [fault for fault in found if fault], seed
    assert len(found) > 2 * len(DAMAGES) * len(kinds) / 3
    assert kinds >= {"work/src", "work/obj", "work/overlaid.json", "kernels/linux"}
    assert kinds >= ({"work/synced.json"} if own else {"trees", "trees/seal"})
