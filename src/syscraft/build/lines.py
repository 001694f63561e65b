"""The author's lines behind functions in a kernel's log.

Kernels name code by function and offset. Only the objects with the authors' bodies are compiled
with a table of lines, which costs nothing, and only that table is kept beside the image: with
debugging information for everything a build takes twice the time and ten times the space. The
table is the linked kernel's, for some linkers shorten code.
"""

from __future__ import annotations

import bisect
import json
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from elftools.common.exceptions import ELFError
from elftools.dwarf.compileunit import CompileUnit
from elftools.dwarf.dwarfinfo import DWARFInfo
from elftools.dwarf.lineprogram import LineProgram
from elftools.dwarf.ranges import BaseAddressEntry
from elftools.elf.elffile import ELFFile

from syscraft.tree.adding import BodyLineMap
from syscraft.tree.source import KernelTree

KEPT = "lines.json"

_Rows = list[tuple[int, int]]  # (offset in the function, line), by offset
_Table = dict[str, dict[str, _Rows]]  # path below the tree -> function -> rows

# A user who asks for debugging information of the whole kernel gets all of it.
_MAKEFILE_LINE = "CFLAGS_{name}.o += $(if $(CONFIG_DEBUG_INFO),,-g1)\n"

_FUNCTION = re.compile(r"\b(?P<name>[A-Za-z_][\w.]*)\+0x(?P<offset>[0-9a-f]+)(?:/0x[0-9a-f]+)?")
# What stands at the place itself; everything else in a trace is where a call returns to.
# Source: show_regs() and __show_regs() in arch/*/, Linux 6.12
_EXACT = re.compile(r"\b(?:RIP|EIP|pc|PC|epc|NIP|PSW|ip 0x)\b")


def with_line_tables(
    files: Mapping[str, bytes], tree: KernelTree, bodies: Sequence[BodyLineMap]
) -> dict[str, bytes]:
    """The makefiles that let the compiler add tables of lines to the objects of *bodies*."""
    made: dict[str, bytes] = {}
    for body in bodies:
        path = PurePosixPath(body.kernel_path)
        makefile = str(path.parent / "Makefile")
        text = made.get(makefile) or files.get(makefile) or tree.read_bytes(makefile) or b""
        line = _MAKEFILE_LINE.format(name=path.stem).encode()
        made[makefile] = text.rstrip(b"\n") + b"\n" + line
    return made


def line_table(vmlinux: Path, bodies: Sequence[BodyLineMap]) -> bytes:
    """What :func:`name_lines` has to be given, made of the linked kernel *vmlinux*."""
    paths = {body.kernel_path for body in bodies}
    table: _Table = {}
    try:
        with vmlinux.open("rb") as file:
            elf = ELFFile(file)
            rows = {path: found for path, found in _rows(elf, paths) if found}
            functions = _functions(elf) if rows else []
    except (OSError, ELFError):
        rows, functions = {}, []
    for path, found in rows.items():
        addresses = [address for address, _ in found]
        for start, size, name in functions:
            first = bisect.bisect_left(addresses, start)
            inside = found[first : bisect.bisect_left(addresses, start + size)]
            if inside:
                named = table.setdefault(path, {})
                named[name] = [(address - start, line) for address, line in inside]
    return json.dumps(table, sort_keys=True).encode()


def _rows(elf: ELFFile, paths: set[str]) -> Iterator[tuple[str, _Rows]]:
    """Address and line of each statement of the sources *paths*."""
    if not elf.has_dwarf_info():
        return
    dwarf = elf.get_dwarf_info(relocate_dwarf_sections=False)
    for unit in dwarf.iter_CUs():
        name = unit.get_top_DIE().get_full_path()
        path = next((p for p in paths if f"/{name}".endswith(f"/{p}")), None)
        program = dwarf.line_program_for_CU(unit) if path else None
        if path is None or program is None:
            continue
        own = _own_files(program, path)
        inlined = sorted(_inlined(dwarf, unit, own))
        found: dict[int, int] = {}  # of several lines at one address, the last is where it is
        for entry in program.get_entries():
            state = entry.state
            if state is None or state.end_sequence:
                continue
            line = state.line if state.file in own else _call_line(inlined, state.address)
            if line:
                found[state.address] = line
        yield path, sorted(found.items())


