"""Wires calls into a kernel tree: every edit, the files that result, the patch series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from syscraft.emit.kernel.source import kernel_source
from syscraft.errors import UsageError
from syscraft.model.call import PRIVATE_NUMBERS, Call, NumberPolicy, Unit
from syscraft.tree.adding import KernelChange, added, line_map, man_pages
from syscraft.tree.number import numbers_of
from syscraft.tree.options import has_option, option_of, options_of_others
from syscraft.tree.pieces import all_pieces
from syscraft.tree.recognising import is_from_declaration
from syscraft.tree.source import KernelTree
from syscraft.tree.standing import Standing, presence_of
from syscraft.tree.taking_out import differing


def wired(
    unit: Unit, tree: KernelTree, *, numbers: Mapping[str, int] | None = None
) -> KernelChange:
    """Work out the change that adds the calls of *unit* to *tree*.

    For a tree that has the calls already it is what differs between the two, as a rule nothing;
    numbers and options are those of the tree.

    Args:
        numbers: those to take, by name; by default what :func:`numbers_of` says.

    Raises:
        TreeError: an anchor is missing, a name or number is taken, a patch does not apply.
    """
    presence = presence_of(unit, tree)
    chosen = _numbers(unit, tree, numbers or {})
    if presence.taken is None and presence.is_there:
        change = _as_it_stands(unit, tree, chosen, presence.standing)
    else:
        change = added(unit, presence.clean, chosen)
        if presence.taken:
            change = differing(tree, presence.taken, change)
            if presence.standing is Standing.BY_HAND:
                change = replace(change, series=())  # it was taken already
    ours = {unit.name, *unit.shared.call_names}
    others = [f"CONFIG_{symbol}=y" for symbol in options_of_others(ours, tree)]
    config = tuple(dict.fromkeys((*change.config, *others)))
    return replace(
        change,
        config=config,
        standing_config=tuple(line for line in config if _has_option(line, tree)),
    )


def _numbers(unit: Unit, tree: KernelTree, given: Mapping[str, int]) -> dict[str, int]:
    """Every call's number: the one that is given, or what :func:`numbers_of` says."""
    names = unit.shared.call_names
    if given.keys() >= set(names):
        return {name: given[name] for name in names}
    calls = []
    for call in unit.calls:
        if call.name in given:
            kept = replace(call.number, policy=NumberPolicy.FIXED, fixed=given[call.name])
            call = replace(call, number=kept)
        calls.append(call)
    return dict(zip(names, numbers_of(calls, tree), strict=True))


def _as_it_stands(
    unit: Unit, tree: KernelTree, numbers: Mapping[str, int], standing: Standing
) -> KernelChange:
    """The change for a tree that has the calls, and where nobody knows which lines are theirs."""
    files = {}
    if standing is Standing.BY_HAND and is_from_declaration(unit, tree):
        generated = (piece.new_files(unit) for piece in all_pieces())
        files = {
            path: text.encode("utf-8", "surrogateescape")
            for texts in generated
            for path, text in texts.items()
            if tree.read(path) not in (None, text)
        }
    path = unit.shared.kernel_path
    is_ours = path in files or tree.read(path) == kernel_source(unit).text
    symbols = {option_of(name, tree) for name in unit.shared.call_names} - {None}
    return KernelChange(
        numbers=numbers,
        files=files,
        series=(),
        extras=man_pages(unit),
        name=unit.name,
        config=tuple(f"CONFIG_{symbol}=y" for symbol in sorted(filter(None, symbols))),
        quiet=frozenset(),
        body_line_maps=(line_map(unit),) if is_ours else (),
    )


def _has_option(line: str, tree: KernelTree) -> bool:
    return has_option(line.partition("=")[0].removeprefix("CONFIG_"), tree)


def default_numbers(calls: Sequence[Call]) -> dict[str, int]:
    """The number of each call, by name, to expect without a tree at hand.

    Raises:
        UsageError: only a tree can tell.
    """
    taken = {call.number.fixed for call in calls}
    numbers = {}
    for call in calls:
        number = call.number.fixed
        if call.number.policy is NumberPolicy.PRIVATE:
            number = next((n for n in PRIVATE_NUMBERS if n not in taken), None)
        if number is None:
            raise UsageError.of(
                "only a kernel tree can tell the next number",
                call.number.where,
                hint="add --linux deb:6.12, or the path of your tree",
            )
        taken.add(number)
        numbers[call.name] = number
    return numbers
