"""Phase 4: no name is one that a language, a header or a generated file has already.

One table, ``reserved.json``, holds the words of each language; the names that generated files use
themselves are here. Nothing is renamed: a name that cannot stay as it is is refused.
"""

from __future__ import annotations

import functools
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from pathlib import Path

from syscraft.declaration.scalars import SCALARS
from syscraft.errors import Finding, Where
from syscraft.model.draft import Draft
from syscraft.model.names import class_name
from syscraft.model.packing import struct_name


class Role(Enum):
    """What a name is a name of."""

    CALL = "call"  # and of its header and its Python module
    UNIT = "unit"  # several calls in one file: of the kernel's files
    FUNCTION = "function"  # of user space: a wrapper, or a clone variant
    PARAMETER = "parameter"
    FIELD = "field"
    STRUCT = "struct"
    FLAG = "flag"
    LOCAL = "local"  # what the setup of a case declares


# Headers that are generated beside those of a call.
OWN_HEADERS = frozenset(("bare_syscalls", "ktap"))

# Modules that a generated one would shadow, or that Python imports by itself.
_MODULES = frozenset(sys.stdlib_module_names) | {"syscraft", "sitecustomize", "usercustomize"}

# Built-ins that functions of generated modules call, and names that those modules define.
PYTHON_USED = frozenset(
    "abs bool bytearray bytes dict int isinstance len list memoryview object open range str "
    "tuple type "
    "BaseException BufferError ImportError OSError OverflowError RuntimeError TypeError ValueError "
    "Any Callable Literal Pointer Union".split()
)
PYTHON_HELPERS = frozenset(
    "_abi _address _append_wide _args _by_ctypes _call _call_in_order _call_with _checked "
    "_clone_args _integer _keep _number _place _pointer _quotient _register _registers _remainder "
    "_syscall _way _wrap _FLAGS _LONG_BITS _MEANT_FOR_C _NUMBERS _ORDERS _PAIRS _Register "
    "_REFUSED _SECOND_RESULT".split()
)
# What syscraft.clone() and spawn() take for themselves: an argument of the variant that they are to
# call would not get to it by such a name. Others, such as nice, they hand on.
PYTHON_OF_CHILDREN = frozenset(
    "argv cgroup close_others env executable exit_signal fds how namespaces pidfd restore_signals "
    "set_tid sigmask".split()
)
# Attributes that ctypes.Structure reads or has. Every object has those with two underscores.
_CTYPES = re.compile(
    r"_(fields|pack|anonymous|swappedbytes|align|layout|objects|b_\w+)_?\Z|__\w+__\Z"
)

# Functions and macros of the generated C that a parameter would hide.
_C_USED = re.compile(
    r"(?:memset|strlen|syscall|(?:fork_)?syscall[0-6]|_metadata|SYSCALL_(?:NUMBER|FIRST|SECOND))\Z"
)
# Macros of any compiler's own may be called like that; what begins with two underscores and goes
# on in lower case is in the table, for kernel headers have such names (__pad, __reserved).
# Source: ISO/IEC 9899:2018 section 7.1.3; gcc -dM -E, clang -dM -E
_COMPILERS = re.compile(r"__?[A-Z]|__(?:builtin|cpp)_|__\w+__\Z")
# Functions of ktap.h, of bare_syscalls.h and of the test program that cases become.
_C_FUNCTIONS = re.compile(r"(?:main|ret|error|ktap_\w+|case_\d+|(?:fork_)?syscall[0-6])\Z")
_C_OWN_MACROS = re.compile(
    r"(?:SYSCALL_(?:NUMBER|FIRST|SECOND|UNSIGNED|CLOBBERS|FAILED|VECTOR_STATE|WINDOWED)|KTAP_H"
    r"|BARE_SYSCALLS_H|HAVE_FORK_SYSCALLS"
    # tools/testing/selftests/kselftest_harness.h and kselftest.h, Linux 6.12
    r"|KSELFTEST_PRIO_\w+|TEST_TIMEOUT_DEFAULT|TEST_HARNESS_MAIN|TH_LOG_\w+|KSFT_\w+)\Z"
)