def _own_files(program: LineProgram, path: str) -> frozenset[int]:
    """The numbers of the source *path* itself in the list of a unit's files.

    Source: DWARF 5, section 6.2.4: files count from 0; from 1 in earlier versions.
    """
    first = 0 if program.header["version"] >= 5 else 1
    name = PurePosixPath(path).name
    return frozenset(
        number
        for number, entry in enumerate(program.header["file_entry"], first)
        if PurePosixPath(entry.name.decode()).name == name
    )


def _inlined(
    dwarf: DWARFInfo, unit: CompileUnit, own: frozenset[int]
) -> Iterator[tuple[int, int, int]]:
    """First address, end and line of the call, of what calls in *own* files were replaced by."""
    lists = dwarf.range_lists()
    base = unit.get_top_DIE().attributes.get("DW_AT_low_pc")
    for die in unit.iter_DIEs():
        values = {name: attribute.value for name, attribute in die.attributes.items()}
        if die.tag != "DW_TAG_inlined_subroutine" or values.get("DW_AT_call_file") not in own:
            continue
        line = values.get("DW_AT_call_line", 0)
        if "DW_AT_ranges" in values and lists is not None:
            start = base.value if base else 0
            for entry in lists.get_range_list_at_offset(values["DW_AT_ranges"], unit):
                if isinstance(entry, BaseAddressEntry):
                    start = entry.base_address
                else:
                    offset = 0 if entry.is_absolute else start
                    yield offset + entry.begin_offset, offset + entry.end_offset, line
        elif "DW_AT_low_pc" in values:
            low, high = values["DW_AT_low_pc"], values["DW_AT_high_pc"]
            form = die.attributes["DW_AT_high_pc"].form
            yield low, high if form == "DW_FORM_addr" else low + high, line


def _call_line(inlined: Sequence[tuple[int, int, int]], address: int) -> int:
    """The line whose call brought the code at *address*, the innermost one; 0 if none did."""
    around = [(end - start, line) for start, end, line in inlined if start <= address < end]
    return min(around)[1] if around else 0


def _functions(elf: ELFFile) -> list[tuple[int, int, str]]:
    """Address, size and name of every function. Source: elf(5), Elf32_Sym and Elf64_Sym."""
    symbols = elf.get_section_by_name(".symtab")
    if symbols is None:
        return []
    names: bytes = elf.get_section(symbols["sh_link"]).data()
    order = "<" if elf.little_endian else ">"
    layout = "IBBHQQ" if elf.elfclass == 64 else "IIIBBH"
    found = []
    for entry in struct.iter_unpack(order + layout, symbols.data()):
        if elf.elfclass == 64:
            name, info, _, _, value, size = entry
        else:
            name, value, size, info, _, _ = entry
        if info & 0xF == 2 and size:  # STT_FUNC
            found.append((value, size, names[name : names.index(b"\0", name)].decode()))
    return found


def name_lines(text: str, kernel: Path, bodies: Sequence[BodyLineMap]) -> str:
    """Put the author's file and line behind each place in their code that *text* names.

    Args:
        kernel: the kept kernel's image; text stays as it is where no table is beside it.
        bodies: as they were given to the build.
    """
    try:
        table: _Table = json.loads((kernel.parent / KEPT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        table = {}
    known = {name: (path, rows) for path, named in table.items() for name, rows in named.items()}
    by_path = {body.kernel_path: body for body in bodies}

    def named(match: re.Match[str]) -> str:
        path, rows = known.get(match["name"], ("", []))
        body = by_path.get(path)
        if body is None:
            return match[0]
        offset = int(match["offset"], 16)
        if not _EXACT.search(match.string, 0, match.start()):
            offset -= 1
        index = bisect.bisect_right(rows, offset, key=lambda row: row[0]) - 1
        if index < 0:
            return match[0]
        return f"{match[0]} ({_shown(body, rows[index][1])})"

    def mapped(match: re.Match[str]) -> str:
        return f"{match[0]} ({_shown(by_path[match['path']], int(match['line']))})"

    paths = "|".join(re.escape(path) for path in by_path)
    place = re.compile(rf"(?P<path>{paths}):(?P<line>\d+)(?::\d+)?") if paths else None
    lines = []
    for line in text.split("\n"):
        line = _FUNCTION.sub(named, line)
        lines.append(place.sub(mapped, line) if place else line)
    return "\n".join(lines)


def _shown(body: BodyLineMap, line: int) -> str:
    """Lines that syscraft wrote around the body are not in the author's file."""
    if line <= body.offset:
        return f"{body.kernel_path}:{line}"
    return f"{body.shown_path}:{line - body.offset}"
