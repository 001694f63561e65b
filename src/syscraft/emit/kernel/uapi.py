"""include/uapi/linux/NAME.h: what calls define for programs."""

from __future__ import annotations

from syscraft.emit.expression_c import as_macro
from syscraft.emit.packed_struct import packed_struct
from syscraft.model.call import Shared


def uapi_header(shared: Shared) -> str:
    """Write the header of calls that have flags, structs or packed structs."""
    guard = f"_UAPI_LINUX_{shared.name.upper()}_H"
    parts = [
        "/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */",
        f"#ifndef {guard}",
        f"#define {guard}",
        "",
        "#include <linux/types.h>",
    ]
    if shared.flags:
        parts.append("")
    for flag in shared.flags:
        note = f"\t/* {flag.summary} */" if flag.summary else ""
        parts.append(f"#define {flag.name}\t{as_macro(flag.value)}{note}")
    for struct in shared.structs:
        parts += ["", struct.text]
    for packed in shared.packed:
        parts += ["", packed_struct(packed)]
    return "\n".join([*parts, "", f"#endif /* {guard} */", ""])
