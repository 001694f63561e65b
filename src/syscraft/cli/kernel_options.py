"""Options of the verbs that boot a kernel: which guest, which tree, which flavour."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import click

from syscraft.errors import UsageError

Command = TypeVar("Command", bound=Callable[..., Any])


class WithCommand(click.Command):
    """A verb that runs what stands behind ``--``; it is ``ctx.meta[COMMAND]``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        here = args.index("--") if "--" in args else len(args)
        ctx.meta[COMMAND] = tuple(args[here + 1 :])
        return super().parse_args(ctx, args[:here])

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "-- COMMAND..."]


COMMAND = "syscraft.command"
# A month; clocks of the system take no number of any size.
_LONGEST_S = 31 * 24 * 3600


def kernel_options(command: Command) -> Command:
    """Add the options that change a kernel's configuration."""
    for option in (
        click.option("--kconfig-file", "kconfig_files", metavar="FILE", multiple=True,
                     help="File of kernel options, one per line as in .config; repeatable."),
        click.option("--kconfig", metavar="NAME=VALUE", multiple=True,
                     help="Set a kernel option, such as DEBUG_LIST=y; repeatable."),
    ):  # fmt: skip
        command = option(command)
    return command


def unsafe_option(command: Command) -> Command:
    """Add the option that lets a guest do what the user may do."""
    return click.option(
        "--unsafe", is_flag=True,
        help="Start guests without a sandbox: what runs there may change this machine's files.",
    )(command)  # fmt: skip


def names(text: str, option: str) -> tuple[str, ...]:
    """Split a list with commas.

    Raises:
        UsageError: it has no name in it.
    """
    found = tuple(dict.fromkeys(name for name in text.split(",") if name))
    if not found:
        raise UsageError.of(f"{option} is empty", expected="names, separated by commas")
    return found


class Seconds(click.FloatRange):
    """How long something may take; for ever, and what is no number, is nothing to wait for."""

    name = "seconds"

    def __init__(self) -> None:
        super().__init__(min=0.1, max=_LONGEST_S)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        seconds = float(super().convert(value, param, ctx))
        if math.isnan(seconds):
            self.fail(f"{value!r} is not a number of seconds.", param, ctx)
        return seconds
