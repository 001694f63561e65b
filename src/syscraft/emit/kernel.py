"""The kernel's side of a call, as text: source file, uapi header, prototype, Kconfig.

Pure: where each text goes in a given tree is the business of :mod:`syscraft.tree`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from syscraft.abi.discover import all_abis
from syscraft.emit.ctext_layout import argument_list, comment, prose, width
from syscraft.emit.kernel_compat import (
    SPLIT,
    compat_clone_abis,
    compat_clone_definition,
    compat_definition,
    compat_prototype,
    needs_split,
    split_definition,
    split_prototype,
)
from syscraft.model import clone
from syscraft.model.call import Call, Field, KernelSignature, PackedStruct

_SPDX = "// SPDX-License-Identifier: GPL-2.0"


@dataclass(frozen=True)
class KernelTexts:
    """What a call adds to a kernel tree.

    ``body_offset`` is what a line number of the author's body gains in ``source``.
    """

    source: str
    body_offset: int
    uapi: str | None
    prototypes: str
    compat_prototype: str
    forward_declarations: tuple[str, ...]
    kconfig: str
    stub: str
    makefile_line: str
    maintainers: str
    maintainers_title: str


def kernel_texts(call: Call) -> KernelTexts:
    """Write everything that *call* adds to a kernel tree."""
    source, offset = _source(call)
    title = f"{call.name.upper()} SYSTEM CALL"
    files = sorted([call.kernel_path] + ([call.uapi_path] if call.has_uapi else []))
    return KernelTexts(
        source=source,
        body_offset=offset,
        uapi=_uapi(call) if call.has_uapi else None,
        prototypes=_prototypes(call),
        compat_prototype=compat_prototype(call),
        forward_declarations=_forward_declarations(call),
        kconfig=_kconfig(call),
        stub=f"COND_SYSCALL({call.name});\n"
        + "".join(f"COND_SYSCALL_COMPAT({name});\n" for name in _compat_names(call)),
        makefile_line=f"obj-$(CONFIG_{call.kconfig.symbol}) += {call.name}.o\n",
        maintainers="\n".join(
            [
                title,
                f"M:\t{call.author}",
                "L:\tlinux-api@vger.kernel.org",
                "S:\tMaintained",
                *(f"F:\t{path}" for path in files),
                "",
                "",
            ]
        ),
        maintainers_title=title,
    )


def _compat_names(call: Call) -> list[str]:
    names = [call.name] if call.needs_compat else []
    clones = [abi.compat_clone for abi in compat_clone_abis(call)]
    return names + [f"{clone[0]}{call.name}" for clone in clones if clone]


def _source(call: Call) -> tuple[str, int]:
    body = call.body.text.splitlines()
    dropped = 0
    while body and (not body[0].strip() or "SPDX-License-Identifier" in body[0]):
        body.pop(0)
        dropped += 1
    while body and not body[-1].strip():
        body.pop()
    head = [_SPDX, comment([f"{call.name}() - {call.summary}", call.description]), ""]
    head += [line for line in _includes(call) if line not in body]
    if not (body and body[0].startswith("#include")):
        head.append("")
    prefix = "\n".join(head) + "\n"
    parts = [prefix + "\n".join(body) + "\n", _definition(call)]
    return "\n".join(parts), prefix.count("\n") - dropped


def _includes(call: Call) -> list[str]:
    names = ["linux/syscalls.h"]
    if _compat_names(call):
        names.append("linux/compat.h")
    if call.packed:
        names.append("linux/uaccess.h")
        if any(field.array for field in call.packed.padding):
            names.append("linux/string.h")
    if call.is_clone:
        names += ["linux/ptrace.h", "linux/sched.h", "linux/sched/task.h"]
    if call.has_uapi:
        names.append(f"uapi/linux/{call.name}.h")
    names += [f"uapi/{name}" for name in call.includes]
    return [f"#include <{name}>" for name in sorted(names)]


def _definition(call: Call) -> str:
    heads = "\n".join(_per_signature(call, _define))
    if call.packed:
        return heads + "\n" + _packed_body(call, call.packed)
    if call.is_clone:
        body = _clone_body(call)
        compat = compat_clone_definition(call, _clone_body(call, with_parents_stack=False))
        return heads + "\n" + body + compat
    arguments = [parameter.name for parameter in call.parameters]
    text = heads + "\n{\n" + argument_list(f"\treturn do_{call.name}(", arguments, ");") + "\n}\n"
    if needs_split(call):
        text = f"#ifdef {SPLIT}\n{split_definition(call)}#else\n{text}#endif\n"
    return text + compat_definition(call)


def _per_signature(call: Call, write: Callable[[Call, KernelSignature], str]) -> list[str]:
    """Write one text per argument order, under the conditions that select it."""
    if len(call.signatures) == 1:
        return [write(call, call.signatures[0])]
    lines = []
    for index, signature in enumerate(call.signatures):
        if signature.condition is None:
            lines.append("#else")
        elif index == 0:
            lines.append(f"#ifdef {signature.condition}")
        else:
            lines.append(f"#elif defined({signature.condition})")
        lines.append(write(call, signature))
    return [*lines, "#endif"]


def _define(call: Call, signature: KernelSignature) -> str:
    pairs = [f"{p.ctype.spell(kernel=True)}, {p.name}" for p in signature.parameters]
    head = f"SYSCALL_DEFINE{len(pairs)}("
    return argument_list(head, [call.name, *pairs], ")")


def _prototype(call: Call, signature: KernelSignature) -> str:
    declared = [p.ctype.declare(p.name, kernel=True) for p in signature.parameters]
    return argument_list(f"asmlinkage long sys_{call.name}(", declared or ["void"], ");")


def _prototypes(call: Call) -> str:
    text = "\n".join(_per_signature(call, _prototype))
    if needs_split(call):
        text = f"#ifdef {SPLIT}\n{split_prototype(call)}\n#else\n{text}\n#endif"
    return text + "\n"


def _forward_declarations(call: Call) -> tuple[str, ...]:
    names = [
        p.ctype.base
        for signature in call.signatures
        for p in signature.parameters
        if p.ctype.base.startswith("struct ")
    ]
    return tuple(sorted({f"{name};" for name in names}))


def _clone_body(call: Call, *, with_parents_stack: bool = True) -> str:
    extras = [extra.name for extra in call.clone_extras]
    members = _clone_members("clone_flags", "parent_tidptr", "child_tidptr", "newsp", "tls")
    return f"""{{
	struct kernel_clone_args args = {{
{members}
	}};
{_parents_stack("args") if with_parents_stack else ""}
{argument_list(f"	return do_{call.name}(", ["&args", *extras], ");")}
}}
"""


def _clone_members(flags: str, ptid: str, ctid: str, stack: str, tls: str) -> str:
    """What clone(2) makes of its arguments. Source: kernel/fork.c, Linux 6.12."""
    return f"""		.flags		= (lower_32_bits({flags}) & ~CSIGNAL),
		.pidfd		= {ptid},
		.child_tid	= {ctid},
		.parent_tid	= {ptid},
		.exit_signal	= (lower_32_bits({flags}) & CSIGNAL),
		.stack		= {stack},
		.tls		= {tls},"""


def _packed_body(call: Call, packed: PackedStruct) -> str:
    checks = "\n".join(
        f"\tBUILD_BUG_ON(offsetofend(struct {packed.name}, {version.last_field}) !=\n"
        f"\t\t     {packed.size_constant(index)});"
        for index, version in enumerate(packed.versions)
    )
    last = packed.size_constant(len(packed.versions) - 1)
    by_name = {field.name: _argument(field) for field in _carriers(packed)}
    by_name[clone.BODY_ARGUMENTS.name] = "&kargs"
    passed = [by_name[parameter.name] for parameter in call.parameters]
    declared = "\tstruct kernel_clone_args kargs;\n" if call.is_clone else ""
    clone_setup = _packed_clone_setup() if call.is_clone else ""
    return f"""{{
{declared}	struct {packed.name} args;
	int err;

{checks}
	BUILD_BUG_ON(sizeof(struct {packed.name}) != {last});

	if (unlikely(usize > PAGE_SIZE))
		return -E2BIG;
	if (unlikely(usize < {packed.size_constant(0)}))
		return -EINVAL;

	err = copy_struct_from_user(&args, sizeof(args), uargs, usize);
	if (err)
		return err;
{_padding_check(packed)}{_width_checks(packed)}{clone_setup}
{argument_list(f"	return do_{call.name}(", passed, ");")}
}}
"""


def _packed_clone_setup() -> str:
    ptid, ctid = (f"u64_to_user_ptr(args.{name})" for name in ("parent_tid", "child_tid"))
    members = _clone_members("args.flags", ptid, ctid, "args.stack", "args.tls")
    return f"""	if (upper_32_bits(args.flags))
		return -EINVAL;

	kargs = (struct kernel_clone_args) {{
{members}
	}};
{_parents_stack("kargs")}"""


def _parents_stack(args: str) -> str:
    """Let a child that asks for no stack go on with its parent's, wherever that takes a word."""
    symbols = {abi.fork_entry.keeps_no_stack for abi in all_abis() if abi.fork_entry} - {None}
    return "".join(
        f"""
#ifdef {symbol}
	if (!{args}.stack)
		{args}.stack = user_stack_pointer(current_pt_regs());
#endif
"""
        for symbol in sorted(filter(None, symbols))
    )


