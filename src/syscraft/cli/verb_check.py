"""syscraft check: is the declaration valid, and does it repeat a known mistake?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from syscraft.cli.console import Console
from syscraft.errors import ExitStatus, Finding, SyscraftError, UsageError

if TYPE_CHECKING:
    from syscraft.rules.base import RuleFinding


@click.command(name="check")
@click.argument("declarations", metavar="DECL...", nargs=-1)
@click.option("--linux", metavar="TREE", help="Also try to add the call to this kernel tree.")
@click.option(
    "--tree", metavar="TREE", help="Check a kernel's existing calls instead of declarations."
)
@click.option(
    "--call", "calls", metavar="NAME", multiple=True, help="Only this call of --tree; repeatable."
)
@click.option("--json", "as_json", is_flag=True, help="Print findings as JSON.")
@click.pass_obj
def command(
    console: Console,
    declarations: tuple[str, ...],
    linux: str | None,
    tree: str | None,
    calls: tuple[str, ...],
    as_json: bool,
) -> int:
    """Check declarations for errors and for known mistakes in the design of system calls.

    Findings of level error make the exit status 1; warnings and advice do not. Of a whole
    tree, calls that Linux has been released with count only if they cannot be read. A table
    [silence] in the declaration silences a rule, with the reason.
    """
    if declarations and tree:
        raise UsageError.of("DECL and --tree are mutually exclusive")
    if not (declarations or tree):
        raise UsageError.of("nothing to check", expected="DECL..., or --tree TREE")
    if calls and not tree:
        raise UsageError.of("--call needs --tree")
    if tree:
        return _check_tree(console, tree, calls, as_json=as_json)
    return _check_declarations(console, declarations, linux, as_json=as_json)


def _check_declarations(
    console: Console, declarations: Sequence[str], linux: str | None, *, as_json: bool
) -> int:
    import syscraft.api
    from syscraft.cli.findings import plain_finding, plain_rule_finding
    from syscraft.rules.declared import judge_declared

    status = ExitStatus.OK
    listed: list[dict[str, Any]] = []
    for path in declarations:
        try:
            declaration = syscraft.api.load(path)
            found = tuple(f for call in declaration.calls for f in judge_declared(call))
            if linux:
                declaration.patch(linux, progress=console.progress)
        except SyscraftError as error:
            status = max(status, error.exit_status)
            listed += [{"declaration": path, **plain_finding(f)} for f in error.findings]
            if not as_json:
                console.error(str(error))
            continue
        status = max(status, _status(found))
        listed += [{"declaration": path, **plain_rule_finding(f)} for f in found]
        if not as_json:
            for finding in found:
                if finding.silenced is None:
                    console.error(str(finding))
            console.say(f"{path}: {declaration.unit.name}: {_summary(found)}")
    if as_json:
        console.json(listed)
    return status


def _status(found: Sequence[RuleFinding]) -> ExitStatus:
    bad = any(f.rule.severity.value == "error" and f.silenced is None for f in found)
    return ExitStatus.FINDINGS if bad else ExitStatus.OK


def _summary(found: Sequence[RuleFinding]) -> str:
    counts: dict[str, int] = {}
    for finding in found:
        word = "silenced" if finding.silenced is not None else finding.rule.severity.value
        counts[word] = counts.get(word, 0) + 1
    plural = {"error": "errors", "warning": "warnings"}
    words = [
        f"{counts[word]} {word if counts[word] == 1 else plural.get(word, word)}"
        for word in ("error", "warning", "advice", "silenced")
        if word in counts
    ]
    if not set(counts) - {"silenced"}:
        words.insert(0, "no findings")
    return ", ".join(words)


def _check_tree(console: Console, tree: str, calls: Sequence[str], *, as_json: bool) -> int:
    """Print the known mistakes: rule by rule, or call by call where calls are named."""
    import syscraft.api
    from syscraft.calls.kernels import shipped
    from syscraft.cli.findings import plain_finding, plain_rule_finding

    found, unread = syscraft.api.check_kernel(tree, calls, progress=console.progress)
    # Every kernel that was released breaks a rule; who asks for one call wants to hear of it.
    released = shipped().newest
    own = [finding for finding in found if calls or not released.has(finding.call)]
    status = max(_status(own), _status_of_tree(unread))
    if as_json:
        console.json([*map(plain_rule_finding, found), *map(plain_finding, unread)])
        return status
    _tell_unread(console, unread)
    if calls:
        if found or not unread:
            console.say("\n".join(map(str, found)) or f"{', '.join(calls)}: no findings")
        return status
    by_rule: dict[str, list[RuleFinding]] = {}
    for finding in found:
        by_rule.setdefault(finding.rule.id, []).append(finding)
    for _, group in sorted(by_rule.items(), key=lambda item: int(item[0][1:])):
        rule = group[0].rule
        names = dict.fromkeys(finding.call for finding in group)
        count = f"{len(names)} call{'s' if len(names) > 1 else ''}"
        console.say(f"{rule.id} ({rule.severity.value}): {rule.title}: {count}")
        for finding in group:
            console.say(f"    {finding.hit.where}: {finding.call}: {finding.hit.message}")
    broken = {finding.call for finding in found}
    console.say(f"{tree}: {len(found)} findings in {len(broken)} calls")
    return status


def _status_of_tree(unread: Sequence[Finding]) -> ExitStatus:
    """Notes are what kernels have had when they were released."""
    return ExitStatus.OK if all(f.is_note for f in unread) else ExitStatus.FINDINGS


def _tell_unread(console: Console, unread: Sequence[Finding]) -> None:
    for finding in unread:
        console.error(str(finding))