# Source: ISO/IEC 9899:2018 section 6.4.1
_C_KEYWORDS = frozenset(
    "auto break case char const continue default do double else enum extern float for goto if "
    "inline int long register restrict return short signed sizeof static struct switch typedef "
    "typeof union unsigned void volatile while asm".split()
)
# The same, and what else the functions have that cases become, in both programs, by macros of
# tools/testing/selftests/kselftest_harness.h as well.
_C_OF_A_CASE = re.compile(
    r"(?:strerror|_metadata|__\w*|fprintf|u?intmax_t"
    rf"|{_C_FUNCTIONS.pattern[:-2]})\Z"
)
# selftest_child.c.j2
_C_OF_A_CHILD = frozenset({"parent", "pid", "room", "status"})


@functools.cache
def table(key: str) -> frozenset[str]:
    """The words of one list of ``reserved.json``."""
    lists = json.loads(Path(__file__).with_name("reserved.json").read_text(encoding="ascii"))
    return frozenset(word for line in lists[key] for word in line.split())


_KEYWORD = ("c_keywords", "'{}' is a C or C++ keyword")
_MACRO = ("c_macros", "'{}' is a macro in user space")
_KERNEL_MACRO = ("kernel_macros", "'{}' is a macro in the kernel")
_PYTHON_KEYWORD = ("python_keywords", "'{}' is a Python keyword")

# Role -> the lists that its names must not be in, and what such a name is.
_OF_A_CALL = (
    _KEYWORD,
    _MACRO,
    _PYTHON_KEYWORD,
    ("c_headers", "the C library has a header {}.h"),
    ("kernel_functions", "the kernel has a function do_{}()"),
)
_LISTS: dict[Role, tuple[tuple[str, str], ...]] = {
    Role.CALL: _OF_A_CALL,
    Role.UNIT: (_KEYWORD, _MACRO, _PYTHON_KEYWORD),
    Role.FUNCTION: (
        _KEYWORD,
        _MACRO,
        _PYTHON_KEYWORD,
        ("c_functions", "'{}' is a name of the C library"),
    ),
    Role.PARAMETER: (_KEYWORD, _MACRO, _KERNEL_MACRO, _PYTHON_KEYWORD),
    Role.FIELD: (_KEYWORD, _MACRO, _KERNEL_MACRO, _PYTHON_KEYWORD),
    Role.STRUCT: (
        _KEYWORD,
        _MACRO,
        _KERNEL_MACRO,
        ("c_tags", "the C library has a type '{}'"),
        ("kernel_tags", "the kernel has a type '{}'"),
    ),
    Role.FLAG: (
        _MACRO,
        _KERNEL_MACRO,
        # Of headers that a program may well include beside those of a call.
        ("libc_macros", "'{}' is a macro of the C library"),
    ),
    Role.LOCAL: (_MACRO,),
}


def refusal(role: Role, name: str) -> tuple[str, str | None] | None:
    """Say what stands against a name: a message, and a hint. None if nothing does."""
    for key, message in _LISTS[role][:3]:
        if name in table(key):
            return message.format(name), None
    if role in (Role.CALL, Role.FUNCTION) and name in _MODULES:
        return f"Python has a module '{name}'", "the generated Python module would shadow it"
    for key, message in _LISTS[role][3:]:
        if name in table(key):
            return message.format(name), None
    match role:
        case Role.CALL | Role.UNIT if name in OWN_HEADERS:
            return f"syscraft has a header {name}.h", None
        case Role.FUNCTION if name in PYTHON_USED or name in PYTHON_HELPERS:
            return f"the generated Python module uses the name '{name}'", None
        case Role.FUNCTION if _C_FUNCTIONS.match(name):
            return f"the generated C code uses the name '{name}'", None
        case Role.STRUCT if name == "ktap":
            return f"the generated C code uses the name '{name}'", None
        case Role.STRUCT if class_name(name) in PYTHON_USED or not class_name(name).isidentifier():
            return f"'{class_name(name)}' cannot be a class in Python", None
        case Role.STRUCT if class_name(name) in table("python_keywords"):
            return f"'{class_name(name)}' cannot be a class in Python", None
        case Role.PARAMETER if name in PYTHON_HELPERS:
            return f"the generated Python module uses the name '{name}'", None
        case Role.PARAMETER if _C_USED.match(name):
            return f"the generated C code uses the name '{name}'", None
        case Role.PARAMETER | Role.STRUCT | Role.FUNCTION if name in SCALARS:
            return f"'{name}' is a type", None
        case Role.FIELD if _CTYPES.match(name):
            return f"a class of ctypes has an attribute '{name}'", None
        case Role.PARAMETER | Role.FIELD | Role.STRUCT | Role.FUNCTION if _COMPILERS.match(name):
            return f"'{name}' is a name that C keeps for compilers", None
        case Role.LOCAL if name in _C_KEYWORDS:
            return f"'{name}' is a C keyword", None
        case Role.LOCAL if _C_OF_A_CASE.match(name):
            return f"the generated C code uses the name '{name}'", None
        case _ if _C_OWN_MACROS.match(name):
            return f"the generated C code uses the name '{name}'", None
    return None