def _carriers(packed: PackedStruct) -> list[Field]:
    return [field for field in packed.fields if field.parameter]


def _argument(field: Field) -> str:
    assert field.parameter is not None
    if field.parameter.ctype.is_pointer:
        return f"u64_to_user_ptr(args.{field.name})"
    return f"args.{field.name}"


def _padding_check(packed: PackedStruct) -> str:
    tests = [
        f"memchr_inv(args.{field.name}, 0, sizeof(args.{field.name}))"
        if field.array
        else f"args.{field.name}"
        for field in packed.padding
    ]
    if not tests:
        return ""
    lines = ["\tif (" + tests[0]]
    for test in tests[1:]:
        if width(f"{lines[-1]} || {test})") <= 80:
            lines[-1] += f" || {test}"
        else:
            lines[-1] += " ||"
            lines.append(f"\t    {test}")
    return "\n".join(lines) + ")\n\t\treturn -EINVAL;\n"


def _width_checks(packed: PackedStruct) -> str:
    """Refuse what does not fit a ``long`` or a pointer of a 32-bit kernel."""
    names = [
        field.name
        for field in _carriers(packed)
        if field.parameter and (field.parameter.ctype.is_pointer or field.parameter.is_long)
    ]
    signed = {
        field.name
        for field in _carriers(packed)
        if field.parameter and (scalar := field.parameter.ctype.scalar) and scalar.signed
    }
    return "".join(
        f"\tif ((u64)({'long' if name in signed else 'unsigned long'})args.{name}"
        f" != args.{name})\n\t\treturn -EOVERFLOW;\n"
        for name in names
    )


