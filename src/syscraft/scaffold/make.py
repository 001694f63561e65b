"""Fills the templates beside this file in."""

from __future__ import annotations

from pathlib import Path
from string import Template

from syscraft import proc
from syscraft.emit.ctext_layout import indent_to
from syscraft.errors import UsageError, Where
from syscraft.files import folder_made_whole, write_atomic
from syscraft.model import names
from syscraft.model.reserved import Role, refusal

_FORK_LIKE = ("clone", "clone3", "fork", "vfork")
_KINDS: dict[str | None, str] = {None: "plain"} | {like: like for like in _FORK_LIKE}


def scaffold(name: str, like: str | None, directory: Path) -> tuple[Path, ...]:
    """Make the folder *directory*/*name*.

    Args:
        name: the call's name, a C identifier in lower case.
        like: None, or the call to start from.

    Returns: the files made.

    Raises:
        UsageError: the name is no good, *like* is unknown, or the folder is there already.
    """
    if like not in _KINDS:
        raise UsageError.of(
            f"cannot start from '{like}'",
            expected="clone, clone3, fork or vfork",
            found=like,
            hint='a declaration starts from any other call with the line: like = "CALL"',
        )
    if taken := refusal(Role.CALL, name):
        raise UsageError.of(taken[0], expected="a different name", found=name[:60], hint=taken[1])
    if not names.CALL_NAME.match(name) or len(name) > names.MAX_CALL_NAME:
        raise UsageError.of(
            "the name is not a valid identifier",
            expected=f"letters a-z, digits and _, at most {names.MAX_CALL_NAME}",
            found=name[:60],
        )
    folder = directory / name
    if folder.exists():
        raise UsageError.of(
            "already exists",
            Where(str(folder)),
            hint="choose another name, or remove it",
        )
    words = {
        "name": name,
        "NAME": name.upper(),
        "author": author(),
        "under_do": indent_to(len(f"static long do_{name}(")),
    }
    made = []
    with folder_made_whole(folder) as draft:
        for template in sorted((Path(__file__).parent / _KINDS[like]).iterdir()):
            text = Template(template.read_text(encoding="utf-8")).substitute(words)
            target = template.name.removesuffix(".in").replace("NAME", name)
            write_atomic(draft / target, text.encode())
            made.append(folder / target)
    return tuple(made)


def author() -> str:
    """Who git says that the user is; else somebody to replace."""
    answers = [proc.run(["git", "config", key]) for key in ("user.name", "user.email")]
    if all(answer.ok and answer.output.strip() for answer in answers):
        who = f"{answers[0].output.strip()} <{answers[1].output.strip()}>"
        if names.AUTHOR.match(who) and '"' not in who and "\\" not in who:
            return who
    return "Your Name <you@example.org>"
