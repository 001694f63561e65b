"""Makes a kernel's configuration.

Kconfig tries the compiler dozens of times whenever it reads its files, which takes a second or two;
so a configuration that differs from the last one in the options of calls is made of that.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path, PurePosixPath

from syscraft.build.kconfig import Demand, Need, Option, check, config_text, symbol_of
from syscraft.errors import BuildError, ConfigError
from syscraft.files import digest, read_record, remove_file, write_if_changed, write_record
from syscraft.lines import split_lines
from syscraft.tree.adding import KernelChange
from syscraft.tree.source import KernelTree

Make = Callable[[str, dict[str, str]], None]


def configure(
    wanted: tuple[Option, ...],
    needs: tuple[Need, ...],
    *,
    tree: KernelTree,
    source: Path,
    objects: Path,
    work: Path,
    arch: str,
    own: frozenset[str] | None,
    make: Make,
) -> None:
    """Make ``.config`` in *objects* unless it is there for the same options already.

    Args:
        tree: names the places of findings; *source* is the copy of it that is built.
        arch: what the guest is called in an error.
        own: the symbols that come with the calls, from :func:`lone_options`.
        make: makes a target with variables.

    Raises:
        ConfigError: options that did not survive, each with what is known of the reason.
    """
    stamp = work / "configured"
    config = objects / ".config"
    before = _Stamp(*(read_record(stamp) or ())) if config.exists() else _Stamp()
    state = digest(config_text(wanted), repr(needs), (source / "init/Kconfig").read_bytes())
    if before.state == state:
        return
    now = _Stamp(state)
    if own is not None:
        others = (option for option in wanted if option.symbol not in own)
        base = digest(config_text(others), repr(needs), tree.read_bytes("init/Kconfig") or b"")
        now = _Stamp(state, base, tuple(sorted(own)))

    def attempt(options: tuple[Option, ...], target: str, variables: dict[str, str]) -> None:
        make(target, variables)
        check(options, needs, config.read_text(), tree, source, arch)

    def from_nothing(options: tuple[Option, ...]) -> None:
        fragment = work / "fragment"
        write_if_changed(fragment, config_text(options).encode())
        attempt(options, "allnoconfig", {"KCONFIG_ALLCONFIG": str(fragment)})

    def from_the_last(options: tuple[Option, ...]) -> bool:
        """Everything else comes out as it did: half of the time is to try the compiler anew."""
        exchanged = _exchanged(config.read_text(), before.own, wanted, now.own)
        write_if_changed(config, exchanged.encode())
        with contextlib.suppress(BuildError):
            attempt(options, "syncconfig", {})
            return True
        return False

    remove_file(stamp)
    spared = tuple(option for option in wanted if option.demand is not Demand.WHERE_NEEDED)
    if not (now.base and before.base == now.base and from_the_last(spared)):
        try:
            from_nothing(spared)
        except ConfigError:
            if spared == wanted:
                raise
            from_nothing(wanted)
    write_record(stamp, astuple(now))


@dataclass(frozen=True)
class _Stamp:
    """What a ``.config`` was made for.

    Args:
        base: names what it was made for apart from *own*, the symbols that came with calls;
            empty if these cannot be told from the rest.
    """

    state: str = ""
    base: str = ""
    own: Sequence[str] = ()


def _exchanged(
    config: str, before: Sequence[str], wanted: Iterable[Option], own: Sequence[str]
) -> str:
    """*config* with the options of other calls."""
    gone = {*before, *own}
    lines = [line for line in split_lines(config) if symbol_of(line) not in gone]
    lines += [option.line for option in wanted if option.symbol in own]
    return "".join(f"{line}\n" for line in lines)


def lone_options(tree: KernelTree, change: KernelChange) -> frozenset[str] | None:
    """The symbols that *change* defines, if no other symbol can depend on them.

    Returns: None if it changes more of Kconfig than to add such entries in one place.
    """
    path = "init/Kconfig"
    names = {*change.files, *change.removed}
    if {name for name in names if PurePosixPath(name).name.startswith("Kconfig")} != {path}:
        return None
    if path in change.removed:
        return None
    old = split_lines((tree.read_bytes(path) or b"").decode(errors="replace"))
    new = split_lines(change.files[path].decode(errors="replace"))
    head = _alike(old, new)
    tail = _alike(old[head:][::-1], new[head:][::-1])
    if head + tail != len(old):
        return None
    words = [line.split() for line in new[head : len(new) - tail] if line.strip()]
    if not words or words[0][0] != "config":
        return None
    # What an entry may say of other symbols; "if" begins a block here and not a condition.
    if any(first[0] in ("select", "imply", "if", "menu", "choice", "source") for first in words):
        return None
    return frozenset(first[1] for first in words if first[0] == "config")


def _alike(old: list[str], new: list[str]) -> int:
    """How many lines *old* and *new* begin with alike."""
    pairs = zip(old, new, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(old), len(new)))