def _uapi(call: Call) -> str:
    guard = f"_UAPI_LINUX_{call.name.upper()}_H"
    parts = [
        "/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */",
        f"#ifndef {guard}",
        f"#define {guard}",
        "",
        "#include <linux/types.h>",
    ]
    if call.flags:
        parts.append("")
    for flag in call.flags:
        note = f"\t/* {flag.summary} */" if flag.summary else ""
        parts.append(f"#define {flag.name}\t{flag.value}{note}")
    for struct in call.structs:
        parts += ["", struct.text]
    if call.packed:
        parts += ["", packed_struct(call.packed)]
    return "\n".join([*parts, "", f"#endif /* {guard} */", ""])


def packed_struct(packed: PackedStruct) -> str:
    """Write the struct of a packed call and the sizes of its versions."""
    ends = {version.size_bytes: index for index, version in enumerate(packed.versions)}
    note = (
        f"Arguments of {packed.call_name}(). Fields are only ever appended; zero in a newer field "
        "means what older kernels do. Padding must be zero."
    )
    lines = [comment([note])]
    lines.append(f"struct {packed.name} {{")
    for field in packed.fields:
        array = f"[{field.array}]" if field.array else ""
        lines.append(f"\t{field.type_name} {field.name}{array};")
    lines += ["};", ""]
    for size, index in ends.items():
        which = "first" if index == 0 else f"{_ordinal(index + 1)}"
        lines.append(
            f"#define {packed.size_constant(index)}\t{size}\t/* sizeof {which} published struct */"
        )
    return "\n".join(lines)


def _ordinal(number: int) -> str:
    words = {2: "second", 3: "third"}
    return words.get(number, f"{number}th")


def _kconfig(call: Call) -> str:
    help_text = prose(
        [
            f"Enable the {call.name} system call: {call.summary}.",
            "" if call.kconfig.help == call.summary else call.kconfig.help,
            f"Without this option {call.name}() fails with ENOSYS.",
            "If unsure, say Y.",
        ],
        indent="\t  ",
    )
    return (
        f"config {call.kconfig.symbol}\n"
        f'\tbool "Enable {call.name}() system call" if EXPERT\n'
        f"\tdefault y\n\thelp\n{help_text}\n\n"
    )
