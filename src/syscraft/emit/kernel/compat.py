"""Entries of the kernel for programs whose registers are narrower than a parameter.

A 32-bit program passes a 64-bit value in two registers, and some ABIs want the first of them to
have an even number. A 64-bit kernel gets a value as wide as long with whatever its entry code makes
of the upper half: zeros on most architectures, copies of the sign on mips.

Source: include/asm-generic/compat.h, SC_ARG64 in include/linux/syscalls.h, Linux 6.12.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from syscraft.abi.abi import Abi
from syscraft.abi.discover import all_abis
from syscraft.abi.layout import Pairs, Part, places
from syscraft.emit.ctext_layout import argument_list
from syscraft.model.call import Call, Parameter

SPLIT = "CONFIG_ARCH_SPLIT_ARG64"
_COMPAT_TYPES = {True: "compat_long_t", False: "compat_ulong_t"}


def needs_split(call: Call) -> bool:
    """Whether 32-bit kernels whose wrappers hand registers on one by one need a list of halves."""
    return call.has_wide_arguments


def compat_definition(call: Call) -> str:
    """Write the entry for programs of 32 bits on a kernel of 64; empty if none is needed."""
    if not call.needs_compat:
        return ""
    head = "\n".join(_per_pairing(call, _compat_head, _compat_symbols()))
    return f"\n#ifdef CONFIG_COMPAT\n{head}\n{_body(call, 'compat_arg_u64_glue({})')}#endif\n"


def widening(call: Call) -> str:
    """Write statements that make the upper halves of longs, where there is one entry for all."""
    lines = [
        f"{p.name} = ({'s32' if p.ctype.scalar and p.ctype.scalar.signed else 'u32'}){p.name};"
        for p in call.widened
    ]
    if not lines:
        return ""
    note = "\t/* of a 32-bit program's registers only the lower half counts */\n"
    condition = "\tif (in_compat_syscall())"
    if len(lines) == 1:
        return f"{note}{condition}\n\t\t{lines[0]}\n"
    listed = "".join(f"\t\t{line}\n" for line in lines)
    return f"{note}{condition} {{\n{listed}\t}}\n"


def compat_clone_definition(call: Call, body: str) -> str:
    """Write a clone variant's entries for programs that have another order than their kernel."""
    texts = []
    for abi in compat_clone_abis(call):
        assert abi.compat_clone is not None
        prefix, symbol = abi.compat_clone
        signature = next(s for s in call.signatures if s.condition == abi.clone_order.condition)
        listed = [f"{_compat_type(p)}, {p.name}" for p in signature.parameters]
        head = argument_list(
            f"COMPAT_SYSCALL_DEFINE{len(listed)}(", [f"{prefix}{call.name}", *listed], ")"
        )
        note = f"/* {abi.key} has clone's arguments in another order than its kernel */"
        texts.append(f"\n#ifdef {symbol}\n{note}\n{head}\n{body}#endif\n")
    return "".join(texts)


def compat_clone_abis(call: Call) -> tuple[Abi, ...]:
    """The ABIs that need such an entry."""
    if not call.is_clone or call.packed:
        return ()
    return tuple(abi for abi in all_abis() if abi.compat_clone)


def compat_prototype(call: Call) -> str:
    """Declare that entry for include/linux/compat.h."""
    if not call.needs_compat:
        return ""
    return "\n".join(_per_pairing(call, _compat_prototype, _compat_symbols())) + "\n"


def split_definition(call: Call) -> str:
    """Write the entry for 32-bit kernels of the kind that :func:`needs_split` is about."""
    head = "\n".join(_per_pairing(call, _split_head, _split_symbols()))
    return f"{head}\n{_body(call, 'SC_VAL64(u64, {})')}"


def split_prototype(call: Call) -> str:
    """Declare that entry for include/linux/syscalls.h."""
    return "\n".join(_per_pairing(call, _split_prototype, _split_symbols()))


def _body(call: Call, wide: str) -> str:
    arguments = [wide.format(p.name) if p.is_wide else p.name for p in call.parameters]
    return "{\n" + argument_list(f"\treturn do_{call.name}(", arguments, ");") + "\n}\n"


