"""What an emitter is, and how templates are filled in."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import jinja2

from syscraft.abi.abi import Abi
from syscraft.emit import ctext_layout
from syscraft.lines import split_lines
from syscraft.model.call import Call

Files = dict[str, str]


@dataclass(frozen=True)
class Emitter:
    """Makes one artefact.

    Args:
        name: what ``--only`` selects.
        summary: one line for people.
        emit: (call, number in the common table, ABIs) -> file name -> text; pure.
    """

    name: str
    summary: str
    emit: Callable[[Call, int, tuple[Abi, ...]], Files]


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # the output is C and Python
    )
    environment.globals["argument_list"] = ctext_layout.argument_list
    environment.globals["comment"] = ctext_layout.comment
    environment.filters["lines"] = split_lines
    return environment


def fill(template: str, **values: object) -> str:
    """Fill in a file of ``templates/``."""
    return _environment().get_template(template).render(values)


def fill_text(text: str, **values: object) -> str:
    """Fill in a template that an ABI brings."""
    return _compiled(text).render(values)


@functools.cache
def _compiled(text: str) -> jinja2.Template:
    return _environment().from_string(text)
