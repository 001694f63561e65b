# SPDX-License-Identifier: MIT
"""Take one call from its declaration to programs that use it on a new kernel."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import syscraft
import syscraft.api
from syscraft.cli.console import Console, colour, table
from syscraft.errors import ExitStatus
from syscraft.files import write_if_changed

ROOT = Path(__file__).parent.parent


class Story:
    """Chapters, each with its verdict and its time for the table at the end."""

    def __init__(self) -> None:
        self.console = Console(quiet=False)
        self.rows: list[tuple[str, float, str]] = []

    @contextmanager
    def chapter(self, title: str, command: str) -> Iterator[None]:
        self.console.say(f"\n== {title}\n   {command}\n")
        started = time.monotonic()
        verdict = "FAIL"
        try:
            yield
            verdict = "PASS"
        finally:
            self.rows.append((title, time.monotonic() - started, verdict))

    def show(self, text: str) -> None:
        self.console.say("\n".join(f"   {line}".rstrip() for line in text.splitlines()))

    def end(self, total_s: float) -> int:
        rows = [*self.rows, ("total", total_s, "")]
        self.console.say("\n== Verdicts and times\n")
        lines = table(
            [("step", "seconds", "verdict")]
            + [(name, f"{seconds:7.2f}", verdict) for name, seconds, verdict in rows]
        ).splitlines()
        for line, (_, _, verdict) in zip(lines, [("", 0.0, ""), *rows], strict=True):
            self.console.say(f"   {line.removesuffix(verdict)}{colour(verdict) if verdict else ''}")
        return 0 if all(verdict == "PASS" for _, _, verdict in self.rows) else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("declaration", nargs="?", default="examples/clone_nice")
    path = parser.parse_args().declaration
    started = time.monotonic()
    story = Story()
    progress = story.console.progress
    output = ROOT / "build" / "demo"

    with story.chapter("declaration", f"syscraft check {path}"):
        call = syscraft.load(path)
        text = (call.folder / call.call.source_name).read_text(encoding="utf-8")
        head = text.partition("\n[")[0].splitlines()
        shown = ("name", "summary", "like", "add", "kernel", "user", "patches", "missing")
        story.show("\n".join(line for line in head if line.startswith(shown)))

    with story.chapter("kernel patch", f"syscraft patch {path} -o build/demo"):
        change = call.patch(progress=progress)
        story.show(f"number {change.number}, Linux 6.12; git am takes:")
        for name, mail in change.series:
            write_if_changed(output / name, mail.encode("utf-8", "surrogateescape"))
            stat = [line for line in mail.splitlines() if line.startswith(" ") and "|" in line]
            story.show("\n".join([f"build/demo/{name}", *(f" {line}" for line in stat)]))

    with story.chapter("user-space files", f"syscraft generate {path} -o build/demo"):
        for file in call.write(output, "deb:6.12"):
            story.show(f"{file.relative_to(ROOT)}, {len(file.read_text().splitlines())} lines")

    with story.chapter("kernel build", "make ARCH=um linux, with the patch"):
        ready = call.build(progress=progress)
        story.show("found in the cache" if ready.from_cache else "built")
        if ready.image:
            story.show(f"{ready.image.stat().st_size >> 10} KiB")

    first_test = len(story.rows)
    with story.chapter("tests on the new kernel", f"syscraft test {path}"):
        cells = call.test(progress=progress)
        for cell in cells:
            story.show(f"{cell.shown_test}: {cell.verdict.name}, {cell.detail}")
    ran_s = [0.0 if cell.cached else cell.seconds for cell in cells]
    story.rows[first_test:] = [
        ("boot and overhead", story.rows[-1][1] - sum(ran_s), "PASS"),
        *(
            (cell.shown_test, seconds, cell.verdict.name)
            for cell, seconds in zip(cells, ran_s, strict=True)
        ),
    ]

    script = call.folder / "demo.py"
    if script.exists():
        shown_path = Path(path) / script.name
        with story.chapter(
            "a Python script on the new kernel", f"syscraft run {path} -- python3 {shown_path}"
        ):
            sys.stdout.flush()
            status = syscraft.api.run_in([path], [sys.executable, str(script)])
        if status:
            name, seconds, _ = story.rows[-1]
            story.rows[-1] = (name, seconds, "FAIL")

    return story.end(time.monotonic() - started)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except syscraft.SyscraftError as error:
        Console(quiet=False).error(str(error))
        sys.exit(error.exit_status)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whoever read our output has gone
        sys.exit(141)
    except KeyboardInterrupt:
        Console(quiet=False).error("interrupted; run the same command again to resume")
        sys.exit(ExitStatus.INTERRUPTED)