def judge(role: Role, name: str, where: Where) -> list[Finding]:
    """Refuse a name that is taken in any language."""
    found = refusal(role, name)
    return [Finding(found[0], where, "a different name", name, found[1])] if found else []


def check_names(drafts: Sequence[Draft]) -> list[Finding]:
    """Judge every name of a declaration, and find those that are there twice."""
    findings = []
    for draft in drafts:
        for role, name, where in _names(draft):
            findings += judge(role, name, where)
        findings += _check_parameters(draft)
        findings += _check_children(draft)
    findings += _check_header(drafts)
    findings += _check_duplicates(drafts)
    return list(dict.fromkeys(findings))


def _names(draft: Draft) -> Iterator[tuple[Role, str, Where]]:
    if draft.is_clone:
        yield Role.FUNCTION, draft.name, draft.where("name")
    for prototype in draft.prototypes:
        yield Role.FUNCTION, prototype.name, prototype.where
        for parameter in prototype.parameters:
            yield Role.PARAMETER, parameter.name, parameter.where
    for parameter in draft.kernel:
        yield Role.PARAMETER, parameter.name, parameter.where
        if draft.data.get("pack"):
            yield Role.FIELD, parameter.name, parameter.where
    for struct in draft.structs:
        yield Role.STRUCT, struct.name, struct.where
        for field in struct.fields:
            yield Role.FIELD, field.name, field.where
    if draft.data.get("pack"):
        yield Role.STRUCT, struct_name(draft.name), draft.where("name")
    for index, flag in enumerate(draft.flags):
        yield Role.FLAG, flag.name, draft.where("flags", index, "name")


def _check_parameters(draft: Draft) -> list[Finding]:
    """Names that only this call's own functions have."""
    findings = []
    taken = {f"{draft.name}_raw": "the header's function"}
    if not draft.data.get("pack"):
        # Source: __SYSCALL_DEFINEx in include/linux/syscalls.h, Linux 6.12
        taken |= {"ret": "a variable of the kernel's SYSCALL_DEFINE"}
        taken |= {f"do_{draft.name}": "the function that the call is made of"}
        wide = [parameter.name for parameter in draft.kernel if parameter.ctype.is_wide]
        # SC_ARG64 and compat_arg_u64_dual
        taken |= {f"{name}_{half}": f"a half of '{name}'" for name in wide for half in ("lo", "hi")}
        taken |= {f"pad{n}": "a register that stays unused" for n in range(6) if wide}
    else:
        taken |= {f"__pad{n}": "padding of the struct" for n in range(len(draft.kernel))}
    for parameter in draft.kernel:
        if what := taken.get(parameter.name):
            message = f"'{parameter.name}' is the name of {what}"
            findings.append(Finding(message, parameter.where, "a different name", parameter.name))
    return findings


def _check_children(draft: Draft) -> list[Finding]:
    """Arguments that Python's ways to make a child could not tell from their own."""
    if not draft.returns_twice:
        return []
    taken = set(PYTHON_OF_CHILDREN)
    # By these they see what a variant is like, and what they are to give it.
    if "like" in draft.data and not draft.is_clone3:
        taken.add("uargs")
    if draft.data.get("like") in ("clone3", "fork", "vfork"):
        taken.add("flags")
    ours = [p for prototype in draft.prototypes for p in prototype.parameters]
    named = [(p.name, p.where) for p in (*ours, *draft.kernel) if p.name in taken]
    functions = {p.name: p.where for p in draft.prototypes}
    return [
        Finding(f"the call's selftest has a variable '{name}'", where, "a different name", name)
        for name, where in functions.items()
        if name in _C_OF_A_CHILD
    ] + [
        Finding(
            f"syscraft.clone() or spawn() has an argument '{name}' of its own in Python",
            where,
            "a different name",
            name,
            "they take the call as how=, and its arguments by name",
        )
        for name, where in named
    ]


