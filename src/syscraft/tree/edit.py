"""Edits of files of a kernel tree: found by anchors, applied, and shown as diffs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from syscraft.errors import TreeError, Where
from syscraft.lines import whole_lines

_CONTEXT_LINES = 3


@dataclass(frozen=True)
class Insertion:
    """Lines to put in front of line ``index`` (from 0) of a file, or in the place of some.

    ``replaced`` lines from ``index`` on go.
    """

    index: int
    lines: tuple[str, ...]
    replaced: int = 0

    @property
    def end(self) -> int:
        return self.index + self.replaced


@dataclass(frozen=True)
class FileEdit:
    """A file's lines as they are, and what goes between them; ``lines`` is None if new."""

    path: str
    lines: tuple[str, ...] | None
    insertions: tuple[Insertion, ...]

    def text(self) -> str:
        """The file after the edit."""
        result: list[str] = []
        position = 0
        old = self.lines or ()
        for insertion in self.insertions:
            result += old[position : insertion.index]
            result += insertion.lines
            position = insertion.end
        return "".join([*result, *old[position:]])

    def diff(self) -> str:
        """The edit in the format of git, without an index line."""
        if self.lines is None:
            added = [line for insertion in self.insertions for line in insertion.lines]
            return (
                f"diff --git a/{self.path} b/{self.path}\nnew file mode 100644\n"
                f"--- /dev/null\n+++ b/{self.path}\n@@ -0,0 +1{_count(len(added))} @@\n"
                + "".join(f"+{line}" for line in added)
            )
        hunks = "".join(self._hunks(self.lines))
        return (
            f"diff --git a/{self.path} b/{self.path}\n--- a/{self.path}\n+++ b/{self.path}\n{hunks}"
        )

    def _hunks(self, old: tuple[str, ...]) -> list[str]:
        groups: list[list[Insertion]] = []
        for insertion in self.insertions:
            if groups and insertion.index - groups[-1][-1].end <= 2 * _CONTEXT_LINES:
                groups[-1].append(insertion)
            else:
                groups.append([insertion])
        hunks = []
        added_before = 0
        for group in groups:
            start = max(0, group[0].index - _CONTEXT_LINES)
            end = min(len(old), group[-1].end + _CONTEXT_LINES)
            body: list[str] = []
            position = start
            for insertion in group:
                body += [f" {line}" for line in old[position : insertion.index]]
                body += [f"-{line}" for line in old[insertion.index : insertion.end]]
                body += [f"+{line}" for line in insertion.lines]
                position = insertion.end
            body += [f" {line}" for line in old[position:end]]
            added = sum(len(insertion.lines) - insertion.replaced for insertion in group)
            span = end - start
            first = start + 1
            hunks.append(
                f"@@ -{first}{_count(span)} +{first + added_before}{_count(span + added)} @@\n"
                + "".join(body)
            )
            added_before += added
        return hunks

    def added_lines(self) -> int:
        return sum(len(insertion.lines) for insertion in self.insertions)

    def removed_lines(self) -> int:
        return sum(insertion.replaced for insertion in self.insertions)


def _count(lines: int) -> str:
    return "" if lines == 1 else f",{lines}"


class Editor:
    """Collects edits over several anchors and files."""

    def __init__(
        self, read: Callable[[str], str | None], where: Callable[[str, int | None], Where]
    ) -> None:
        self._read = read
        self._where = where
        self._lines: dict[str, tuple[str, ...] | None] = {}
        self._insertions: dict[str, list[Insertion]] = {}
        self.shared: dict[str, set[str]] = {}

    def lines(self, path: str) -> tuple[str, ...]:
        """The lines of a file that must be there, with their line ends."""
        if path not in self._lines:
            text = self._read(path)
            if text is None:
                raise TreeError.of("the kernel tree lacks a file", self._where(path, None))
            if text and not text.endswith("\n"):
                text += "\n"
            self._lines[path] = tuple(whole_lines(text))
        found = self._lines[path]
        assert found is not None
        return found

    def insert(self, path: str, index: int, text: str) -> None:
        """Put *text* in front of line *index* of *path*."""
        self.lines(path)
        self._insertions.setdefault(path, []).append(Insertion(index, tuple(whole_lines(text))))

    def share(self, path: str, text: str) -> None:
        """Note that the lines of *text* are needed in *path*, by other calls too, but only once.

        Whoever comes first puts them there.
        """
        self.shared.setdefault(path, set()).update(whole_lines(text))

    def replace_line(self, path: str, index: int, line: str) -> None:
        """Put *line* in the place of line *index* of *path*."""
        self.lines(path)
        self._insertions.setdefault(path, []).append(Insertion(index, (line,), replaced=1))

    def create(self, path: str, text: str) -> None:
        """Make a new file.

        Raises:
            TreeError: the tree has it already.
        """
        if self._read(path) is not None:
            raise TreeError.of(
                "the kernel tree already has a file of this name",
                self._where(path, None),
                expected="no such file",
                hint="choose another name for the call",
            )
        self._lines[path] = None
        self._insertions[path] = [Insertion(0, tuple(whole_lines(text)))]

    def find(
        self, path: str, accept: Callable[[str], bool], expected: str, *, last: bool = False
    ) -> int:
        """The index of the line that *accept* likes: the only one, or the last.

        Raises:
            TreeError: there is none, or (unless *last*) more than one.
        """
        found = [index for index, line in enumerate(self.lines(path)) if accept(line)]
        if not found or (len(found) > 1 and not last):
            raise TreeError.of(
                "the place for the change is missing" if not found else "the place is not unique",
                self._where(path, found[1] + 1 if found else None),
                expected=expected,
                found=f"{len(found)} such lines",
                hint="this kernel tree is laid out in a way that syscraft does not know",
            )
        return found[-1]

    def sizes(self) -> dict[str, int]:
        """How many edits each path has so far."""
        return {path: len(items) for path, items in self._insertions.items()}

    def edits(self) -> tuple[FileEdit, ...]:
        """All edits, by path."""
        return tuple(
            FileEdit(path, self._lines[path], tuple(sorted(items, key=lambda i: i.index)))
            for path, items in sorted(self._insertions.items())
        )
