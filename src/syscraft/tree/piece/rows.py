"""A row for each call in every table of numbers."""

from __future__ import annotations

from syscraft.emit.kernel.compat import compat_clone_abis
from syscraft.model.call import Call
from syscraft.tree.entries import fork_rows
from syscraft.tree.mails import WIRING
from syscraft.tree.pieces import Piece, Site
from syscraft.tree.tables import CompatPlace, Style, Table, read_tables


def _edit(site: Site) -> None:
    tables = read_tables(site.tree)
    # Rows that go to one place are in the order of their insertion.
    for call in sorted(site.unit.calls, key=lambda call: site.numbers[call.name]):
        number = site.numbers[call.name]
        entries = fork_rows(call.name) if call.returns_twice else {}
        for table in tables.tables:
            style = tables.style(table, site.tree)
            row = style.rows(
                number,
                call.name,
                returns_twice=call.returns_twice,
                entry=entries.get(table.path),
                compat=_compat_entry(call, table, style),
            )
            index = table.insertion_index(number + style.offset)
            site.editor.insert(table.path, index, row)


def _compat_entry(call: Call, table: Table, style: Style) -> str | None:
    """The function that a row has for programs of 32 bits on a kernel of 64."""
    for abi in compat_clone_abis(call):
        if abi.compat_clone and abi.table.path == table.path:
            return f"compat_sys_{abi.compat_clone[0]}{call.name}"
    # A table of their own is of programs with wide registers: a 64-bit value travels whole there.
    if not call.needs_compat or (style.compat is CompatPlace.INSTEAD and call.has_wide_arguments):
        return None
    return f"compat_sys_{call.name}"


PIECE = Piece(
    name="rows",
    mail=WIRING,
    order=10,
    where="`arch/*/.../*.tbl`, `scripts/syscall.tbl`",
    summary="a row in every table of numbers",
    edit=_edit,
    quiet=True,
)
