"""What a kernel's documentation says of a call: reStructuredText."""

from __future__ import annotations

import textwrap

from syscraft.emit.base import fill
from syscraft.emit.ctext_layout import argument_list
from syscraft.model.call import Call


def documentation(call: Call) -> str:
    """Write Documentation/userspace-api/NAME.rst."""
    title = f"{call.name}()"
    return fill(
        "documentation.rst.j2",
        call=call,
        title=title,
        line="=" * len(title),
        summary=_wrap(call.summary[0].upper() + call.summary[1:] + "."),
        description=_wrap(call.description),
        prototypes=[
            "\n".join(f"\t{line}" for line in prototype.splitlines())
            for prototype in _prototypes(call)
        ],
        errors=[(e.errno, _wrap(f"{e.when.rstrip('.')}.", indent="\t")) for e in call.errors],
    )


def _prototypes(call: Call) -> list[str]:
    if call.is_clone and not call.packed:
        extras = [p.ctype.declare(p.name, kernel=False) for p in call.clone_extras]
        # The others are what some architectures make of it, as with clone(2).
        names = ["unsigned long flags", "void *stack", "int *parent_tid", "int *child_tid",
                 "unsigned long tls"]  # fmt: skip
        return [argument_list(f"long {call.name}(", [*names, *extras], ");")]
    parameters = call.signatures[0].parameters
    declared = [p.ctype.declare(p.name, kernel=False) for p in parameters]
    return [argument_list(f"long {call.name}(", declared or ["void"], ");")]


def _wrap(text: str, indent: str = "") -> str:
    """Prose of a declaration is no markup: what would be some is escaped."""
    escaped = text.replace("\\", "\\\\")
    for mark in "*`|_":
        escaped = escaped.replace(mark, f"\\{mark}")
    width = 72 - 8 * len(indent)
    lines = textwrap.wrap(escaped, width, break_long_words=False, break_on_hyphens=False)
    return "\n".join(indent + line for line in lines)
