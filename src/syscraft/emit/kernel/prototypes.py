"""The prototypes of a call's entries, and the names of those for other programs."""

from __future__ import annotations

from collections.abc import Callable

from syscraft.emit.ctext_layout import argument_list
from syscraft.emit.kernel.compat import SPLIT, compat_clone_abis, needs_split, split_prototype
from syscraft.model.call import Call, KernelSignature


def prototypes(call: Call) -> str:
    """Declare the call for include/linux/syscalls.h."""
    text = "\n".join(per_signature(call, _prototype))
    if needs_split(call):
        text = f"#ifdef {SPLIT}\n{split_prototype(call)}\n#else\n{text}\n#endif"
    return text + "\n"


def forward_declarations(call: Call) -> tuple[str, ...]:
    """Declare the structs that prototypes point to, in order."""
    names = [
        p.ctype.base
        for signature in call.signatures
        for p in signature.parameters
        if p.ctype.base.startswith("struct ")
    ]
    return tuple(sorted({f"{name};" for name in names}))


def compat_names(call: Call) -> list[str]:
    """Name X of each ``compat_sys_X`` that the call has."""
    names = [call.name] if call.needs_compat else []
    clones = [abi.compat_clone for abi in compat_clone_abis(call)]
    return names + [f"{clone[0]}{call.name}" for clone in clones if clone]


def per_signature(call: Call, write: Callable[[Call, KernelSignature], str]) -> list[str]:
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


def _prototype(call: Call, signature: KernelSignature) -> str:
    declared = [p.ctype.declare(p.name, kernel=True) for p in signature.parameters]
    return argument_list(f"asmlinkage long sys_{call.name}(", declared or ["void"], ");")
