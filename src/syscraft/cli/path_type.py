"""The type of options that name a file or a folder."""

from __future__ import annotations

import click


class PathType(click.ParamType[str]):
    """A path; an empty one, most often an unset variable of a script, is refused."""

    name = "path"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not value:
            self.fail("the path is empty", param, ctx)
        if "\0" in value:
            self.fail("a path has no null byte", param, ctx)
        return value


PATH = PathType()
