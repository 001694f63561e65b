"""Calls of every kind answer in a kernel: all tested by one command."""

from __future__ import annotations

from kernel.examples import Others, Row


def told(rows: list[Row], call: str) -> set[tuple[object, ...]]:
    return {
        (row["test"], row["level"], row["verdict"], row["detail"])
        for row in rows
        if row["call"] == call
    }


def both(test: str, detail: str) -> set[tuple[object, ...]]:
    """A test in C that passes at the levels that it is compiled at."""
    return {(test, level, "PASS", detail) for level in ("-O0", "-O2")}


def test_struct_based_clone(other_rows: list[Row]) -> None:
    """A variant with more parameters than registers are left: they travel in a struct."""
    assert told(other_rows, "clone_pair") == {
        *both("test_clone_pair.c", "15 results"),
        ("test_clone_pair.py", "", "PASS", "2 results"),
    }


def test_a_variant_of_an_existing_call(other_rows: list[Row]) -> None:
    assert told(other_rows, "openat3") == both("test_openat3_cases.c", "2 results")


def test_a_call_written_by_hand(other_rows: list[Row]) -> None:
    assert told(other_rows, "toycall") == both("test_toycall_cases.c", "2 results")


def test_declarations_are_untouched(others: Others, other_rows: list[Row]) -> None:
    assert told(other_rows, "ctuntouched") == both("test_ctuntouched_cases.c", "1 results")
    assert others.now() == others.before
