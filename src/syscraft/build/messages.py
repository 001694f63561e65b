"""Reads what a failed build printed: whose fault it is, told against the author's own files."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

from syscraft import proc
from syscraft.errors import BuildError, EnvironmentLacks, Finding, SyscraftError, Where
from syscraft.lines import split_lines
from syscraft.tree.adding import BodyLineMap

_MESSAGE = re.compile(
    r"^(?P<path>[^\s:][^:]*):(?P<line>\d+):(?:(?P<column>\d+):)? "
    r"(?P<kind>fatal error|error|warning): (?P<text>.*)$"
)


def failure(done: proc.Result, source: Path, bodies: tuple[BodyLineMap, ...]) -> SyscraftError:
    """Tell whose fault a failed build is: the machine's, or the author's."""
    for line in split_lines(done.output):
        if os.strerror(errno.ENOSPC) in line:
            return EnvironmentLacks.of(
                "the disk is full",
                Where(str(source.parent)),
                found=line.strip(),
                hint="free some space, or set SYSCRAFT_CACHE to a folder on a larger disk",
            )
    return BuildError(*_findings(done, source, bodies))


def _findings(done: proc.Result, source: Path, bodies: tuple[BodyLineMap, ...]) -> list[Finding]:
    """The compiler's errors, told against the authors' own files."""
    findings = []
    lines = split_lines(done.output)
    for index, line in enumerate(lines):
        match = _MESSAGE.match(line)
        if not match or match["kind"] == "warning":
            continue
        path = (
            os.path.relpath(match["path"], source)
            if match["path"].startswith("/")
            else match["path"].removeprefix("../src/")
        )
        number = int(match["line"])
        column = int(match["column"]) if match["column"] else None
        where = Where(path, number, column)
        for body in bodies:
            if path == body.kernel_path and number > body.offset:
                where = Where(body.shown_path, number - body.offset, column)
        excerpt = [text for text in lines[index + 1 : index + 3] if re.match(r"^\s*\d* \|", text)]
        findings.append(
            Finding(match["text"], where, found="\n".join(excerpt) or None,
                    hint=f"repeat it: {done.replay}")
        )  # fmt: skip
    if not findings:
        # Where make gives up first; what comes after are jobs that were still running.
        end = next((i for i, line in enumerate(lines) if ": *** " in line), len(lines) - 1) + 1
        findings.append(
            Finding(
                "the kernel does not build",
                found="\n".join(lines[max(0, end - 15) : end]),
                hint=f"repeat it: {done.replay}",
            )
        )
    return findings
