"""--abi KEY,...: which ABIs a command is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from syscraft.cli.kernel_options import names


def abi_option(parameter: str) -> Callable[[Any], Any]:
    """Make the option; *parameter* gets the keys, each once, or nothing for all ABIs."""
    return click.option(
        "--abi", parameter, metavar="KEY,...", multiple=True, callback=_split,
        help="Only these ABIs; repeatable.",
    )  # fmt: skip


def _split(
    context: click.Context, option: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for value in values for key in names(value, "--abi")))
