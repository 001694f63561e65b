"""Compiled-in checks of every access to memory, and of what C leaves undefined."""

from __future__ import annotations

from syscraft.build.flavour import Flavour
from syscraft.build.kconfig import Need, read_options

FLAVOUR = Flavour(
    "kasan",
    "use-after-free, out-of-bounds accesses, undefined shifts and indexes",
    options=read_options("""\
# KASAN keeps who allocated and who freed; the smallest allocator cannot.
# CONFIG_SLUB_TINY is not set
# It finds what red zones find; User Mode Linux's memset() is checked even where the allocator
# writes them, which is none of anybody's faults. Source: mm/Makefile, KASAN_SANITIZE_slub.o, 6.12
# CONFIG_SLUB_DEBUG_ON is not set
CONFIG_KASAN=y
CONFIG_KASAN_GENERIC=y
# Quicker, though larger, than a call for each access; variables on the stack.
# Where it can be had:
CONFIG_KASAN_INLINE=y
CONFIG_KASAN_STACK=y
# Memory of vmalloc().
CONFIG_KASAN_VMALLOC=y
# Undefined behaviour is told with its place, and the call goes on.
CONFIG_UBSAN=y
# CONFIG_UBSAN_TRAP is not set
CONFIG_UBSAN_BOUNDS=y
CONFIG_UBSAN_SHIFT=y
CONFIG_UBSAN_BOOL=y
CONFIG_UBSAN_ENUM=y
# Older kernels: all files are checked, not only those that ask for it.
# Where it can be had:
CONFIG_UBSAN_SANITIZE_ALL=y
"""),
    needs=(Need("HAVE_ARCH_KASAN", "memory access checker (KASAN)"),),
    memory_mib=512,
    slower=3.0,
)
