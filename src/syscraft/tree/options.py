"""The kernel options of calls that a tree has already, by a record or recognized by their form.

A configuration that is made from nothing leaves them out, and with them calls that the author of
the tree relies on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from syscraft.model.call import PRIVATE_NUMBERS
from syscraft.tree.record import Record, all_records
from syscraft.tree.source import KernelTree
from syscraft.tree.tables import read_tables

_KCONFIG = "init/Kconfig"
_ENTRY = re.compile(r"^config (?P<symbol>\w+)\n(?P<rest>(?:[ \t].*\n|\n)*)", re.MULTILINE)
# Several calls of one option are named in its help, which may break lines between them.
_SEVERAL = re.compile(r"^\s*Enable\s+the\s([\w\s,]+?)\ssystem\s+calls:", re.MULTILINE)
_PROMPT = re.compile(r'^\s*bool "Enable (\w+)\(\) system call"', re.MULTILINE)
# What syscraft writes, and the kernel's own options of that form do not have.
_OURS = re.compile(r"Without this option\s+(\w+)\(\)\s+fails with ENOSYS")
_OBJECT = re.compile(r"^obj-\$\(CONFIG_(\w+)\)\s*[+:]?=\s*(\w+)\.o\s*$", re.MULTILINE)
_SYMBOL = re.compile(r"^config (\w+)$", re.MULTILINE)


def has_option(symbol: str, tree: KernelTree) -> bool:
    """Whether ``init/Kconfig``, where options of calls are, defines *symbol*."""
    return symbol in _SYMBOL.findall(tree.read(_KCONFIG) or "")


def option_of(name: str, tree: KernelTree) -> str | None:
    """The symbol that turns a call on that the tree has; None if nothing turns it off."""
    return _symbols(tree).get(name)


def options_of_others(names: Iterable[str], tree: KernelTree) -> tuple[str, ...]:
    """The symbols of our calls in *tree*, without those called *names*, in order."""
    symbols = _symbols(tree)
    ours = (_private(tree) | _described(tree)) - set(names)
    found = {symbols[name] for name in ours if name in symbols}
    for record in all_records(tree):
        if record.name not in names:
            found |= {symbol for symbol in _recorded(record) if has_option(symbol, tree)}
    return tuple(sorted(found))


def _symbols(tree: KernelTree) -> dict[str, str]:
    """Name of a call -> symbol, for every option that has the form of a call's."""
    text = tree.read("kernel/Makefile") or ""
    found = {name: symbol for symbol, name in _OBJECT.findall(text)}
    for entry in _ENTRY.finditer(tree.read(_KCONFIG) or ""):
        for name in (*_PROMPT.findall(entry["rest"]), *_several(entry["rest"])):
            found[name] = entry["symbol"]
    return found


def _several(text: str) -> list[str]:
    return [n for names in _SEVERAL.findall(text) for n in re.findall(r"\w+", names) if n != "and"]


def _described(tree: KernelTree) -> set[str]:
    text = tree.read(_KCONFIG) or ""
    return {*_OURS.findall(text), *_several(text)}


def _private(tree: KernelTree) -> set[str]:
    """The calls with a number that the kernel itself gives to nobody."""
    rows = read_tables(tree).rows(tree)
    return {row.name for _, row, number in rows if number in PRIVATE_NUMBERS}


def _recorded(record: Record) -> list[str]:
    added = [line for hunk in record.edited.get(_KCONFIG, ()) for line in hunk.added]
    return _SYMBOL.findall("".join(added))
