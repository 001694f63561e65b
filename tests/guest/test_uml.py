"""User Mode Linux as a guest: what its process is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from syscraft.build.flavour import find_flavour
from syscraft.guest import uml
from syscraft.guest.session import Wires


def test_nothing_stays_in_the_users_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel makes a folder for itself in ~/.uml, unless it is told another place."""
    monkeypatch.setattr(uml, "Booted", lambda command, **_: command)
    monkeypatch.setattr(uml, "initramfs", lambda: Path("/archive"))
    command = uml.Uml().boot(Path("/linux"), find_flavour("plain"), {})
    assert "uml_dir=/scratch/" in command(Wires(3, 4, "/scratch"))
