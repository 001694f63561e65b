"""Where arguments go: the rule, and the copies of it that cannot import it."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from types import ModuleType

import pytest

import syscraft
from syscraft.abi import layout
from syscraft.abi.abi import Abi, ElfIdentity
from syscraft.abi.discover import all_abis, find_abi
from syscraft.abi.layout import Pairs, Part, places
from syscraft.calls.kernels import shipped
from syscraft.calls.registers import registers
from syscraft.declaration.scalars import SCALARS
from syscraft.proof import prove
from syscraft.runtime import call_table

PROOF = Path(prove.__file__).parent / "program"
PROGRAMS = [(abi, elf) for abi in all_abis() for elf in abi.elf]
# Every order of up to six arguments of both widths.
WIDTHS = [
    wide for count in range(7) for wide in itertools.product((False, True), repeat=count)
]  # fmt: skip
LOW, HIGH = 0x89ABCDEF, 0x01234567


def named(case: tuple[Abi, ElfIdentity]) -> str:
    return f"{case[0].key}, {'little' if case[1].little_endian else 'big'}"


def values_of(abi: Abi, wide: tuple[bool, ...], *, little_endian: bool) -> list[int]:
    """What the registers hold when argument N is N, or N above and below 32 bits."""
    passed = []
    for place in places(abi.pairs, wide):
        value = argument(place.argument, wide)
        half = place.part.half(little_endian=little_endian)
        whole = 0 if place.part is Part.UNUSED else value
        passed.append({"low": value & 0xFFFFFFFF, "high": value >> 32, "": whole}[half])
    return passed


def argument(index: int, wide: tuple[bool, ...]) -> int:
    return HIGH << 32 | LOW + index if wide[index] else 1 + index


@pytest.mark.parametrize(
    ("pairs", "wide", "expected"),
    [
        (Pairs.WHOLE, (False, True), "0w 1w"),
        (Pairs.NEXT, (False, True, False), "0w 1f 1s 2w"),
        (Pairs.EVEN, (False, True, False), "0w 1u 1f 1s 2w"),
        (Pairs.EVEN, (True, True), "0f 0s 1f 1s"),
        (Pairs.EVEN, (True, False, True, False, True), "0f 0s 1w 2u 2f 2s 3w 4u 4f 4s"),
        (Pairs.EVEN, (), ""),
    ],
)
def test_places(pairs: Pairs, wide: tuple[bool, ...], expected: str) -> None:
    found = places(pairs, wide)
    assert " ".join(f"{place.argument}{place.part.value[0]}" for place in found) == expected


def test_the_low_half_is_first_on_little_endian_machines() -> None:
    assert [Part.FIRST.half(little_endian=little) for little in (True, False)] == ["low", "high"]
    assert [Part.SECOND.half(little_endian=little) for little in (True, False)] == ["high", "low"]
    assert {part.half(little_endian=True) for part in (Part.WHOLE, Part.UNUSED)} == {""}


@pytest.mark.parametrize("case", PROGRAMS, ids=named)
def test_the_runtime_lays_out_as_we_do(case: tuple[Abi, ElfIdentity]) -> None:
    abi, elf = case
    (known,) = [row for row in call_table._read("abis.json") if row["key"] == abi.key]
    running = call_table.Abi(abi.key, known["long_bytes"], known["pairs"])
    for wide in WIDTHS:
        text = ", ".join(f"{'u64' if is_wide else 'int'} a{i}" for i, is_wide in enumerate(wide))
        laid_out = call_table.registers(
            running, call_table.parameters("toy", text), "little" if elf.little_endian else "big"
        )
        given = [argument(index, wide) for index in range(len(wide))]
        expected = values_of(abi, wide, little_endian=elf.little_endian)
        assert laid_out.fill(given) == expected, text
        assert call_table.fits(laid_out) is (len(expected) <= layout.MAX_ARGUMENTS), text


def test_the_runtime_knows_the_types_of_64_bits() -> None:
    assert {name for name, scalar in SCALARS.items() if scalar.is_wide} == call_table._WIDE


@pytest.fixture(scope="module")
def module() -> ModuleType:
    """The Python module of a call with a 64-bit argument."""
    made = ModuleType("proof_length")
    text = syscraft.load(PROOF / "proof_length.toml").generate()["proof_length.py"]
    exec(compile(text, "proof_length.py", "exec"), made.__dict__)
    return made


@pytest.mark.parametrize("case", PROGRAMS, ids=named)
def test_a_generated_module_lays_out_as_we_do(
    case: tuple[Abi, ElfIdentity], module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    abi, elf = case
    identity = (elf.machine, elf.bits // 32, 1 if elf.little_endian else 2, elf.flags)
    monkeypatch.setattr(module, "_abi", lambda: identity)
    monkeypatch.setattr(sys, "byteorder", "little" if elf.little_endian else "big")
    for wide in WIDTHS:
        passed: list[int] = []
        for index, is_wide in enumerate(wide):
            if is_wide:
                module._append_wide(passed, argument(index, wide))
            else:
                passed.append(argument(index, wide))
        assert passed == values_of(abi, wide, little_endian=elf.little_endian), wide


@pytest.mark.parametrize("abi", all_abis(), ids=lambda abi: abi.key)
def test_every_argument_of_every_call_has_a_place(abi: Abi) -> None:
    for census in shipped().censuses:
        for name, entry in census.on(abi).items():
            if entry.definition:
                laid_out = registers(abi, entry.definition.parameters)
                assert "?" not in [register for register, _ in laid_out], name


def test_registers_that_the_kernel_looks_for_in_memory() -> None:
    """The places are those that the kernel reads; the instruction writes those of six arguments."""
    trap = find_abi("mips_o32").traps[0][1]
    assert layout.names(trap) == ("a0", "a1", "a2", "a3", "16(sp)", "20(sp)", "24(sp)", "28(sp)")
    for register, place in zip(trap.arguments[trap.in_registers :], trap.stacked, strict=False):
        assert f"sw {register.spelling}, {place.replace('sp', '$29')}" in trap.by_arity[6]


def test_names_without_memory() -> None:
    (trap,) = [trap for _, trap in find_abi("arm64").traps]
    assert layout.names(trap) == ("x0", "x1", "x2", "x3", "x4", "x5")
