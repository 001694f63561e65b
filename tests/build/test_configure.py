"""When a configuration is made anew, and when it is made of the last one."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from syscraft.build.configure import configure, lone_options
from syscraft.build.kconfig import read_options
from syscraft.errors import BuildError, ConfigError
from syscraft.tree.source import KernelTree
from syscraft.tree.wire import KernelChange

KCONFIG = 'config EXPERT\n\tbool "experts"\n\nconfig LAST\n\tbool "last"\n'
ENTRY = '\nconfig {0}\n\tbool "call" if EXPERT\n\tdefault y\n'


@pytest.fixture
def tree(tmp_path: Path) -> KernelTree:
    (tmp_path / "init").mkdir()
    (tmp_path / "init/Kconfig").write_text(KCONFIG)
    return KernelTree(tmp_path, "key", "the tree")


def change(**files: str) -> KernelChange:
    contents = {name.replace("_", "/"): text.encode() for name, text in files.items()}
    return KernelChange({}, contents, (), (), (), frozenset(), ())


def with_entries(*entries: str) -> str:
    head, tail = KCONFIG.split("\nconfig LAST")
    return head + "".join(entries) + "\nconfig LAST" + tail


@dataclass
class Toy:
    """A kernel whose make keeps what it is given, apart from the options that it lacks."""

    tree: KernelTree
    lacks: str = "NOTHING"
    unless: str = "NOTHING"
    asked: list[str] = field(default_factory=list)

    def make(self, target: str, variables: dict[str, str]) -> None:
        self.asked.append(target)
        config = self.work / ".config"
        if target == "allnoconfig":
            config.write_text(Path(variables["KCONFIG_ALLCONFIG"]).read_text() + "CONFIG_BASE=y\n")
        lines = config.read_text().splitlines()
        if self.unless not in config.read_text():
            lines = [line for line in lines if self.lacks not in line]
        config.write_text("".join(f"{line}\n" for line in lines))

    @property
    def work(self) -> Path:
        folder = self.tree.root / "work"
        folder.mkdir(exist_ok=True)
        return folder

    def configure(self, wanted: str, kconfig: str = KCONFIG) -> list[str]:
        """Configure a tree with this init/Kconfig; returns the targets that were made."""
        self.asked.clear()
        source = self.work / "src"
        (source / "init").mkdir(parents=True, exist_ok=True)
        (source / "init/Kconfig").write_text(kconfig)
        configure(
            read_options(wanted), (),
            tree=self.tree, source=source, objects=self.work, work=self.work, arch="toy",
            own=lone_options(self.tree, change(init_Kconfig=kconfig)), make=self.make,
        )  # fmt: skip
        return list(self.asked)

    @property
    def config(self) -> set[str]:
        return set((self.work / ".config").read_text().split("\n")) - {""}


def test_an_option_that_is_there_only_where_others_need_it(tree: KernelTree) -> None:
    """Nobody pays for it on kernels that go without."""
    wanted = "NINEP=y\n# Where another option is lost without it:\nINET=y\n"
    toy = Toy(tree)
    toy.configure(wanted)
    assert toy.config == {"CONFIG_NINEP=y", "CONFIG_BASE=y"}
    (toy.work / ".config").unlink()
    toy.lacks, toy.unless = "NINEP", "INET"
    assert toy.configure(wanted) == ["allnoconfig", "allnoconfig"]
    assert toy.config == {"CONFIG_NINEP=y", "CONFIG_INET=y", "CONFIG_BASE=y"}
    (toy.work / ".config").unlink()
    toy.unless = "SOMETHING ELSE"
    with pytest.raises(ConfigError, match="NINEP"):
        toy.configure(wanted)


def test_another_call_is_exchanged(tree: KernelTree) -> None:
    toy = Toy(tree)
    one, two = (with_entries(ENTRY.format(name)) for name in ("ONE", "TWO"))
    assert toy.configure("NET=y\nONE=y\n", one) == ["allnoconfig"]
    assert toy.configure("NET=y\nONE=y\n", one) == []
    assert toy.configure("NET=y\nTWO=y\n", two) == ["syncconfig"]
    assert toy.config == {"CONFIG_NET=y", "CONFIG_TWO=y", "CONFIG_BASE=y"}
    assert toy.configure("NET=y\nTWO=n\n", two) == ["syncconfig"]
    assert toy.config == {"CONFIG_NET=y", "# CONFIG_TWO is not set", "CONFIG_BASE=y"}
    both = with_entries(ENTRY.format("ONE"), ENTRY.format("TWO"))
    assert toy.configure("NET=y\nTWO=y\nONE=y\n", both) == ["syncconfig"]
    assert toy.config == {"CONFIG_NET=y", "CONFIG_ONE=y", "CONFIG_TWO=y", "CONFIG_BASE=y"}


def test_other_options_are_configured_anew(tree: KernelTree) -> None:
    toy = Toy(tree)
    one = with_entries(ENTRY.format("ONE"))
    toy.configure("NET=y\nONE=y\n", one)
    assert toy.configure("NET=y\nINET=y\nONE=y\n", one) == ["allnoconfig"]
    (tree.root / "init/Kconfig").write_text("# the author went on\n" + KCONFIG)
    assert toy.configure("NET=y\nINET=y\nONE=y\n", "# the author went on\n" + one) == [
        "allnoconfig"
    ]


@pytest.mark.parametrize("before", [True, False])
def test_an_entry_that_reaches_others_is_configured_anew(tree: KernelTree, before: bool) -> None:
    """What it selects would stay when it has gone."""
    toy = Toy(tree)
    lone = "NET=y\nONE=y\n", with_entries(ENTRY.format("ONE"))
    selects = "NET=y\nTWO=y\n", with_entries(ENTRY.format("TWO") + "\tselect LAST\n")
    for options, kconfig in (lone, selects) if before else (selects, lone):
        assert toy.configure(options, kconfig) == ["allnoconfig"]


def test_an_option_that_is_lost_on_the_short_way(tree: KernelTree) -> None:
    toy = Toy(tree)
    toy.configure("NET=y\nONE=y\n", with_entries(ENTRY.format("ONE")))
    toy.lacks = "TWO"
    two = with_entries(ENTRY.format("TWO"))
    for _ in range(2):
        with pytest.raises(ConfigError, match="CONFIG_TWO"):
            toy.configure("NET=y\nTWO=y\n", two)
    assert toy.asked == ["allnoconfig"], "a configuration that failed is no base"


def test_a_make_that_fails_on_the_short_way(tree: KernelTree) -> None:
    toy = Toy(tree)
    toy.configure("ONE=y\n", with_entries(ENTRY.format("ONE")))
    plain = toy.make

    def make(target: str, variables: dict[str, str]) -> None:
        if target == "syncconfig":
            (toy.work / ".config").write_text("half")
            raise BuildError.of("it asks")
        plain(target, variables)

    toy.make = make  # type: ignore[method-assign]
    assert toy.configure("TWO=y\n", with_entries(ENTRY.format("TWO"))) == ["allnoconfig"]
    assert toy.config == {"CONFIG_TWO=y", "CONFIG_BASE=y"}


ONE = with_entries(ENTRY.format("ONE"))


@pytest.mark.parametrize(
    ("files", "symbols"),
    [
        ({"init_Kconfig": ONE}, {"ONE"}),
        ({"init_Kconfig": with_entries(ENTRY.format("ONE"), ENTRY.format("TWO"))}, {"ONE", "TWO"}),
        ({"init_Kconfig": ONE, "kernel_one.c": ""}, {"ONE"}),
        ({"kernel_one.c": ""}, None),
        ({"init_Kconfig": ONE, "lib_Kconfig": ""}, None),
        ({"init_Kconfig": ONE, "lib_Kconfig.debug": ""}, None),
        ({"init_Kconfig": with_entries(ENTRY.format("ONE") + "\timply LAST\n")}, None),
        ({"init_Kconfig": with_entries("\tdepends on LAST\n", ENTRY.format("ONE"))}, None),
        ({"init_Kconfig": with_entries("\tdepends on LAST\n")}, None),
        ({"init_Kconfig": with_entries("\nif EXPERT\n", ENTRY.format("ONE"), "endif\n")}, None),
        ({"init_Kconfig": ENTRY.format("ZERO") + ONE}, None),
        ({"init_Kconfig": ONE.replace("experts", "others")}, None),
        ({"init_Kconfig": KCONFIG}, None),
    ],
)
def test_whose_options_no_other_depends_on(
    tree: KernelTree, files: dict[str, str], symbols: set[str] | None
) -> None:
    assert lone_options(tree, change(**files)) == symbols
