"""The option of the calls, and the object that it brings in."""

from __future__ import annotations

import re

from syscraft.emit.ctext_layout import prose
from syscraft.emit.kernel.wording import listed
from syscraft.model.call import Unit
from syscraft.tree.edit import Editor
from syscraft.tree.mails import CALL
from syscraft.tree.pieces import Piece, Site

_KCONFIG = "init/Kconfig"
_MAKEFILE = "kernel/Makefile"
_OBJECT = re.compile(r"^obj-\$\(CONFIG_\w+\)\s*\+=\s*[\w-]+\.o$")
_SYSCALL_OPTION = re.compile(r"^config \w+_SYSCALLS?$")
_OPTION = re.compile(r"^config \w+$")


def _edit(site: Site) -> None:
    editor, unit = site.editor, site.unit
    last = editor.find(
        _MAKEFILE, lambda line: bool(_OBJECT.match(line)), "obj-$(CONFIG_...) += ...o", last=True
    )
    editor.insert(
        _MAKEFILE, last + 1, f"obj-$(CONFIG_{unit.shared.kconfig.symbol}) += {unit.name}.o\n"
    )
    editor.insert(_KCONFIG, _place(editor), _option(unit))


def _option(unit: Unit) -> str:
    shared, several = unit.shared, len(unit.calls) > 1
    names = listed(shared.call_names)
    title = f"the {unit.name} system calls" if several else f"{unit.name}() system call"
    failing = "they fail" if several else f"{names}() fails"
    help_text = prose(
        [
            f"Enable the {names} system call{'s' if several else ''}: {shared.summary}.",
            "" if shared.kconfig.help == shared.summary else shared.kconfig.help,
            f"Without this option {failing} with ENOSYS.",
            "If unsure, say Y.",
        ],
        indent="\t  ",
    )
    return (
        f"config {shared.kconfig.symbol}\n"
        f'\tbool "Enable {title}" if EXPERT\n'
        f"\tdefault y\n\thelp\n{help_text}\n\n"
    )


def _place(editor: Editor) -> int:
    """In front of an option that is a call's too, or else of any that only experts see."""
    lines = editor.lines(_KCONFIG)
    calls = [i for i, line in enumerate(lines) if _SYSCALL_OPTION.match(line.rstrip("\n"))]
    if calls:
        return calls[-1]
    for index, line in enumerate(lines):
        if _OPTION.match(line.rstrip("\n")) and "if EXPERT" in "".join(lines[index : index + 3]):
            return index
    return editor.find(
        _KCONFIG, lambda line: bool(_SYSCALL_OPTION.match(line)), "config ..._SYSCALL"
    )


PIECE = Piece(
    name="option",
    mail=CALL,
    order=50,
    where=f"`{_KCONFIG}`, `{_MAKEFILE}`",
    summary="the option, and the object that it builds",
    edit=_edit,
)
