"""Flavours of a kernel: found, combined, and given a user's own options."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import syscraft.build.flavours
from syscraft.build import flavour as room
from syscraft.build.flavour import (
    Flavour,
    all_flavours,
    find_flavour,
    user_options,
    with_options,
)
from syscraft.build.kconfig import Demand, Need, config_text, read_options
from syscraft.build.target import Target
from syscraft.errors import UsageError, Where

TOY = """\
from syscraft.build.flavour import Flavour
from syscraft.build.kconfig import Need, read_options

FLAVOUR = Flavour(
    "bare",
    "for a test",
    options=read_options("CONFIG_TOY=y\\nCONFIG_KASAN=n\\n"),
    needs=(Need("HAVE_TOY", "toys"),),
    cpus=3,
    boot=("toy=1",),
    memory_mib=1024,
    slower=2.0,
)
"""
TARGET = Target("toy", "toy", "", "vmlinux", "vmlinux", read_options("SLUB_TINY=y\nNET=y\n"))


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flavour]:
    """One more file in the folder of flavours, and nothing else."""
    (tmp_path / "toy.py").write_text(TOY)
    path = [*syscraft.build.flavours.__path__, str(tmp_path)]
    monkeypatch.setattr(syscraft.build.flavours, "__path__", path)
    room.all_flavours.cache_clear()
    yield find_flavour("bare")
    room.all_flavours.cache_clear()


def test_a_flavour_is_one_file(toy: Flavour) -> None:
    assert [flavour.key for flavour in all_flavours()] == ["plain", "bare", "debug", "kasan", "net"]
    together = find_flavour("kasan+bare")
    assert together.key == "bare+kasan"
    assert together.needs == (toy.needs[0], *find_flavour("kasan").needs)
    assert together.cpus == 3
    assert together.boot == ("toy=1",)
    assert together.memory_mib == 1024
    assert together.slower == 2.0 * find_flavour("kasan").slower


def test_the_same_flavours_in_another_order_are_one() -> None:
    assert find_flavour("kasan+debug") == find_flavour("debug+kasan+debug+plain")
    assert find_flavour("plain+debug") == find_flavour("debug")
    assert find_flavour("plain").options == ()


def test_unknown_flavour() -> None:
    with pytest.raises(UsageError) as caught:
        find_flavour("debug+kassan")
    (finding,) = caught.value.findings
    assert "kassan" in finding.message
    assert "plain, debug, kasan, net" in (finding.expected or "")
    assert finding.hint == "did you mean 'kasan'?"


@pytest.mark.parametrize("words", ["", "debug+", "+", "debug,kasan"])
def test_no_flavour_at_all(words: str) -> None:
    with pytest.raises(UsageError, match="unknown flavour"):
        find_flavour(words)


def test_what_a_flavour_is_for_must_survive() -> None:
    demands = {o.symbol: o.demand for f in all_flavours() for o in f.options}
    forgiven = {symbol for symbol, demand in demands.items() if demand is not Demand.ALWAYS}
    assert forgiven == {"KASAN_INLINE", "KASAN_STACK", "UBSAN_SANITIZE_ALL"}


def test_a_flavour_has_the_last_word() -> None:
    applied = find_flavour("kasan").applied(TARGET)
    values = {option.symbol: option.value for option in applied.options}
    assert values["SLUB_TINY"] is None
    assert values["NET"] == values["KASAN"] == "y"
    assert applied.needs == find_flavour("kasan").needs
    assert find_flavour("plain").applied(TARGET) == TARGET


def test_processors_where_the_machine_has_them() -> None:
    debug = find_flavour("debug")
    smp = ("CONFIG_SMP=y",)
    assert "CONFIG_SMP=y\n" in config_text(debug.applied(TARGET, smp).options)
    assert "SMP" not in config_text(debug.applied(TARGET).options)
    assert "SMP" not in config_text(find_flavour("plain").applied(TARGET, smp).options)
    assert (debug.cpus_on(smp), debug.cpus_on(()), debug.cpus_on(None)) == (2, 2, 1)


def test_a_users_options_come_last_and_have_a_stable_name(tmp_path: Path) -> None:
    file = tmp_path / "my.config"
    file.write_text("# mine\nCONFIG_NET=n\nHZ=100\n")
    options = user_options(["NET=y", "DEBUG_LIST=n"], [file])
    own = with_options(find_flavour("debug"), options)
    values = {option.symbol: option.value for option in own.options}
    assert (values["NET"], values["HZ"], values["DEBUG_LIST"]) == ("y", "100", None)
    assert own.key.startswith("debug+own-")
    again = user_options(["CONFIG_DEBUG_LIST=n", "CONFIG_HZ=100", "CONFIG_NET=y"])
    assert with_options(find_flavour("debug"), again).key == own.key
    assert with_options(find_flavour("plain"), again).key.startswith("own-")
    other = user_options(["DEBUG_LIST=y"])
    assert with_options(find_flavour("debug"), other).key != own.key
    assert with_options(find_flavour("debug"), ()) == find_flavour("debug")


def test_every_invalid_option_of_a_user_is_told_with_its_place(tmp_path: Path) -> None:
    bad, binary = tmp_path / "bad.config", tmp_path / "binary"
    bad.write_text("NET=y\nNET\n")
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError) as caught:
        user_options(["KASAN=m"], [bad, binary, tmp_path / "nothing"])
    assert [finding.where for finding in caught.value.findings] == [
        Where(str(bad), 2),
        Where(str(binary)),
        Where(str(tmp_path / "nothing")),
        Where("--kconfig KASAN=m"),
    ]


def test_flavours_say_what_the_architecture_gives() -> None:
    assert Need("HAVE_ARCH_KASAN", "memory access checker (KASAN)") in (
        find_flavour("debug+kasan").needs
    )
