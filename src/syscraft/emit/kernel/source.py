"""kernel/NAME.c: the author's body, and the entries of the kernel that call it."""

from __future__ import annotations

from dataclasses import dataclass

from syscraft.abi.discover import all_abis
from syscraft.emit.ctext_layout import argument_list, comment, width
from syscraft.emit.kernel.compat import (
    SPLIT,
    compat_clone_definition,
    compat_definition,
    needs_split,
    split_definition,
    widening,
)
from syscraft.emit.kernel.prototypes import compat_names, per_signature
from syscraft.emit.layouts import layout_assertions
from syscraft.lines import split_lines
from syscraft.model import clone
from syscraft.model.call import Call, Field, KernelSignature, PackedStruct, Shared, Unit

_SPDX = "// SPDX-License-Identifier: GPL-2.0"


@dataclass(frozen=True)
class KernelSource:
    """The source file of a declaration's calls.

    ``body_offset`` is what a line number of the author's body gains in ``text``.
    """

    text: str
    body_offset: int


def kernel_source(unit: Unit) -> KernelSource:
    """Write kernel/NAME.c: the author's body and the entries that call it."""
    shared = unit.shared
    body = split_lines(shared.body.text)
    dropped = 0
    while body and (not body[0].strip() or "SPDX-License-Identifier" in body[0]):
        body.pop(0)
        dropped += 1
    while body and not body[-1].strip():
        body.pop()
    names = ", ".join(f"{name}()" for name in shared.call_names)
    head = [_SPDX, comment([f"{names} - {shared.summary}", shared.description]), ""]
    head += [line for line in _includes(unit) if line not in body]
    if not (body and body[0].startswith("#include")):
        head.append("")
    prefix = "\n".join(head) + "\n"
    parts = [prefix + "\n".join(body) + "\n", *_layouts(shared), *map(_definition, unit.calls)]
    return KernelSource("\n".join(parts), prefix.count("\n") - dropped)


def _layouts(shared: Shared) -> list[str]:
    """Have the kernel's compiler agree to the layout that programs were promised."""
    lines = layout_assertions(shared.structs, "static_assert", "offsetof")
    if not lines:
        return []
    return ["/* programs have the same layout on every architecture */\n" + "\n".join(lines) + "\n"]


def _includes(unit: Unit) -> list[str]:
    names = {"linux/syscalls.h", *(f"uapi/{name}" for name in unit.shared.includes)}
    for call in unit.calls:
        if compat_names(call) or call.widened:
            names.add("linux/compat.h")
        if call.packed:
            names.add("linux/uaccess.h")
            if any(field.array for field in call.packed.padding):
                names.add("linux/string.h")
        if call.is_clone:
            names |= {"linux/ptrace.h", "linux/sched.h", "linux/sched/task.h"}
    if unit.shared.structs:
        names |= {"linux/build_bug.h", "linux/stddef.h"}
    if unit.shared.has_uapi:
        names.add(f"uapi/linux/{unit.name}.h")
    return [f"#include <{name}>" for name in sorted(names)]


def _definition(call: Call) -> str:
    heads = "\n".join(per_signature(call, _define))
    if call.packed:
        return heads + "\n" + _packed_body(call, call.packed)
    if call.is_clone:
        body = _clone_body(call)
        compat = compat_clone_definition(call, _clone_body(call, native=False))
        return heads + "\n" + body + compat
    arguments = [parameter.name for parameter in call.parameters]
    start = heads + "\n{\n" + widening(call)
    text = start + argument_list(f"\treturn do_{call.name}(", arguments, ");") + "\n}\n"
    if needs_split(call):
        text = f"#ifdef {SPLIT}\n{split_definition(call)}#else\n{text}#endif\n"
    return text + compat_definition(call)


def _define(call: Call, signature: KernelSignature) -> str:
    pairs = [f"{p.ctype.spell(kernel=True)}, {p.name}" for p in signature.parameters]
    head = f"SYSCALL_DEFINE{len(pairs)}("
    return argument_list(head, [call.name, *pairs], ")")


def _clone_body(call: Call, *, native: bool = True) -> str:
    extras = [extra.name for extra in call.clone_extras]
    members = _clone_members("clone_flags", "parent_tidptr", "child_tidptr", "newsp", "tls")
    setup = _parents_stack("args") + (f"\n{widening(call)}" if call.widened else "")
    return f"""{{
	struct kernel_clone_args args = {{
{members}
	}};
{setup if native else ""}
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
