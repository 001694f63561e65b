"""include/uapi/linux/NAME.h: what a call defines for programs."""

from __future__ import annotations

from syscraft.emit.packed_struct import packed_struct
from syscraft.model.call import Call


def uapi_header(call: Call) -> str:
    """Write the header of a call that has flags, structs or a packed struct."""
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
