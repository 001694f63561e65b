"""Names that C, the kernel and file systems can all bear."""

from __future__ import annotations

import re

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
CALL_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
CONSTANT_NAME = re.compile(r"[A-Z][A-Z0-9_]*\Z")
CONFIG_SYMBOL = re.compile(r"[A-Z][A-Z0-9_]*\Z")
ERRNO_NAME = re.compile(r"E[A-Z0-9]+\Z")
# What begins with =? is an encoded word in a mail. Source: RFC 2047
AUTHOR = re.compile(r"(?!.*=\?)[^<>\n]+ <[^<>@\s]+@[^<>@\s]+>\Z")

# A symbol such as __se_compat_sys_NAME has to fit the kernel's tables of names.
# Source: KSYM_NAME_LEN in include/linux/kallsyms.h, Linux 6.12, is 512; file names end at 255.
MAX_CALL_NAME = 64

# Names known to asm-generic/errno-base.h and errno.h, Linux 6.12, plus ENOTSUP, which
# POSIX has and Linux defines as EOPNOTSUPP.
ERRNOS = frozenset(
    """
    EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES
    EFAULT ENOTBLK EBUSY EEXIST EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY
    ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE EDEADLK ENAMETOOLONG ENOLCK
    ENOSYS ENOTEMPTY ELOOP EWOULDBLOCK ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG
    EUNATCH ENOCSI EL2HLT EBADE EBADR EXFULL ENOANO EBADRQC EBADSLT EDEADLOCK EBFONT ENOSTR
    ENODATA ETIME ENOSR ENONET ENOPKG EREMOTE ENOLINK EADV ESRMNT ECOMM EPROTO EMULTIHOP
    EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ EBADFD EREMCHG ELIBACC ELIBBAD ELIBSCN ELIBMAX
    ELIBEXEC EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE EPROTOTYPE
    ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT
    EADDRINUSE EADDRNOTAVAIL ENETDOWN ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS
    EISCONN ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT ECONNREFUSED EHOSTDOWN EHOSTUNREACH
    EALREADY EINPROGRESS ESTALE EUCLEAN ENOTNAM ENAVAIL EISNAM EREMOTEIO EDQUOT ENOMEDIUM
    EMEDIUMTYPE ECANCELED ENOKEY EKEYEXPIRED EKEYREVOKED EKEYREJECTED EOWNERDEAD
    ENOTRECOVERABLE ERFKILL EHWPOISON ENOTSUP
    """.split()
)

# Structs that programs may pass by pointer with no `types` entry: each is in the uapi
# header named. Source: include/uapi/linux/, Linux 6.12
KNOWN_STRUCTS = {
    "struct __kernel_timespec": "linux/time_types.h",
    "struct __kernel_itimerspec": "linux/time_types.h",
    "struct clone_args": "linux/sched.h",
    "struct open_how": "linux/openat2.h",
    "struct mount_attr": "linux/mount.h",
    "struct rlimit64": "linux/resource.h",
    "struct statx": "linux/stat.h",
}


def class_name(name: str) -> str:
    """The Python class of a C struct."""
    return "".join(word.capitalize() for word in name.split("_") if word)