def _per_pairing(
    call: Call, write: Callable[[Call, Sequence[Parameter | int]], str], symbols: Sequence[str]
) -> list[str]:
    """Write one text, or two where some ABIs leave a register unused before a pair.

    Args:
        symbols: the Kconfig symbols of the kernels that serve those.
    """
    plain = list(call.parameters)
    padded = _padded(call.parameters)
    if len(padded) == len(plain):
        return [write(call, plain)]
    if not symbols:
        return [write(call, plain)]
    listed = " || ".join(f"defined({symbol})" for symbol in symbols)
    condition = f"#ifdef {symbols[0]}" if len(symbols) == 1 else f"#if {listed}"
    return [condition, write(call, padded), "#else", write(call, plain), "#endif"]


def _compat_symbols() -> list[str]:
    found = {abi.kernel_symbol for abi in all_abis() if abi.pairs is Pairs.EVEN}
    return sorted(symbol for symbol in found if symbol)


def _split_symbols() -> list[str]:
    found = {abi.split_symbol for abi in all_abis() if abi.pairs is Pairs.EVEN}
    return sorted(symbol for symbol in found if symbol)


def _padded(parameters: Sequence[Parameter]) -> list[Parameter | int]:
    """Put the number of a register that stays unused where a pair would start at an odd one."""
    laid_out = places(Pairs.EVEN, [parameter.is_wide for parameter in parameters])
    return [
        number if place.part is Part.UNUSED else parameters[place.argument]
        for number, place in enumerate(laid_out)
        if place.part is not Part.SECOND
    ]


def _registers(items: Sequence[Parameter | int]) -> int:
    return sum(2 if isinstance(item, Parameter) and item.is_wide else 1 for item in items)


def _compat_type(parameter: Parameter) -> str:
    scalar = parameter.ctype.scalar
    if scalar and scalar.bits is None:
        return _COMPAT_TYPES[scalar.signed]
    return parameter.ctype.spell(kernel=True)


def _compat_head(call: Call, items: Sequence[Parameter | int]) -> str:
    return _head("COMPAT_SYSCALL_DEFINE", call, items, "compat_arg_u64_dual", _compat_type)


def _head(
    macro: str,
    call: Call,
    items: Sequence[Parameter | int],
    wide: str,
    spell: Callable[[Parameter], str],
) -> str:
    """The macro that begins an entry; *wide* is the one for a 64-bit argument in it."""
    listed = [
        f"u32, pad{item}" if isinstance(item, int)
        else f"{wide}({item.name})" if item.is_wide
        else f"{spell(item)}, {item.name}"
        for item in items
    ]  # fmt: skip
    return argument_list(f"{macro}{_registers(items)}(", [call.name, *listed], ")")


def _compat_prototype(call: Call, items: Sequence[Parameter | int]) -> str:
    listed = [
        f"u32 pad{item}" if isinstance(item, int)
        else f"compat_arg_u64({item.name})" if item.is_wide
        else _declare(_compat_type(item), item.name)
        for item in items
    ]  # fmt: skip
    return argument_list(f"asmlinkage long compat_sys_{call.name}(", listed or ["void"], ");")


def _declare(ctype: str, name: str) -> str:
    return f"{ctype}{'' if ctype.endswith('*') else ' '}{name}"


def _split_head(call: Call, items: Sequence[Parameter | int]) -> str:
    return _head("SYSCALL_DEFINE", call, items, "SC_ARG64", lambda p: p.ctype.spell(kernel=True))


def _split_prototype(call: Call, items: Sequence[Parameter | int]) -> str:
    listed: list[str] = []
    for item in items:
        if isinstance(item, int):
            listed.append(f"u32 pad{item}")
        elif item.is_wide:
            # Which half comes first is the byte order's business.
            listed += [f"u32 {item.name}_1", f"u32 {item.name}_2"]
        else:
            listed.append(item.ctype.declare(item.name, kernel=True))
    return argument_list(f"asmlinkage long sys_{call.name}(", listed, ");")
