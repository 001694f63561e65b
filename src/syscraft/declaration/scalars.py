"""The scalar C types a system call may use: width, signedness, fixed-width spelling."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scalar:
    """``bits`` is None for types as wide as the ABI's ``long``."""

    bits: int | None
    signed: bool
    user_spelling: str | None = None  # what user space calls it, where that differs

    @property
    def is_wide(self) -> bool:
        """Whether it has 64 bits on every ABI, and so takes two registers on some."""
        return self.bits == 64

    @property
    def is_long(self) -> bool:
        """Whether it is as wide as ``long``, which differs between ABIs."""
        return self.bits is None

    @property
    def field_type(self) -> str:
        """The fixed-width uapi type that holds every value of this one.

        64-bit fields are ``__aligned_u64``: a plain __u64 aligns to 4 on i386 and sh
        and to 2 on m68k, so a struct would differ there.
        Source: include/uapi/linux/types.h and include/uapi/linux/sched.h, Linux 6.12.
        """
        if self.bits is None or self.bits == 64:
            return "__aligned_u64"
        return f"__{'s' if self.signed else 'u'}{self.bits}"

    @property
    def field_bytes(self) -> int:
        return (self.bits or 64) // 8


def _kernel_names() -> dict[str, Scalar]:
    names = {}
    for bits in (8, 16, 32, 64):
        for letter, signed, word in (("s", True, "int"), ("u", False, "uint")):
            scalar = Scalar(bits, signed, f"__{letter}{bits}")
            names[f"{letter}{bits}"] = scalar
            names[f"__{letter}{bits}"] = scalar
            names[f"{word}{bits}_t"] = scalar
    return names


# Integers only: Linux keeps floating point out of system calls.
# Typedefs: include/linux/types.h, Linux 6.12.
SCALARS: dict[str, Scalar] = {
    "char": Scalar(8, True),
    "signed char": Scalar(8, True),
    "unsigned char": Scalar(8, False),
    "short": Scalar(16, True),
    "unsigned short": Scalar(16, False),
    "int": Scalar(32, True),
    "unsigned int": Scalar(32, False),
    "long": Scalar(None, True),
    "unsigned long": Scalar(None, False),
    "long long": Scalar(64, True),
    "unsigned long long": Scalar(64, False),
    "_Bool": Scalar(8, False),
    "bool": Scalar(8, False),
    "size_t": Scalar(None, False),
    "ssize_t": Scalar(None, True),
    "uintptr_t": Scalar(None, False, "unsigned long"),
    "pid_t": Scalar(32, True),
    "uid_t": Scalar(32, False),
    "gid_t": Scalar(32, False),
    "umode_t": Scalar(16, False, "unsigned short"),
    "mode_t": Scalar(32, False),
    "key_t": Scalar(32, True, "int"),
    "clockid_t": Scalar(32, True, "int"),
    "timer_t": Scalar(32, True, "int"),
    "loff_t": Scalar(64, True, "long long"),
    "off_t": Scalar(None, True, "long"),
    "__aligned_u64": Scalar(64, False, "__u64"),
    "__aligned_be64": Scalar(64, False, "__be64"),
    "__aligned_le64": Scalar(64, False, "__le64"),
    **{f"__{order}{bits}": Scalar(bits, False) for order in ("be", "le") for bits in (16, 32, 64)},
    **_kernel_names(),
}

# The C grammar lets the words of an integer type come in any order and some be left out.
_ORDER = ("signed", "unsigned", "char", "short", "long", "int")


def normal_spelling(words: list[str]) -> str:
    """Bring the words of an integer type into the order used in :data:`SCALARS`.

    ``long unsigned int`` becomes ``unsigned long``, ``unsigned`` becomes ``unsigned int``.
    ``_Bool`` becomes ``bool``, which C++ and the kernel have as well.
    """
    if words == ["_Bool"]:
        return "bool"
    if not words or any(word not in _ORDER for word in words):
        return " ".join(words)
    ordered = sorted(words, key=_ORDER.index)
    if "char" in ordered:
        return " ".join(ordered)
    ordered = [word for word in ordered if word != "signed"]
    if "short" in ordered or "long" in ordered:
        ordered = [word for word in ordered if word != "int"]
    elif "int" not in ordered:
        ordered.append("int")
    return " ".join(ordered)
