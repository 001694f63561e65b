"""A clone variant with more parameters than registers are left: they travel in a struct."""

from __future__ import annotations

import json

from conftest import REPOSITORY, Syscraft


def test_struct_based_clone(syscraft: Syscraft) -> None:
    done = syscraft("test", "--json", REPOSITORY / "tests" / "kernel" / "clone_pair")
    assert done.returncode == 0, done.stdout + done.stderr
    told = {row["test"]: (row["verdict"], row["detail"]) for row in json.loads(done.stdout)}
    assert told == {
        "test_clone_pair.c": ("PASS", "15 results"),
        "test_clone_pair.py": ("PASS", "2 results"),
    }
