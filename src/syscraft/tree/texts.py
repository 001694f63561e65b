"""Where the texts of a call go in a kernel tree, found by what stands there."""

from __future__ import annotations

import re

from syscraft.emit.documentation import documentation
from syscraft.emit.kernel import KernelTexts
from syscraft.emit.selftest import selftest_files
from syscraft.model.call import Call
from syscraft.tree.edit import Editor
from syscraft.tree.source import KernelTree

SYSCALLS_H = "include/linux/syscalls.h"
COMPAT_H = "include/linux/compat.h"
_SELFTESTS = "tools/testing/selftests"
_DOCUMENTATION = "Documentation/userspace-api"

_MAKEFILE_OBJECT = re.compile(r"^obj-\$\(CONFIG_\w+\)\s*\+=\s*[\w-]+\.o$")
_STRUCT_DECLARATION = re.compile(r"^struct \w+;$")
_TARGET = re.compile(r"^TARGETS \+= (?P<name>\S+)$")
_SYSCALL_OPTION = re.compile(r"^config \w+_SYSCALLS?$")
_OPTION = re.compile(r"^config \w+$")
_ENTRY_FIELD = re.compile(r"^[A-Z]:\t")


def add_core(call: Call, texts: KernelTexts, editor: Editor) -> None:
    """Add the call itself: its source, headers, option, stub and MAINTAINERS entry."""
    editor.create(call.kernel_path, texts.source)
    if texts.uapi is not None:
        editor.create(call.uapi_path, texts.uapi)
    _add_prototypes(texts, editor)
    if texts.compat_prototype:
        end = editor.find(
            COMPAT_H,
            lambda line: line == "#endif /* CONFIG_ARCH_HAS_SYSCALL_WRAPPER */\n",
            "#endif /* CONFIG_ARCH_HAS_SYSCALL_WRAPPER */",
            last=True,  # the first one ends the macros
        )
        editor.insert(COMPAT_H, end, f"{texts.compat_prototype}\n")
    editor.insert("kernel/sys_ni.c", len(editor.lines("kernel/sys_ni.c")), "\n" + texts.stub)
    objects = editor.find(
        "kernel/Makefile",
        lambda line: bool(_MAKEFILE_OBJECT.match(line)),
        "obj-$(CONFIG_...) += ...o",
        last=True,
    )
    editor.insert("kernel/Makefile", objects + 1, texts.makefile_line)
    editor.insert("init/Kconfig", _option_place(editor), texts.kconfig)
    _add_maintainers(texts, editor)


def _option_place(editor: Editor) -> int:
    """In front of an option that is a call's too, or else of any that only experts see."""
    lines = editor.lines("init/Kconfig")
    calls = [i for i, line in enumerate(lines) if _SYSCALL_OPTION.match(line.rstrip("\n"))]
    if calls:
        return calls[-1]
    for index, line in enumerate(lines):
        if _OPTION.match(line.rstrip("\n")) and "if EXPERT" in "".join(lines[index : index + 3]):
            return index
    return editor.find(
        "init/Kconfig", lambda line: bool(_SYSCALL_OPTION.match(line)), "config ..._SYSCALL"
    )


def _add_prototypes(texts: KernelTexts, editor: Editor) -> None:
    lines = editor.lines(SYSCALLS_H)
    heading = editor.find(
        SYSCALLS_H,
        lambda line: line == " * Architecture-specific system calls\n",
        "the comment 'Architecture-specific system calls'",
    )
    end = heading - 1  # the comment's opening line
    while end and not lines[end - 1].strip():
        end -= 1
    editor.insert(SYSCALLS_H, end, texts.prototypes)
    new = [text for text in texts.forward_declarations if text + "\n" not in lines]
    if new:
        includes = next(i for i, line in enumerate(lines) if line.startswith("#include"))
        declared = [i for i, line in enumerate(lines[:includes]) if _STRUCT_DECLARATION.match(line)]
        place = declared[-1] + 1 if declared else includes
        editor.insert(SYSCALLS_H, place, "".join(f"{text}\n" for text in new))


def _add_maintainers(texts: KernelTexts, editor: Editor) -> None:
    lines = editor.lines("MAINTAINERS")
    start = editor.find(
        "MAINTAINERS", lambda line: line == "Maintainers List\n", "Maintainers List"
    )
    titles = [
        index
        for index in range(start + 2, len(lines) - 1)
        if lines[index + 1][1:3] == ":\t" and not lines[index - 1].strip()
    ]
    # The list ignores case: "iSCSI" stands among the entries with I.
    place = _place([lines[index].strip().upper() for index in titles], texts.maintainers_title)
    index = titles[place] if place < len(titles) else len(lines)
    editor.insert("MAINTAINERS", index, texts.maintainers)


def _place(names: list[str], new: str) -> int:
    """Where *new* goes in a list that is sorted, but for a few that stand where they do not belong.

    Returns: the index of the place that fewest of *names* contradict.
    """
    smaller = [name < new for name in names]
    score = smaller.count(True)
    best, place = score, 0
    for position, is_smaller in enumerate(smaller, 1):
        score += -1 if is_smaller else 1
        if score <= best:
            best, place = score, position
    return place


def add_selftest(call: Call, texts: KernelTexts, tree: KernelTree, editor: Editor) -> bool:
    """Add the kernel's own test; returns False where a tree has none."""
    makefile = f"{_SELFTESTS}/Makefile"
    if tree.read(makefile) is None:
        return False
    folder = f"{_SELFTESTS}/{call.name}"
    for name, text in selftest_files(call).items():
        editor.create(f"{folder}/{name}", text)
    editor.find(makefile, lambda line: bool(_TARGET.match(line)), "TARGETS += ...", last=True)
    targets = [
        (index, match["name"])
        for index, line in enumerate(editor.lines(makefile))
        if (match := _TARGET.match(line))
    ]
    place = _place([name for _, name in targets], call.name)
    index = targets[place][0] if place < len(targets) else targets[-1][0] + 1
    editor.insert(makefile, index, f"TARGETS += {call.name}\n")
    _add_file_line(texts.maintainers_title, f"{folder}/", editor)
    return True


def add_documentation(call: Call, texts: KernelTexts, tree: KernelTree, editor: Editor) -> bool:
    """Add the documentation; returns False where a tree has none."""
    index_path = f"{_DOCUMENTATION}/index.rst"
    if tree.read(index_path) is None:
        return False
    path = f"{_DOCUMENTATION}/{call.name}.rst"
    editor.create(path, documentation(call))
    lines = editor.lines(index_path)
    trees = [i for i, line in enumerate(lines) if line.strip() == ".. toctree::"]
    first = editor.find(
        index_path, lambda line: line.strip() == ".. toctree::", ".. toctree::", last=True
    )
    end = (trees or [first])[0] + 1
    while end < len(lines) and (not lines[end].strip() or lines[end].startswith("   ")):
        end += 1
    while not lines[end - 1].strip():
        end -= 1
    editor.insert(index_path, end, f"   {call.name}\n")
    _add_file_line(texts.maintainers_title, path, editor)
    return True


def _add_file_line(title: str, path: str, editor: Editor) -> None:
    """Name a new file in the call's MAINTAINERS entry; the lines are in the alphabet."""
    lines = editor.lines("MAINTAINERS")
    index = editor.find("MAINTAINERS", lambda line: line == f"{title}\n", title) + 1
    while _ENTRY_FIELD.match(lines[index]) and (
        lines[index][:2] != "F:" or lines[index][3:] < path
    ):
        index += 1
    editor.insert("MAINTAINERS", index, f"F:\t{path}\n")
