"""Entry code of fork-like calls: found in both generations, imitated, and missed by name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import REPOSITORY

import syscraft as library
from syscraft.errors import TreeError
from syscraft.tree.source import KernelTree, open_tree

CLONE_NICE = REPOSITORY / "examples" / "clone_nice"
GENERATIONS = ("deb:6.12", "deb:6.1")

# Where each architecture has its entry code, and what has to be there. Source: the trees.
EXPECTED = {
    "arch/alpha/kernel/entry.S": r"^fork_like clone_nice$",
    "arch/arc/include/asm/syscalls.h": r"^int sys_clone_nice_wrapper\(unsigned long clone_flags",
    "arch/arc/kernel/entry.S": r"^ENTRY\(sys_clone_nice_wrapper\)\n\tSAVE_CALLEE_SAVED_USER\n"
    r"\tbl  @sys_clone_nice\n[^}]*?^END\(sys_clone_nice_wrapper\)$",
    "arch/arc/kernel/sys.c": r"^#define sys_clone_nice\tsys_clone_nice_wrapper$",
    "arch/m68k/kernel/entry.S": r"^ENTRY\(__sys_clone_nice\)\n\tSAVE_SWITCH_STACK\n.*\n"
    r"\tjbsr\tm68k_clone_nice$",
    "arch/m68k/kernel/process.c": r"^asmlinkage int m68k_clone_nice\(struct pt_regs \*regs\)$",
    "arch/mips/kernel/syscall.c": r"^save_static_function\(sys_clone_nice\);$",
    "arch/nios2/kernel/entry.S": r"^ENTRY\(__sys_clone_nice\)\n\tSAVE_SWITCH_STACK$",
    "arch/openrisc/kernel/entry.S": r"^ENTRY\(__sys_clone_nice\)\n\tl.movhi\tr29,"
    r"hi\(sys_clone_nice\)$",
    "arch/parisc/kernel/entry.S": r"^fork_like clone_nice$",
    "arch/sparc/kernel/syscalls.S": r"^__sys_clone_nice:\n\tflushw\n",
    "arch/sparc/kernel/entry.S": r"^flush_patch_clone_nice:\n\tFLUSH_ALL_KERNEL_WINDOWS;$",
    "arch/sparc/kernel/head_32.S": r"^\t\tset\tflush_patch_clone_nice, %g5$",
    "arch/sparc/kernel/process.c": r"^asmlinkage long sparc_clone_nice\(struct pt_regs \*regs\)$",
}
ROWS = {
    "arch/alpha/kernel/syscalls/syscall.tbl": "alpha_clone_nice",
    "arch/m68k/kernel/syscalls/syscall.tbl": "__sys_clone_nice",
    "arch/mips/kernel/syscalls/syscall_n32.tbl": "__sys_clone_nice",
    "arch/mips/kernel/syscalls/syscall_n64.tbl": "__sys_clone_nice",
    "arch/mips/kernel/syscalls/syscall_o32.tbl": "__sys_clone_nice",
    "arch/parisc/kernel/syscalls/syscall.tbl": "sys_clone_nice_wrapper",
    "arch/sparc/kernel/syscalls/syscall.tbl": "__sys_clone_nice",
    "arch/sh/kernel/syscalls/syscall.tbl": "sys_clone_nice",
}


@pytest.mark.parametrize("linux", GENERATIONS)
def test_every_architecture_has_its_entry_code(linux: str) -> None:
    files = library.load(CLONE_NICE).patch(linux).files
    optional = {"arch/nios2/kernel/entry.S"} if linux != "deb:6.12" else set()
    for path, pattern in EXPECTED.items():
        if path in optional and path not in files:
            continue
        found = re.findall(pattern, files[path].decode(), re.MULTILINE)
        assert len(found) == 1, path
    for path, entry in ROWS.items():
        (line,) = [x for x in files[path].decode().splitlines() if "clone_nice" in x]
        assert line.split()[3] == entry, path
    # Nobody else is touched, and no option keeps the call from anybody.
    assert "depends on" not in files["init/Kconfig"].decode().split("CLONE_NICE")[1][:400]


def test_programs_of_i386_have_their_own_order_on_x86_64() -> None:
    files = library.load(CLONE_NICE).patch("deb:6.12").files
    table = files["arch/x86/entry/syscalls/syscall_32.tbl"].decode().splitlines()
    (row,) = [line.split() for line in table if "clone_nice" in line]
    assert row[3:] == ["sys_clone_nice", "compat_sys_ia32_clone_nice"]
    source = files["kernel/clone_nice.c"].decode().partition("#ifdef CONFIG_IA32_EMULATION")[2]
    names = re.findall(r", (\w+)(?=[,)])", source.partition("{")[0].replace("\n\t\t       ", " "))
    assert [n for n in names if n != "int" and not n.startswith("compat_")] == [
        "clone_flags", "newsp", "parent_tidptr", "tls", "child_tidptr", "nice",
    ]  # fmt: skip
    assert "SPARC" not in source.partition("#endif")[0]


def test_a_long_of_a_32_bit_program_is_widened_by_the_one_entry(tmp_path: Path) -> None:
    """Behind the entry code of an architecture there is no second entry for programs of 32 bits."""
    for ctype, cast in (("long", "s32"), ("size_t", "u32")):
        folder = tmp_path / cast / "clone_far"
        folder.mkdir(parents=True)
        text = (CLONE_NICE / "clone_nice.toml").read_text().partition("[[")[0]
        text = re.sub(r"^patches = .*\n", "", text, flags=re.MULTILINE)
        text = text.replace("clone_nice", "clone_far").replace("int nice", f"{ctype} far")
        (folder / "clone_far.toml").write_text(text)
        (folder / "clone_far.c").write_text(
            f"static long do_clone_far(struct kernel_clone_args *args, {ctype} far)\n{{\n}}\n"
        )
        files = library.load(folder).patch("deb:6.12").files
        source = files["kernel/clone_far.c"].decode()
        assert "#include <linux/compat.h>\n" in source
        native, _, ia32 = source.partition("#ifdef CONFIG_IA32_EMULATION")
        widened = f"\tif (in_compat_syscall())\n\t\tfar = ({cast})far;\n\n\treturn do_clone_far("
        assert native.count(widened) == 1
        assert "in_compat_syscall" not in ia32
        assert f"compat_{'long' if cast == 's32' else 'ulong'}_t, far)" in ia32
        for path, entry in ROWS.items():
            (line,) = [x for x in files[path].decode().splitlines() if "clone_far" in x]
            assert line.split()[3:] in ([entry.replace("nice", "far")],
                                        [entry.replace("nice", "far")] * 2), path  # fmt: skip


def test_an_ordinary_call_that_returns_twice_is_widened_too(tmp_path: Path) -> None:
    (tmp_path / "twice.toml").write_text(
        'name = "twice"\nsummary = "serve a test"\nauthor = "A U Thor <author@example.org>"\n'
        'kernel = "long first, int second, unsigned long third"\nreturns_twice = true\n'
        'user = "long twice(long first, int second, unsigned long third)"\n'
    )
    (tmp_path / "twice.c").write_text(
        "static long do_twice(long first, int second, unsigned long third)\n{\n}\n"
    )
    source = library.load(tmp_path).patch("deb:6.12").files["kernel/twice.c"].decode()
    assert (
        "\tif (in_compat_syscall()) {\n\t\tfirst = (s32)first;\n\t\tthird = (u32)third;\n\t}\n"
        "\treturn do_twice(first, second, third);"
    ) in source
    assert "COMPAT_SYSCALL_DEFINE" not in source


def test_an_ordinary_call_has_none() -> None:
    files = library.load(REPOSITORY / "examples" / "splork").patch("deb:6.12").files
    assert not set(EXPECTED) & set(files)


def test_a_struct_based_variant_passes_its_two_arguments() -> None:
    files = library.load(REPOSITORY / "tests" / "kernel" / "clone_pair").patch("deb:6.12").files
    m68k = files["arch/m68k/kernel/process.c"].decode()
    assert "return sys_clone_pair((struct clone_pair_args __user *)regs->d1, regs->d2);" in (
        re.sub(r"\s+", " ", m68k).replace("(size_t)regs->d2", "regs->d2")
    )


@pytest.mark.parametrize(
    ("path", "spoil"),
    [
        ("arch/alpha/kernel/entry.S", ("fork_like clone", "fork_like_clone")),
        ("arch/mips/kernel/syscall.c", ("save_static_function(", "save_all(")),
        ("arch/m68k/kernel/process.c", ("m68k_clone", "m68k_klone")),
        ("arch/sparc/kernel/head_32.S", ("flush_patch_three", "flush_patch_third")),
        ("arch/openrisc/kernel/sys_call_table.c", ("#define sys_clone", "#define sys_klone")),
    ],
)
def test_code_that_is_not_where_it_should_be(
    path: str, spoil: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = KernelTree.read

    def read(self: KernelTree, name: str) -> str | None:
        text = original(self, name)
        return text.replace(*spoil) if name == path and text else text

    monkeypatch.setattr(KernelTree, "read", read)
    with pytest.raises(TreeError, match="entry code of a fork-like call") as caught:
        library.load(CLONE_NICE).patch("deb:6.12")
    assert path in str(caught.value)


def test_a_tree_without_an_architecture_needs_nothing_for_it(tmp_path: Path) -> None:
    """Vendors strip trees; what is gone has no table of numbers either."""
    tree = open_tree("deb:6.12")
    slim = tmp_path / "linux"
    full = library.load(CLONE_NICE).patch("deb:6.12").files
    for path in full:
        if path.startswith("arch/") and not path.startswith(("arch/x86/", "arch/mips/")):
            continue
        if (data := tree.read_bytes(path)) is not None:
            (slim / path).parent.mkdir(parents=True, exist_ok=True)
            (slim / path).write_bytes(data)
    for path in ("Makefile", "Kconfig"):
        (slim / path).write_bytes(tree.read_bytes(path) or b"")
    files = library.load(CLONE_NICE).patch(str(slim)).files
    assert {path.split("/")[1] for path in files if path.startswith("arch/")} == {"mips", "x86"}
