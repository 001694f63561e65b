"""Draws declarations: a number is a seed, and the same seed gives the same declaration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from .calls import Around, DrawnCall, draw_call, toml
from .parameters import HEADERS
from .structs import draw_struct
from .words import draw_author, draw_name, draw_prose

# Values of flags: %s is a number, or a flag before it.
_ODD_VALUES = (
    "1", "%s", "1 << 3", "%s | 2", "(%s)", "~%s", "-%s", "0x80000000", "1ULL << 40", "'a'",
    "%s ? 1 : 2",
    "sizeof(int)", "1 /* one */", "1\n#define X 1", "0), puts(\"x\"", "%s %s", "", "(%s",
    "1; int x",
)  # fmt: skip
_VALUES = ("1", "%s", "1 << 3", "%s | 2", "(%s)", "0x80000000", "1ULL << 40", "'a'",
           "%s ? 1 : 2", "sizeof(int)", "~0", "-1")  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    """A declaration: the TOML file and the body's C file, made from *seed*."""

    seed: int
    name: str
    toml: str
    body: str

    @property
    def text(self) -> str:
        return f"# seed {self.seed}\n{self.toml}\n{self.body}"

    def write(self, home: Path) -> None:
        """Make *home*, the folder of the declaration."""
        home.mkdir()
        (home / f"{self.name}.toml").write_text(self.toml, encoding="utf-8")
        (home / f"{self.name}.c").write_text(self.body, encoding="utf-8")


def draw(seed: int) -> Drawn:
    """Draw one declaration: three of five are meant to be right."""
    random = Random(seed)
    odd = random.random() < 0.4
    taken: set[str] = set()
    name = _name(random, seed, taken, odd=odd)
    sizes: dict[str, int] = {}
    structs = [
        draw_struct(random, taken, f"_{seed}", sizes, odd=odd and random.random() < 0.5)
        for _ in range(random.choice((0, 0, 1, 1, 2, 3)))
    ]
    flags, flag_tables = _flags(random, taken, f"_{seed}", odd=odd)
    types = dict(random.sample(tuple(HEADERS.items()), random.choice((0, 0, 0, 1, 2))))
    known = (*sizes, *types)
    lines: list[tuple[str, object]] = [
        ("name", name),
        ("summary", draw_prose(random, odd=odd)),
        ("author", draw_author(random, odd=odd)),
    ]
    if random.random() < 0.5:
        lines.append(("description", _description(random, odd=odd)))
    if structs:
        lines.append(("structs", "\n\n".join(structs)))
    several = random.random() < 0.15
    around = Around(seed, known, flags, "calls." if several else "", odd)
    if several:
        names = [_name(random, seed, taken, odd=odd) for _ in range(random.randint(1, 3))]
    else:
        names = [name]
    calls = [draw_call(random, called, taken, around) for called in names]
    for call in calls:
        types |= call.types
    if types:
        lines.append(("types", list(types)))
        lines.append(("includes", sorted(set(types.values()))))
    toml_text = "".join(f"{key} = {toml(value)}\n" for key, value in lines)
    toml_text += _calls(random, calls, flag_tables + _kconfig(random, seed, odd=odd), around)
    body = "\n".join(
        f"static long do_{call.name}({call.body})\n{{\n\treturn 0;\n}}\n" for call in calls
    )
    return Drawn(seed, name, toml_text, body)


def _name(random: Random, seed: int, taken: set[str], *, odd: bool) -> str:
    name = draw_name(random, "call", taken, odd=odd)
    return name if random.random() < 0.05 else f"{name}_{seed}"


def _calls(random: Random, calls: Sequence[DrawnCall], shared: str, around: Around) -> str:
    """The keys and tables of calls, and between them the tables that they share."""
    if not around.prefix:
        return calls[0].keys + shared + calls[0].tables
    return shared + "".join(
        f"[[calls]]\nname = {toml(call.name)}\n"
        f"summary = {toml(draw_prose(random, odd=around.odd))}\n{call.keys}{call.tables}"
        for call in calls
    )


def _description(random: Random, *, odd: bool) -> str:
    return "\n\n".join(draw_prose(random, odd=odd) for _ in range(3))


def _kconfig(random: Random, seed: int, *, odd: bool) -> str:
    if random.random() < 0.8:
        return ""
    symbol = f"{draw_name(random, 'flag', set(), odd=odd)}_{seed}"
    return f"[kconfig]\nsymbol = {toml(symbol)}\nhelp = {toml(_description(random, odd=odd))}\n"


def _flags(
    random: Random, taken: set[str], suffix: str, *, odd: bool
) -> tuple[tuple[str, ...], str]:
    """Flags whose values use those before them: the names, and the tables."""
    text = ""
    names: list[str] = []
    for _ in range(random.choice((0, 0, 1, 3))):
        name = draw_name(random, "flag", taken, odd=odd)
        name += suffix if random.random() < 0.9 else ""
        before = random.choice((*names, "1", "0x10u"))
        value = random.choice(_ODD_VALUES if odd else _VALUES).replace("%s", before)
        text += f"[[flags]]\nname = {toml(name)}\nvalue = {toml(value)}\n"
        text += f"summary = {toml(draw_prose(random, odd=odd))}\n"
        names.append(name)
    return tuple(names), text
