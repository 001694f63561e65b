"""Mails for ``git am``: a change, split into commits as maintainers want to read it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from syscraft.emit.kernel.wording import the_calls
from syscraft.model.call import TextFile, Unit
from syscraft.output import SIGNATURE
from syscraft.tree.edit import FileEdit

_STAT_COLUMNS = 40
_FIRST_LINE = "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\n"
_SUBJECT = re.compile(r"^Subject: (?:\[PATCH[^\]]*\] ?)?", re.MULTILINE)
_DIFF = re.compile(r"^(?:diff |--- \S|Index: )", re.MULTILINE)
_SIGNATURE = re.compile(r"\n-- \n[^\n]*\n*\Z")
_PREFIX = re.compile(r"^Subject: \[PATCH[^\]]*\] ?", re.MULTILINE)


@dataclass(frozen=True)
class Commit:
    """One commit: what it is about, why, and its edits."""

    subject: str
    message: str
    edits: tuple[FileEdit, ...]

    @property
    def stem(self) -> str:
        """The file's name, as git makes it of the subject."""
        return re.sub(r"[^A-Za-z0-9.]+", "-", self.subject).strip("-")[:52].strip("-.")


def series(
    unit: Unit, patches: Sequence[TextFile], commits: Sequence[Commit]
) -> tuple[tuple[str, str], ...]:
    """Write the author's own *patches* and *commits*; (file name, mail) each.

    There are no dates, so equal input is equal output.
    """
    total = len(patches) + len(commits)
    mails = []
    for number, patch in enumerate(patches, 1):
        text = _authors_mail(unit.shared.author, patch, number, total)
        mails.append((f"{number:04d}-{_stem(patch.name)}.patch", text))
    for number, commit in enumerate(commits, len(patches) + 1):
        mails.append(
            (f"{number:04d}-{commit.stem}.patch", _mail(unit.shared.author, commit, number, total))
        )
    return tuple(mails)


def in_one_series(changes: Sequence[Sequence[tuple[str, str]]]) -> tuple[tuple[str, str], ...]:
    """Number the mails of several series through, to be applied in this order.

    Args:
        changes: (file name, mail) pairs of each.
    """
    mails = [mail for change in changes for mail in change]
    total = len(mails)
    return tuple(
        (
            re.sub(r"^\d+", f"{number:04d}", name),
            _PREFIX.sub(f"Subject: [PATCH {number}/{total}] ", text, count=1),
        )
        for number, (name, text) in enumerate(mails, 1)
    )


def cover_letter(
    unit: Unit, patches: Sequence[TextFile], commits: Sequence[Commit], message: str
) -> str:
    """Write what comes before the mails. It is no patch, so ``git am`` does not want it."""
    total = len(patches) + len(commits)
    titles = [_title(patch.text) for patch in patches] + [commit.subject for commit in commits]
    listed = "".join(f"  {title}\n" for title in titles)
    edits = _together([edit for commit in commits for edit in commit.edits])
    return (
        f"From: {_in_header(unit.shared.author)}\n"
        f"Subject: [PATCH 0/{total}] Add {the_calls(unit)}\n"
        "\n"
        f"{message}\n"
        "\n"
        f"{unit.shared.author.partition('<')[0].strip()} ({total}):\n"
        f"{listed}"
        "\n"
        f"{edits}{SIGNATURE}"
    )


def _title(mail: str) -> str:
    found = re.search(r"^Subject: (?:\[[^\]]*\] )?(.*)$", mail, re.MULTILINE)
    return found[1] if found else "the author's patch"


def _authors_mail(author: str, patch: TextFile, number: int, total: int) -> str:
    """An author's patch as a mail of the series; git am does not take a diff without a head."""
    text = _SIGNATURE.sub("\n", patch.text)
    text = text if text.endswith("\n") else f"{text}\n"
    diff = _DIFF.search(text)
    prefix = f"Subject: [PATCH {number}/{total}] "
    if _SUBJECT.search(text, 0, diff.start() if diff else len(text)):
        return _SUBJECT.sub(prefix, text, count=1) + SIGNATURE
    subject = _stem(patch.name).replace("-", " ")
    return f"{_FIRST_LINE}From: {_in_header(author)}\n{prefix}{subject}\n\n{text}{SIGNATURE}"


def _stem(name: str) -> str:
    stem = name.rsplit("/", 1)[-1].removesuffix(".patch").removesuffix(".diff")
    return re.sub(r"^\d+-", "", stem)


def _mail(author: str, commit: Commit, number: int, total: int) -> str:
    return (
        f"{_FIRST_LINE}"
        f"From: {_in_header(author)}\n"
        f"Subject: [PATCH {number}/{total}] {commit.subject}\n"
        "\n"
        f"{commit.message}\n"
        "\n"
        f"Signed-off-by: {author}\n"
        "---\n"
        f"{_together(commit.edits)}"
        "\n" + "".join(edit.diff() for edit in commit.edits) + SIGNATURE
    )


def _in_header(author: str) -> str:
    """Write an author as a mail's header does, where quotes are not part of a name.

    Source: RFC 5322 section 3.2.4; add_rfc822_quoted() in pretty.c, git 2.39
    """
    name, _, mail = author.rpartition(" <")
    if '"' not in name:
        return author
    quoted = re.sub(r'([\\"])', r"\\\1", name)
    return f'"{quoted}" <{mail}'


def _together(edits: Sequence[FileEdit]) -> str:
    """The summary above the diffs, as git writes it; a file edited twice is one line."""
    counts: dict[str, tuple[int, int]] = {}
    for edit in sorted(edits, key=lambda edit: edit.path):
        added, removed = counts.get(edit.path, (0, 0))
        counts[edit.path] = (added + edit.added_lines(), removed + edit.removed_lines())
    paths = max(map(len, counts))
    digits = max(len(str(sum(count))) for count in counts.values())
    lines = []
    for path, (added, removed) in counts.items():
        bar = "+" * min(added, _STAT_COLUMNS) + "-" * min(removed, _STAT_COLUMNS)
        lines.append(f" {path:<{paths}} | {added + removed:>{digits}} {bar}\n")
    added = sum(count[0] for count in counts.values())
    removed = sum(count[1] for count in counts.values())
    files = f"{len(counts)} file{'s' if len(counts) > 1 else ''} changed"
    gone = f", {removed} deletion{'s' if removed > 1 else ''}(-)" if removed else ""
    return f"{''.join(lines)} {files}, {added} insertion{'s' if added > 1 else ''}(+){gone}\n"
