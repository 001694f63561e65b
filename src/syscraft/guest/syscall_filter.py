"""The system calls that a confined guest's process may not make, as a filter for the kernel.

Namespaces and read-only mounts leave some ways out of a sandbox: sockets whose name is a file,
keys of the kernel's key rings, and what could change the mounts again.
"""

from __future__ import annotations

import socket
import struct
import sys
from pathlib import Path

from syscraft.guest.host import read_identity
from syscraft.runtime.call_table import own_table

# Source: include/uapi/linux/bpf_common.h, include/uapi/linux/seccomp.h, Linux 6.12
_LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS: a word of struct seccomp_data
_AND = 0x54  # BPF_ALU | BPF_AND | BPF_K
_IF_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_IF_AT_LEAST = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_RETURN = 0x06  # BPF_RET | BPF_K
_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_EPERM, _ENOSYS = 1, 38

# struct seccomp_data: int nr; __u32 arch; __u64 instruction_pointer; __u64 args[6]
_NUMBER, _ARCH, _ARGS = 0, 4, 16
_SECOND_ARGUMENT = _ARGS + 8 + (0 if sys.byteorder == "little" else 4)

# Of AUDIT_ARCH_*. Source: include/uapi/linux/audit.h, Linux 6.12
_IS_64_BIT, _IS_LITTLE_ENDIAN = 0x80000000, 0x40000000
# From here on, numbers are of another ABI that the same kernel has.
# Source: __X32_SYSCALL_BIT in arch/x86/include/uapi/asm/unistd.h, Linux 6.12
_NO_NUMBER = 0x40000000

_REFUSED = (
    # Sockets by name reach daemons of this machine; socketpair() is seen to below.
    "socket", "socketcall", "connect", "bind",
    # It opens, connects and sends without making those calls.
    "io_uring_setup", "io_uring_enter", "io_uring_register",
    # Mounts stay as they are. A new user namespace would give the right to change them.
    "mount", "umount", "umount2", "oldumount", "pivot_root", "chroot", "move_mount", "open_tree",
    "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "unshare", "setns",
    # Files by other ways than their paths.
    "open_by_handle_at", "swapon", "swapoff", "quotactl", "quotactl_fd",
    # What has no namespace.
    "add_key", "request_key", "keyctl", "bpf", "perf_event_open", "userfaultfd", "syslog",
    "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "reboot",
    "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "acct", "vhangup",
)  # fmt: skip


def syscall_filter() -> bytes:
    """Make the filter for programs of this machine.

    Calls of any other ABI do not exist; of ``socketpair()`` only streams are left, for datagrams
    can be sent to a name.

    Returns: an array of ``struct sock_filter``, for ``SECCOMP_SET_MODE_FILTER``.

    Raises:
        EnvironmentLacks: syscraft does not know this machine's ABI.
    """
    own = read_identity(Path("/proc/self/exe"))
    arch = own.machine | (_IS_64_BIT if own.bits == 64 else 0)
    arch |= _IS_LITTLE_ENDIAN if own.little_endian else 0
    numbers = own_table().numbers
    code = [
        _instruction(_LOAD, _ARCH),
        _instruction(_IF_EQUAL, arch, 1, 0),
        _instruction(_RETURN, _ERRNO | _ENOSYS),
        _instruction(_LOAD, _NUMBER),
        _instruction(_IF_AT_LEAST, _NO_NUMBER, 0, 1),
        _instruction(_RETURN, _ERRNO | _ENOSYS),
    ]
    for name in _REFUSED:
        if name in numbers:
            code += [
                _instruction(_IF_EQUAL, numbers[name], 0, 1),
                _instruction(_RETURN, _ERRNO | _EPERM),
            ]
    code += [
        _instruction(_IF_EQUAL, numbers["socketpair"], 0, 4),
        _instruction(_LOAD, _SECOND_ARGUMENT),
        _instruction(_AND, 0xF),  # without SOCK_CLOEXEC and SOCK_NONBLOCK
        _instruction(_IF_EQUAL, socket.SOCK_STREAM, 1, 0),
        _instruction(_RETURN, _ERRNO | _EPERM),
        _instruction(_RETURN, _ALLOW),
    ]
    return b"".join(code)


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
