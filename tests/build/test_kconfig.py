"""Kernel options: how they may be written, and what is said of those that got lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from syscraft.build.kconfig import (
    Demand,
    Need,
    Option,
    check,
    check_new,
    merged,
    parse_option,
    read_options,
)
from syscraft.build.kconfig_reasons import Definitions
from syscraft.errors import BuildError, ConfigError, UsageError, Where
from syscraft.tree.source import KernelTree

KCONFIG = """\
config NET
\tbool "networking"

if NET
config INET
\tbool "internet protocols"
\tdepends on MMU || !SMALL
\tselect CRYPTO if NET

endif

menu "debugging"
\tdepends on DEBUG_KERNEL

config DEBUG_LIST
\tbool "check lists"
\tdepends on MMU && \\
\t\t!SMALL

config HAVE_LOCKDEP
\tbool

endmenu

menuconfig MENU
\tbool "more"

config CRYPTO
\tbool "ciphers"
"""
CONFIG = """\
#
# Automatically generated file; DO NOT EDIT.
# Linux/toy 6.12.0 Kernel Configuration
#
CONFIG_NET_NS=y
CONFIG_MMU=y
# CONFIG_MENU is not set
CONFIG_NAME="a name"
"""


@pytest.fixture
def tree(tmp_path: Path) -> KernelTree:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/Kconfig").write_text(KCONFIG)
    for folder, symbol in (("toy", "TOY_FPU"), ("other", "OTHER_FPU"), ("other/toy", "BOTH")):
        (tmp_path / "arch" / folder).mkdir(parents=True)
        (tmp_path / "arch" / folder / "Kconfig").write_text(f'config {symbol}\n\tbool "it"\n')
    return KernelTree(tmp_path, "key", "the tree")


def lost(tree: KernelTree, *options: str, config: str = CONFIG) -> ConfigError:
    """What is said of options that CONFIG does not have."""
    with pytest.raises(ConfigError) as caught:
        check(tuple(map(parse_option, options)), (), config, tree, tree.root, "toy")
    return caught.value


@pytest.mark.parametrize("text", ["CONFIG_DEBUG_LIST=y", "DEBUG_LIST=y", "  DEBUG_LIST=y "])
def test_spellings_of_what_is_set(text: str) -> None:
    assert parse_option(text) == Option("DEBUG_LIST", "y")
    assert parse_option(text).line == "CONFIG_DEBUG_LIST=y"


@pytest.mark.parametrize(
    "text", ["DEBUG_LIST=n", "CONFIG_DEBUG_LIST=n", "# CONFIG_DEBUG_LIST is not set"]
)
def test_spellings_of_what_is_not_set(text: str) -> None:
    assert parse_option(text).line == "# CONFIG_DEBUG_LIST is not set"


@pytest.mark.parametrize("value", ['""', '"a b"', r'"with \"quotes\""', "12", "-3", "0x1f"])
def test_values_that_are_no_switches(value: str) -> None:
    assert parse_option(f"NAME={value}").line == f"CONFIG_NAME={value}"


@pytest.mark.parametrize("text", ["", "DEBUG_LIST", "debug list=y", "=y", "CONFIG_=y", "A-B=y"])
def test_what_is_no_option(text: str) -> None:
    with pytest.raises(UsageError, match="invalid kernel option"):
        parse_option(text, Where("--kconfig"))


@pytest.mark.parametrize("value", ["", "yes", "word", '"open', '"a" b', "y\nCONFIG_B=y"])
def test_what_is_no_value(value: str) -> None:
    with pytest.raises(UsageError, match="invalid"):
        parse_option(f"DEBUG_LIST={value}")


def test_modules() -> None:
    with pytest.raises(UsageError, match="no modules: use y"):
        parse_option("DEBUG_LIST=m")


def test_every_invalid_line_is_told_with_its_place() -> None:
    with pytest.raises(UsageError) as caught:
        read_options("# why\nA=y\n\nwhat\nB=maybe\n", "my.config")
    assert [f.where for f in caught.value.findings] == [
        Where("my.config", 4),
        Where("my.config", 5),
    ]


def test_demand_holds_for_what_follows_its_line_until_another_comment() -> None:
    text = (
        "CONFIG_A=y\n# Where the kernel has it:\nCONFIG_B=y\nCONFIG_C=y\n# A reason.\n"
        "CONFIG_D=y\n# Where it can be had:\nCONFIG_E=y\n# CONFIG_F is not set\n"
    )
    assert {o.symbol: o.demand for o in read_options(text)} == {
        "A": Demand.ALWAYS,
        "B": Demand.WHERE_KNOWN,
        "C": Demand.WHERE_KNOWN,
        "D": Demand.ALWAYS,
        "E": Demand.WHERE_POSSIBLE,
        "F": Demand.WHERE_POSSIBLE,
    }


def test_the_later_of_two_holds() -> None:
    together = merged(read_options("A=y\nB=y\n"), read_options("A=n\n"))
    assert {o.symbol: o.value for o in together} == {"A": None, "B": "y"}


def test_nothing_is_said_of_what_survived(tree: KernelTree) -> None:
    options = ("NET_NS=y", 'NAME="a name"', "MENU=n", "NOT_THERE_AT_ALL=n")
    check(tuple(map(parse_option, options)), (), CONFIG, tree, tree.root, "toy")


def test_an_option_is_not_there_because_a_longer_one_is(tree: KernelTree) -> None:
    """CONFIG_NET is not CONFIG_NET_NS."""
    assert "CONFIG_NET did not survive" in str(lost(tree, "NET=y"))
    check((Option("NET", None),), (), CONFIG, tree, tree.root, "toy")
    error = lost(tree, "NET_NS=n")
    assert "CONFIG_NET_NS" in str(error)


def test_unmet_dependencies_are_named(tree: KernelTree) -> None:
    error = lost(tree, "DEBUG_LIST=y", config=CONFIG + "CONFIG_SMALL=y\n")
    (finding,) = error.findings
    assert finding.where == Where("the tree/lib/Kconfig", 15)
    assert finding.hint == (
        "it depends on DEBUG_KERNEL; here CONFIG_DEBUG_KERNEL is not set\n"
        "it depends on MMU && !SMALL; here CONFIG_SMALL is set"
    )


def test_a_condition_around_an_option_is_one_of_its_dependencies(tree: KernelTree) -> None:
    error = lost(tree, "INET=y")
    assert error.findings[0].hint == "it depends on NET; here CONFIG_NET is not set"


def test_what_nobody_can_set(tree: KernelTree) -> None:
    assert "it has no prompt" in str(lost(tree, "HAVE_LOCKDEP=y"))


def test_who_set_what_was_to_be_unset(tree: KernelTree) -> None:
    config = CONFIG + "CONFIG_NET=y\nCONFIG_INET=y\nCONFIG_CRYPTO=y\n"
    error = lost(tree, "CRYPTO=n", config=config)
    assert error.findings[0].hint == "CONFIG_INET selects it"


def test_unknown_option_and_the_one_that_was_meant(tree: KernelTree) -> None:
    error = lost(tree, "DEBUG_LISTS=y")
    assert "this kernel has no option CONFIG_DEBUG_LISTS" in str(error)
    assert "did you mean CONFIG_DEBUG_LIST?" in str(error)


def test_option_of_another_architecture_is_unknown(tree: KernelTree) -> None:
    assert "no option CONFIG_OTHER_FPU" in str(lost(tree, "OTHER_FPU=y"))
    assert "CONFIG_TOY_FPU did not survive" in str(lost(tree, "TOY_FPU=y"))
    assert "CONFIG_BOTH did not survive" in str(lost(tree, "BOTH=y"))


def test_options_that_may_be_lost(tree: KernelTree) -> None:
    options = [
        Option("NEWER", "y", demand=Demand.WHERE_KNOWN),
        Option("INET", "y", demand=Demand.WHERE_POSSIBLE),
    ]
    check(tuple(options), (), CONFIG, tree, tree.root, "toy")
    with pytest.raises(BuildError, match="CONFIG_INET did not survive"):
        check((Option("INET", "y", demand=Demand.WHERE_KNOWN),), (), CONFIG, tree, tree.root, "toy")


def test_what_the_architecture_lacks(tree: KernelTree) -> None:
    need = Need("HAVE_LOCKDEP", "lockdep")
    with pytest.raises(ConfigError, match="toy has no lockdep"):
        check((Option("NET", "y"),), (need,), CONFIG, tree, tree.root, "toy")
    check((), (need,), CONFIG + "CONFIG_HAVE_LOCKDEP=y\n", tree, tree.root, "toy")


def test_a_calls_own_option_must_be_new(tree: KernelTree, tmp_path: Path) -> None:
    note = tmp_path / "note.json"
    check_new(("CONFIG_SPLORK=y",), tree, note)
    for symbol in ("MENU", "OTHER_FPU"):
        with pytest.raises(BuildError, match=f"has an option CONFIG_{symbol} already"):
            check_new((f"CONFIG_{symbol}=y",), tree, note)


def test_options_are_looked_for_again_in_a_tree_that_moved_on(
    tree: KernelTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines, note = ("CONFIG_SPLORK=y",), tmp_path / "note.json"
    check_new(lines, tree, note)
    with monkeypatch.context() as patch:
        patch.setattr(Definitions, "anywhere", None)
        check_new(lines, tree, note)
    (tree.root / "Kconfig").write_text("config SPLORK\n\tbool\n")
    with pytest.raises(BuildError, match="has an option CONFIG_SPLORK already"):
        check_new(lines, replace(tree, state="moved on"), note)
