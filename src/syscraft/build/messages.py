"""Reads what a build printed: whose fault it is, told against the author's own files."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from syscraft import proc
from syscraft.errors import BuildError, EnvironmentLacks, Finding, SyscraftError, Where
from syscraft.lines import split_lines
from syscraft.tree.adding import BodyLineMap

_MESSAGE = re.compile(
    r"^(?P<path>[^\s:][^:]*):(?P<line>\d+):(?:(?P<column>\d+):)? "
    r"(?P<kind>fatal error|error|warning|note): (?P<text>.*)$"
)
# gcc numbers the line that it shows; clang does since version 17.
_EXCERPT = re.compile(r"^\s*(?P<line>\d*) \|")
_MARKER = re.compile(r"^\s*[~^][~^\s]*$")


@dataclass(frozen=True)
class _Said:
    """One message of a compiler; ``place`` is in the author's file where that has a part in it.

    Args:
        mine: whether it has.
        macro: where the message itself stands, if that is a macro of the kernel.
    """

    kind: str
    text: str
    place: Where
    excerpt: tuple[str, ...]
    mine: bool
    macro: Where | None = None


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


def warnings(
    output: str, source: Path, bodies: tuple[BodyLineMap, ...]
) -> dict[str, tuple[str, ...]]:
    """What the compiler warns of in the authors' files, by the file of each that it compiled."""
    found: dict[str, tuple[str, ...]] = {}
    said = [s for s in _messages(output, source, bodies) if s.kind == "warning" and s.mine]
    for body in bodies:
        if re.search(rf"^  CC +{re.escape(body.kernel_path[:-1])}o$", output, re.MULTILINE):
            texts = [
                "\n".join((f"{s.place}: warning: {s.text}", *s.excerpt))
                for s in said
                if s.place.path == body.shown_path
            ]
            found[body.kernel_path] = tuple(dict.fromkeys(texts))
    return found


def _findings(done: proc.Result, source: Path, bodies: tuple[BodyLineMap, ...]) -> list[Finding]:
    """The compiler's errors, each once, and how to repeat the build, once."""
    findings = []
    for said in _messages(done.output, source, bodies):
        if said.kind in ("error", "fatal error"):
            found = [*said.excerpt, *([f"by a macro in {said.macro}"] if said.macro else [])]
            findings.append(Finding(said.text, said.place, found="\n".join(found) or None))
    if not findings:
        lines = split_lines(done.output)
        # Where make gives up first; what comes after are jobs that were still running.
        end = next((i for i, line in enumerate(lines) if ": *** " in line), len(lines) - 1) + 1
        text = "\n".join(lines[max(0, end - 15) : end])
        found_text = text.replace(f"{source}/", "").replace("../src/", "")
        findings.append(Finding("the kernel does not build", found=found_text))
    # A macro that uses its argument twice goes wrong twice, at one place of the author's.
    unique: dict[tuple[str, Where | None], Finding] = {}
    for finding in findings:
        unique.setdefault((finding.message, finding.where), finding)
    findings = list(unique.values())
    findings[-1] = replace(findings[-1], hint=f"repeat it: {done.replay}")
    return findings


def _messages(output: str, source: Path, bodies: Sequence[BodyLineMap]) -> Iterator[_Said]:
    """Each error and warning, with the notes that lead from a macro to who uses it.

    Source: GCC manual, -ftrack-macro-expansion: "in expansion of macro" from the inside out
    """
    lines = split_lines(output)
    matches = [
        (index, match) for index, line in enumerate(lines) if (match := _MESSAGE.match(line))
    ]
    for number, (index, match) in enumerate(matches):
        if match["kind"] == "note":
            continue
        place, mine = _place(match, source, bodies)
        excerpt, macro = _excerpt(lines, index, match, place), None
        for at, note in matches[number + 1 :] if not mine else ():
            if note["kind"] != "note" or " of macro " not in note["text"]:
                break
            outer, mine = _place(note, source, bodies)
            if mine:
                place, excerpt, macro = outer, _excerpt(lines, at, note, outer), place
                break
        yield _Said(match["kind"], match["text"], place, excerpt, mine, macro)


def _excerpt(
    lines: Sequence[str], index: int, match: re.Match[str], place: Where
) -> tuple[str, ...]:
    """What is shown of the line that a message is about, numbered as *place* is."""
    shown = lines[index + 1 : index + 3]
    if len(shown) == 2 and _MARKER.match(shown[1]):
        return tuple(shown)
    moved = (place.line or 0) - int(match["line"])
    found = []
    for text in shown:
        if numbered := _EXCERPT.match(text):
            end = numbered.end("line")
            number = f"{int(numbered['line']) + moved:>{end}}" if numbered["line"] else text[:end]
            found.append(number + text[end:])
    return tuple(found)


def _place(match: re.Match[str], source: Path, bodies: Sequence[BodyLineMap]) -> tuple[Where, bool]:
    """Where a message belongs, and whether that is an author's line."""
    path = (
        os.path.relpath(match["path"], source)
        if match["path"].startswith("/")
        # The kernel's makefiles include some headers as ./../src/include/...
        else os.path.normpath(match["path"]).removeprefix("../src/")
    )
    number = int(match["line"])
    column = int(match["column"]) if match["column"] else None
    for body in bodies:
        if path == body.kernel_path and number > body.offset:
            return Where(body.shown_path, number - body.offset, column), True
    return Where(path, number, column), False
