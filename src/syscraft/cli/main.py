"""The command line: one library call per verb, one module per verb."""

from __future__ import annotations

import contextlib
import importlib
import io
import pkgutil
import sys
from collections.abc import Iterator
from typing import Any

import click

import syscraft.cli
from syscraft.cli.console import Console
from syscraft.cli.signals import ending_in_order
from syscraft.cli.streams import drop_stream, open_streams
from syscraft.errors import ExitStatus, SyscraftError

OUTPUT_GONE = 141  # 128 + SIGPIPE, as shells report it


class LazyVerbs(click.Group):
    """Finds verbs as modules ``syscraft.cli.verb_NAME`` and imports only the one used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        modules = pkgutil.iter_modules(syscraft.cli.__path__)
        return sorted(m.name.removeprefix("verb_") for m in modules if m.name.startswith("verb_"))

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(ctx):
            return None
        command = importlib.import_module(f"syscraft.cli.verb_{name}").command
        assert isinstance(command, click.Command)
        return command

    def make_context(self, *args: Any, **more: Any) -> click.Context:
        with _output_may_go():  # --help is printed here
            return super().make_context(*args, **more)

    def invoke(self, ctx: click.Context) -> Any:
        with _output_may_go():
            return super().invoke(ctx)


@contextlib.contextmanager
def _output_may_go() -> Iterator[None]:
    """End as SIGPIPE ends others if whoever read our output has gone; nobody is left to tell.

    Not in main(), for click makes 1 of it.
    """
    try:
        yield
    except BrokenPipeError:
        drop_stream(1)
        sys.exit(OUTPUT_GONE)


@click.group(cls=LazyVerbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="syscraft")
@click.option("--quiet", "-q", is_flag=True, help="Print results and errors only.")
@click.pass_context
def cli(ctx: click.Context, quiet: bool) -> None:
    """Declare a Linux system call once; get the kernel patch, wrappers and tests.

    Exit status: 0 all good, 1 findings or failed tests, 2 wrong usage,
    3 this machine lacks something.
    """
    ctx.obj = Console(quiet=quiet)


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; every expected failure ends in a message, never a traceback."""
    open_streams()
    with ending_in_order() as came:
        try:
            status = cli.main(arguments, prog_name="syscraft", standalone_mode=False)
            sys.exit(status if isinstance(status, int) else ExitStatus.OK)
        except SyscraftError as error:
            _print(str(error))
            sys.exit(error.exit_status)
        except click.ClickException as error:
            shown = io.StringIO()
            error.show(shown)
            _print(shown.getvalue())
            sys.exit(ExitStatus.USAGE)
        except (click.Abort, KeyboardInterrupt):
            _print("interrupted; run the same command again to resume")
            sys.exit(128 + came[0] if came else ExitStatus.INTERRUPTED)
        except OSError as error:
            _print(
                f"error: {error.strerror or error}"
                + (f": {error.filename}" if error.filename else "")
            )
            sys.exit(ExitStatus.ENVIRONMENT)


def _print(text: str) -> None:
    Console(quiet=False).error(text)
