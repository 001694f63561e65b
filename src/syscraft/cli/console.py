"""What the command line prints: progress on standard error, results on standard output."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable
from typing import Any

from syscraft.cli.streams import drop_stream

_VERDICT_COLOURS = {"PASS": "32", "SKIP": "33"}


class Console:
    """Progress and errors go to standard error; ``--quiet`` keeps only errors."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._started = time.monotonic()
        self._live = sys.stderr.isatty() and not quiet and os.environ.get("TERM") != "dumb"
        self._width = 0
        self._last = ""
        self._last_plain_s = 0.0

    def progress(self, text: str) -> None:
        """Show what is going on: one line that changes, or now and then a new one."""
        if self._quiet:
            return
        elapsed = time.monotonic() - self._started
        if self._live:
            columns = os.get_terminal_size(sys.stderr.fileno()).columns
            line = f"[{elapsed:5.1f} s] {text}"[: max(20, columns - 1)]
            self._tell("\r" + line.ljust(self._width))
            self._width = len(line)
        elif self._is_news(text, elapsed):
            self._tell(f"[{elapsed:5.1f} s] {text}\n")

    def _is_news(self, text: str, elapsed: float) -> bool:
        """On no terminal: each new step at once, what it tells behind a colon every ten seconds."""
        kind = text.partition(":")[0]
        if kind == self._last and elapsed - self._last_plain_s < 10:
            return False
        self._last, self._last_plain_s = kind, elapsed
        return True

    def done(self) -> None:
        """Clear the line that changes."""
        if self._live and self._width:
            self._tell("\r" + " " * self._width + "\r")
            self._width = 0

    def error(self, text: str) -> None:
        self.done()
        self._tell(text.rstrip("\n") + "\n")

    def say(self, text: str = "") -> None:
        """Print a result."""
        self.done()
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """Print what is nice to know; ``--quiet`` drops it."""
        if not self._quiet:
            self.done()
            self._tell(text + "\n")

    @staticmethod
    def _tell(text: str) -> None:
        """Write to standard error; where it takes nothing, results and statuses still count."""
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:
            drop_stream(2)

    def json(self, value: Any) -> None:
        self.say(json.dumps(value, indent=2))


def colour(verdict: str) -> str:
    """Colour a verdict, if standard output is a terminal and NO_COLOR is not set."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return verdict
    return f"\033[{_VERDICT_COLOURS.get(verdict, '31')}m{verdict}\033[0m"


def table(rows: Iterable[tuple[str, ...]]) -> str:
    """Align columns; the last one is not padded."""
    listed = list(rows)
    widths = [max(len(row[i]) for row in listed) for i in range(len(listed[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in listed
    )
