"""What a kernel's documentation says of calls: reStructuredText."""

from __future__ import annotations

import textwrap

from syscraft.emit.base import fill
from syscraft.emit.ctext_layout import argument_list
from syscraft.lines import split_lines
from syscraft.model.call import Call, Unit


def documentation(unit: Unit) -> str:
    """Write Documentation/userspace-api/NAME.rst."""
    shared, several = unit.shared, len(unit.calls) > 1
    title = f"{shared.name} system calls" if several else f"{shared.name}()"
    return fill(
        "documentation_calls.rst.j2" if several else "documentation.rst.j2",
        shared=shared,
        title=title,
        line="=" * len(title),
        summary=_sentence(shared.summary),
        description=_wrap(shared.description),
        calls=[
            {
                "title": f"{call.name}()",
                "line": "=" * (len(call.name) + 2),
                "summary": _sentence(call.summary),
                "description": _wrap(call.description),
                "prototype": "\n".join(f"\t{line}" for line in split_lines(_prototype(call))),
                "errors": [
                    (e.errno, _wrap(f"{e.when.rstrip('.')}.", indent="\t")) for e in call.errors
                ],
            }
            for call in unit.calls
        ],
    )


def _prototype(call: Call) -> str:
    if call.is_clone and not call.packed:
        extras = [p.ctype.declare(p.name, kernel=False) for p in call.clone_extras]
        # The others are what some architectures make of it, as with clone(2).
        names = ["unsigned long flags", "void *stack", "int *parent_tid", "int *child_tid",
                 "unsigned long tls"]  # fmt: skip
        return argument_list(f"long {call.name}(", [*names, *extras], ");")
    parameters = call.signatures[0].parameters
    declared = [p.ctype.declare(p.name, kernel=False) for p in parameters]
    return argument_list(f"long {call.name}(", declared or ["void"], ");")


def _sentence(text: str) -> str:
    return _wrap(text[0].upper() + text[1:] + ".")


def _wrap(text: str, indent: str = "") -> str:
    """Prose of a declaration is no markup: what would be some is escaped."""
    escaped = text.replace("\\", "\\\\")
    for mark in "*`|_":
        escaped = escaped.replace(mark, f"\\{mark}")
    width = 72 - 8 * len(indent)
    lines = textwrap.wrap(escaped, width, break_long_words=False, break_on_hyphens=False)
    return "\n".join(indent + line for line in lines)
