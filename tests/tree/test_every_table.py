"""Every table of every architecture: after patching, the kernel's own generators agree."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Collection
from pathlib import Path, PurePosixPath

import pytest
from abi.compilers import CELLS, compile_only
from conftest import REPOSITORY, missing_packages, need_tool
from header_numbers import differences, header_numbers, private_numbers
from kept import kept

import syscraft as library
from syscraft.abi.abi import Abi
from syscraft.abi.discover import all_abis
from syscraft.calls.kernels import shipped
from syscraft.errors import EnvironmentLacks, TreeError
from syscraft.files import digest
from syscraft.tree.source import KernelTree, open_tree
from syscraft.tree.tables import common_numbers, find_tables, read_table, style_of

CLONE_NICE = REPOSITORY / "examples" / "clone_nice"
GENERATIONS = ("deb:6.12", "deb:6.1")
# The folders that the headers of programs are made of.
MADE_OF = ("arch", "include", "scripts")
# Those of them that headers are installed from; make does not follow links there.
EXPORTED = ("arch/*/include/uapi/asm", "include/uapi/asm-generic")


def tree_of(linux: str) -> KernelTree:
    try:
        return open_tree(linux)
    except EnvironmentLacks:
        missing_packages([f"linux-source-{linux.removeprefix('deb:')}"])


def plain_call(folder: Path) -> library.Declaration:
    """A call that every generation of the kernel can take."""
    folder.mkdir()
    (folder / "mark.toml").write_text(
        'name = "mark"\nsummary = "mark a table"\nauthor = "A U Thor <author@example.org>"\n'
        'kernel = "int value"\nuser = "int mark(int value)"\n'
    )
    (folder / "mark.c").write_text("static long do_mark(int value)\n{\n\treturn value;\n}\n")
    return library.load(folder)


@pytest.fixture(scope="module", params=GENERATIONS)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A patched tree, as links to the pristine one; and where its headers will be."""
    need_tool("make")
    tree = tree_of(request.param)
    folder = tmp_path_factory.mktemp("tables") / request.param.removeprefix("deb:")
    folder.mkdir()
    change = plain_call(folder / "mark").patch(request.param)
    assert change.number == 900
    source = folder / "src"
    changed = [name for name in change.files if name.partition("/")[0] in MADE_OF]
    # Links to a table that gets a row: to the one here, not there.
    tables = [str(path.relative_to(tree.root)) for path in tree.root.glob("arch/*/tools/*.tbl")]
    inside = {str(parent) for name in changed + tables for parent in PurePosixPath(name).parents}
    for pattern in EXPORTED:
        for path in tree.root.glob(f"{pattern}/*.h"):
            parents = path.relative_to(tree.root).parents
            inside |= {str(parent) for parent in parents}
    link_tree(tree.root, source, inside)
    # Of the headers for all architectures, what is no part of asm/unistd.h only takes time.
    for other in set((source / "include/uapi").iterdir()):
        if other.name not in ("Kbuild", "asm-generic"):
            other.unlink()
    for name in changed:
        path = source / name
        path.unlink(missing_ok=True)
        path.write_bytes(change.files[name])
    contents = [digest(name, change.files[name]) for name in sorted(changed)]
    (folder / "written").write_text("\n".join([tree.key, *contents]))
    return folder


def link_tree(root: Path, target: Path, inside: Collection[str], below: str = ".") -> None:
    """Make a tree of links; the folders in *inside* are folders."""
    (target / below).mkdir()
    for entry in (root / below).iterdir():
        name = str(entry.relative_to(root))
        if entry.is_symlink():
            (target / name).symlink_to(entry.readlink())
        elif name in inside:
            link_tree(root, target, inside, name)
        else:
            (target / name).symlink_to(entry)