def _check_header(drafts: Sequence[Draft]) -> list[Finding]:
    """A uapi header of these calls must not be one that Linux has."""
    whole = drafts[0].whole
    has_uapi = drafts[0].structs or drafts[0].flags or any(d.data.get("pack") for d in drafts)
    if not has_uapi or whole["name"] not in table("uapi_headers"):
        return []
    message = f"Linux has a header <linux/{whole['name']}.h>"
    where = drafts[0].file.where(("name",))
    return [Finding(message, where, "a different name", whole["name"])]


def _check_duplicates(drafts: Sequence[Draft]) -> list[Finding]:
    """Names that C or Python would take for one: macros, tags, classes, fields, functions."""
    first = drafts[0]
    findings = []
    for struct in first.structs:
        fields = ((field.name, field.where) for field in struct.fields)
        findings += twice(f"duplicate field of 'struct {struct.name}': '{{}}'", fields)
    findings += twice("duplicate struct: '{}'", ((s.name, s.where) for s in first.structs))
    tags = {s.name: s.where for s in first.structs}
    for name in first.data.get("types", ()):
        tag = name.removeprefix("struct ")
        if tag in tags:
            findings.append(
                Finding(
                    f"duplicate struct '{tag}'", tags[tag], "a different name", "also in 'types'"
                )
            )
    own = _own_macros(drafts)
    for index, flag in enumerate(first.flags):
        if flag.name in own:
            findings.append(
                Finding(
                    f"'{flag.name}' is a macro of the generated headers",
                    first.where("flags", index, "name"),
                    "a different name",
                    flag.name,
                )
            )
    flags = {flag.name for flag in first.flags}
    for draft in drafts:
        for role, name, where in _names(draft):
            if role is not Role.FLAG and name in flags:
                message = f"'{name}' is the name of a flag, which is a macro"
                findings.append(Finding(message, where, "a different name", name))
            elif role is not Role.FLAG and name in own:
                message = f"'{name}' is a macro of the generated headers"
                findings.append(Finding(message, where, "a different name", name))
        findings += _check_python(draft, flags)
    return findings


def _own_macros(drafts: Sequence[Draft]) -> frozenset[str]:
    """Macros that headers of these calls define."""
    found = set()
    for name in (drafts[0].whole["name"], *(draft.name for draft in drafts)):
        found |= {f"{name.upper()}_{end}" for end in ("H", "RAW_H", "CFI", "UNWIND", "ASSERT")}
    for draft in drafts:
        versions = len(draft.data.get("versions", ())) or 1
        found |= {f"{struct_name(draft.name).upper()}_SIZE_VER{n}" for n in range(versions)}
    return frozenset(found)


def _check_python(draft: Draft, flags: set[str]) -> list[Finding]:
    """In a Python module, functions, classes and constants share their names."""
    taken = {name: f"the flag {name}" for name in flags}
    structs = [(struct.name, struct.where) for struct in draft.structs]
    if draft.data.get("pack"):
        structs.append((struct_name(draft.name), draft.where("name")))
    findings = []
    for name, where in structs:
        found = class_name(name)
        if found in taken and taken[found] != f"struct {name}":
            findings.append(
                Finding(
                    f"the Python class of 'struct {name}' has the name of {taken[found]}",
                    where,
                    "a different name",
                    found,
                )
            )
        taken.setdefault(found, f"struct {name}")
    for prototype in draft.prototypes:
        if prototype.name in taken:
            findings.append(
                Finding(
                    f"{prototype.name}() has the name of {taken[prototype.name]} in Python",
                    prototype.where,
                    "a different name",
                    prototype.name,
                )
            )
        for parameter in prototype.parameters:
            if parameter.name in taken and parameter.name not in flags:
                findings.append(
                    Finding(
                        f"'{parameter.name}' is the name of {taken[parameter.name]} in Python",
                        parameter.where,
                        "a different name",
                        parameter.name,
                    )
                )
    return findings


def twice(message: str, named: Iterable[tuple[str, Where]]) -> list[Finding]:
    """Find the names that are there twice; *message* has a place for the name."""
    seen: dict[str, Where] = {}
    findings = []
    for name, where in named:
        if name in seen:
            found = f"also {seen[name]}"
            findings.append(Finding(message.format(name), where, "a different name", found))
        seen.setdefault(name, where)
    return findings