@pytest.mark.parametrize("linux_arch", sorted({abi.linux_arch for abi in all_abis()}))
def test_generators_give_our_number(linux_arch: str, exported: Path, tmp_path: Path) -> None:
    abis = [abi for abi in all_abis() if abi.linux_arch == linux_arch]
    assert (exported / "src" / "arch" / abis[0].arch_folder).is_dir()
    headers = tmp_path / "include"
    for name, text in headers_of(linux_arch, exported).items():
        (headers / name).parent.mkdir(parents=True, exist_ok=True)
        (headers / name).write_text(text)
    text = "\n".join(path.read_text() for path in headers.glob("asm*/unistd*.h"))
    found = re.findall(r"^#define __NR_mark\s+(.*)$", text, re.MULTILINE)
    for abi in abis:
        written = {str(900 + abi.row_offset), "(__NR_Linux + 900)", "(__X32_SYSCALL_BIT + 900)",
                   "(__NR_SYSCALL_BASE + 900)"}  # fmt: skip
        assert written & set(found), (abi.key, found)
        _ask_compilers(abi, headers, tmp_path / f"{abi.key}.c")
        _compare_with_registry(abi, headers, exported.name)


def headers_of(linux_arch: str, exported: Path) -> dict[str, str]:
    """The headers that the patched tree's own generators and make write for programs."""

    def export() -> str:
        done = subprocess.run(
            ["make", "-s", "-C", exported / "src", f"O={exported / 'obj'}", f"ARCH={linux_arch}",
             "headers"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        folder = exported / "obj" / "usr" / "include"
        return json.dumps({str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*.h")})

    # What the tree consists of, and this file, which puts it together: the pristine one, and
    # what a patch writes over it.
    written = (exported / "written").read_text()
    found = json.loads(kept(Path(__file__).read_bytes(), written, linux_arch, make=export))
    assert isinstance(found, dict)
    return found


def _compare_with_registry(abi: Abi, headers: Path, version: str) -> None:
    """All other numbers: the data have what a program sees in the headers, and nothing else."""
    (census,) = (census for census in shipped().censuses if census.version == version)
    found = header_numbers(abi, headers) | private_numbers(abi, headers)
    assert found.pop("mark") == abi.number(900)
    ours = {name: entry.number for name, entry in census.on(abi).items()}
    assert len(found) > 250
    assert not differences(found, ours)


def _ask_compilers(abi: Abi, headers: Path, source: Path) -> None:
    source.write_text(
        "#include <asm/unistd.h>\n"
        f'_Static_assert(__NR_mark == {abi.number(900)}, "another number");\n'
    )
    for cell in CELLS:
        if cell.abi == abi and not cell.is_missing:
            said = compile_only(cell, source, "-std=c11", "-nostdinc", "-isystem", headers)
            assert not said, said


@pytest.mark.parametrize("linux", GENERATIONS)
def test_every_table_has_a_row_of_its_style(linux: str, tmp_path: Path) -> None:
    """As many columns as other rows, and the numbers still in order."""
    tree = tree_of(linux)
    change = plain_call(tmp_path / "mark").patch(linux)
    for path in find_tables(tree):
        text = change.files[path].decode()
        rows = [row for row in read_table(path, text.splitlines()).rows if row.name == "mark"]
        # Behind x32's own numbers its calls are counted by its own rows only.
        words = ["64", "x32"] if path.endswith("syscall_64.tbl") else [rows[0].abi]
        assert [row.abi for row in rows] == words
        for row in rows:
            assert row.entry == "sys_mark"
            assert row.compat == ("sys_mark" if "s390" in path else None)
    assert change.files.keys() >= {"arch/s390/kernel/syscalls/syscall.tbl"}
    assert (tree.root / "arch/arm64/tools/syscall_64.tbl").is_symlink() or linux == "deb:6.1"
    assert "arch/arm64/tools/syscall_64.tbl" not in change.files


def test_fork_like_calls_ask_for_what_clone_asks_for() -> None:
    """powerpc keeps them from its coprocessors; elsewhere they are like all others."""
    change = library.load(CLONE_NICE).patch("deb:6.12")
    words = {
        path: row.abi
        for path in find_tables(tree_of("deb:6.12"))
        for row in read_table(path, change.files[path].decode().splitlines()).rows
        if row.name == "clone_nice"
    }
    assert [p.split("/")[1] for p, word in words.items() if word == "nospu"] == ["powerpc"]


@pytest.mark.parametrize("linux", GENERATIONS)
def test_programs_of_32_bits_have_their_entry_where_the_kernel_has_one(
    linux: str, make_call: Callable[..., Path]
) -> None:
    tree = tree_of(linux)
    folder = make_call("mark", toml="# changed below")
    toml = folder / "mark.toml"
    toml.write_text(toml.read_text().replace("int value", "long value"))
    body = folder / "mark.c"
    body.write_text(body.read_text().replace("int value", "long value"))
    change = library.load(folder).patch(linux)
    found = {
        path: (row.entry, row.compat)
        for path in find_tables(tree)
        for row in read_table(path, change.files[path].decode().splitlines()).rows
        if row.name == "mark"
    }
    beside = ("sys_mark", "compat_sys_mark")
    for path, entries in found.items():
        if path.endswith("syscall_n32.tbl"):
            assert entries == ("compat_sys_mark", None)
        elif re.search("parisc|powerpc|s390|sparc|_o32|syscall_32|^scripts", path):
            assert entries == beside, path
        else:
            assert entries == ("sys_mark", None), path
    source = change.files["kernel/mark.c"].decode()
    assert "COMPAT_SYSCALL_DEFINE1(mark, compat_long_t, value)" in source
    assert "COND_SYSCALL_COMPAT(mark);" in change.files["kernel/sys_ni.c"].decode()


def test_64_bit_registers_of_n32_take_a_wide_value_whole() -> None:
    change = library.load(REPOSITORY / "tests" / "kernel" / "wide").patch("deb:6.12")
    path = "arch/mips/kernel/syscalls/syscall_n32.tbl"
    rows = read_table(path, change.files[path].decode().splitlines()).rows
    assert rows[-1].entry == "sys_wide"


def test_header_entries_stand_in_order_and_are_counted(tmp_path: Path) -> None:
    """The generation without a generic table has two headers with counts."""
    tree_of("deb:6.1")
    change = plain_call(tmp_path / "mark").patch("deb:6.1")
    generic = change.files["include/uapi/asm-generic/unistd.h"].decode()
    assert "#define __NR_mark 900\n__SYSCALL(__NR_mark, sys_mark)\n" in generic
    assert "#define __NR_syscalls 901\n" in generic
    compat = change.files["arch/arm64/include/asm/unistd32.h"].decode()
    assert "#define __NR_mark 900\n__SYSCALL(__NR_mark, sys_mark)\n" in compat
    counted = change.files["arch/arm64/include/asm/unistd.h"].decode()
    assert "#define __NR_compat_syscalls\t\t901\n" in counted


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda text: text.replace("463", "470"), "the count of calls was not found"),
        (lambda text: re.sub("__SYSCALL|__SC_COMP", "__ENTRY", text), "no ordinary entry"),
    ],
)
def test_header_that_is_laid_out_in_another_way(
    spoil: object, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(spoil)
    tree = tree_of("deb:6.12")
    path = "include/uapi/asm-generic/unistd.h"
    original = KernelTree.read

    def read(self: KernelTree, name: str) -> str | None:
        text = original(self, name)
        return spoil(text) if name == path else text  # type: ignore[no-any-return]

    monkeypatch.setattr(KernelTree, "read", read)
    assert tree.read(path) != original(tree, path)
    with pytest.raises(TreeError, match=message) as caught:
        plain_call(tmp_path / "mark").patch("deb:6.12")
    assert path in str(caught.value)


def test_table_without_a_row_to_imitate() -> None:
    tree = tree_of("deb:6.12")
    path = "scripts/syscall.tbl"
    text = tree.read(path)
    assert text is not None
    lines = [re.sub(r"\bsys_\w+", "sys_ni_syscall", line) for line in text.splitlines()]
    table = read_table(path, lines)
    with pytest.raises(TreeError, match="no ordinary row"):
        style_of(table, common_numbers([table]), tree.where(path))


def test_all_columns_are_read() -> None:
    rows = read_table("t", ["451  common  a\t\tsys_a  -", "452 64 b sys_b compat_sys_b noreturn"])
    assert [(row.entry, row.compat) for row in rows.rows] == [
        ("sys_a", "-"),
        ("sys_b", "compat_sys_b"),
    ]
